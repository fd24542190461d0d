"""
What can be set: every key, its default, what to write, and why.

:data:`KEYS` is the one list.  The configuration is parsed by it, the nearest
key for a misspelt one is looked up in it, and ``conf/hmacfs.toml`` is held
against it; :class:`Settings` is what comes out, a field for each key in
snake_case.  Only the keys that name secrets have no field: together they make
:attr:`Settings.keys`.
"""

from __future__ import annotations

import re

import attrs

from hmacfs import kinds
from hmacfs.addresses import Address
from hmacfs.kinds import Kind, Network
from hmacfs.retention import Rule
from hmacfs.retention_kind import RETENTION

#: A chunk is held in memory for every transfer.
LARGEST_CHUNK = 64 * 2**20

#: There is room for those that end, too: see :data:`hmacfs.commons.PLACES`.
MOST_WORKERS = 31


@attrs.frozen
class Key:
    """
    One key of the configuration.

    :ivar name: as it stands in the file.
    :ivar default: as it would stand in the file.
    :ivar kind: what its value may be.
    :ivar why: one line for the operator.
    :ivar example: how it is written, where the default does not show it.
    """

    name: str
    default: object
    kind: Kind
    why: str
    example: str = ""

    @property
    def field(self) -> str:
        """
        ``ListenPort`` -> ``listen_port``, ``RedisURL`` -> ``redis_url``.
        """
        return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", self.name).lower()


@attrs.frozen(kw_only=True)
class Settings:
    """
    The configuration, parsed and checked once.

    Sizes are bytes, durations seconds, paths absolute; ``None`` is "no bound",
    "for ever" or "as many as there are".

    :ivar listen_port: where to listen, at least one address.
    :ivar unix_socket_mode: permission bits of every UNIX socket.
    :ivar keys: every secret in force, the newest first; never empty.
    :ivar upload_sub_dir: the prefix of every file's URL, without slashes at
        its ends; may hold several segments, never none.
    :ivar log_file: ``""`` is standard output.
    :ivar max_versions: 0 keeps all.
    :ivar trash_ttl: 0 is no trash.
    :ivar tombstone_ttl: 0 is no tombstones.
    :ivar delete_secret: ``b""`` where Metronome deletes nothing.
    :ivar retention: in the order in which they are asked.
    :ivar workers: processes; ``None`` is between the two bounds, by load.
    :ivar max_workers: ``None`` is the processors this daemon may use.
    :ivar public_url: without a slash at its end; ``""`` where it is not known.
    :ivar cors_origins: lower case; ``"*"`` is every origin.
    """

    listen_port: tuple[Address, ...]
    unix_socket: bool
    unix_socket_mode: int
    keys: tuple[bytes, ...] = attrs.field(repr=False)
    store_dir: str
    allow_network_store: bool
    upload_sub_dir: str
    log_level: str
    log_file: str
    log_format: str
    metrics_enabled: bool
    metrics_port: tuple[Address, ...]
    max_upload_size: int | None
    min_free_space: int
    upload_expiry: int
    chunk_size: int
    chunking_enabled: bool
    resumable_uploads_enabled: bool
    resumable_downloads_enabled: bool
    enable_versioning: bool
    max_versions: int
    overwrite_needs: str
    file_ttl: int | None
    trash_ttl: int
    sweep_interval: int
    durability: str
    digests: bool
    header_timeout: float
    idle_timeout: float
    shutdown_timeout: float
    download_auth: str
    public_url: str
    trusted_proxies: tuple[Network, ...]
    cors_origins: tuple[str, ...]
    informational_responses: str
    workers: int | None
    min_workers: int
    max_workers: int | None
    redis_url: str = attrs.field(repr=False)
    redis_prefix: str
    delete_secret: bytes = attrs.field(repr=False)
    tombstone_ttl: int
    owner_quota: int | None
    owner_from: str
    retention: tuple[Rule, ...]


KEYS: tuple[Key, ...] = (
    Key(
        "ListenPort",
        "127.0.0.1:8080",
        kinds.LISTEN,
        "Where uploads and downloads are served.",
    ),
    Key(
        "UnixSocket",
        False,
        kinds.SWITCH,
        "Read ListenPort as the path of a UNIX socket, for a proxy on this machine.",
    ),
    Key(
        "UnixSocketMode",
        "0660",
        kinds.MODE,
        "Who may connect to the UNIX sockets: the proxy's user or group must be able to write.",
    ),
    Key(
        "Secret",
        "",
        kinds.SECRET,
        'What the XMPP server signs its slots with; make one with "openssl rand -hex 32".',
    ),
    Key(
        "SecretFile",
        "",
        kinds.path("the path of a file", optional=True),
        "A file that holds the secret alone, in place of Secret.",
    ),
    Key(
        "PreviousSecrets",
        [],
        kinds.SECRETS,
        "Former secrets that still count, while a new one is taken into use.",
    ),
    Key(
        "StoreDir",
        "./hmacfs-data",
        kinds.path("the path of a folder"),
        "Where the files are kept, one file system for all of it.",
    ),
    Key(
        "AllowNetworkStore",
        False,
        kinds.SWITCH,
        "Keep the files on NFS, SMB or FUSE as well, where what was acknowledged may be lost.",
    ),
    Key(
        "UploadSubDir",
        "uploads",
        kinds.SEGMENTS,
        "What every file's URL begins with, below the host; it is no folder.",
    ),
    Key(
        "LogLevel",
        "info",
        kinds.choice("debug", "info", "warn", "error"),
        "The least important lines that are logged.",
    ),
    Key(
        "LogFile",
        "",
        kinds.path("the path of a file", optional=True),
        'Where the log goes, opened anew on SIGHUP; "" is standard output.',
    ),
    Key(
        "LogFormat",
        "text",
        kinds.choice("text", "json"),
        "Lines for people, or an object a line for programs.",
    ),
    Key(
        "MetricsEnabled",
        True,
        kinds.SWITCH,
        "Serve /metrics for Prometheus, on MetricsPort and nowhere else.",
    ),
    Key(
        "MetricsPort",
        "127.0.0.1:9090",
        kinds.LISTEN_TCP,
        "Where the metrics are served; keep it away from the public.",
    ),
    Key(
        "MaxUploadSize",
        "1GiB",
        kinds.size(unbounded=True),
        'The largest file that is taken; "0" is no bound.',
    ),
    Key(
        "MinFreeSpace",
        "100MiB",
        kinds.size(),
        "Uploads that would leave less free space than this are refused.",
    ),
    Key(
        "UploadExpiry",
        "24h",
        kinds.duration(),
        "How long an unfinished upload waits to be continued.",
    ),
    Key(
        "ChunkSize",
        1048576,
        kinds.size(1, LARGEST_CHUNK),
        "How much is read and written at a time; each transfer holds one chunk in memory.",
    ),
    Key(
        "ChunkingEnabled",
        True,
        kinds.SWITCH,
        "Let an upload come in several parts; else what is missing comes in one request.",
    ),
    Key(
        "ResumableUploadsEnabled",
        True,
        kinds.SWITCH,
        "Let a broken upload go on where it broke, by tus, the IETF draft or Content-Range.",
    ),
    Key(
        "ResumableDownloadsEnabled",
        True,
        kinds.SWITCH,
        "Answer Range requests, so that a broken download goes on where it broke.",
    ),
    Key(
        "EnableVersioning",
        False,
        kinds.SWITCH,
        "Let an upload replace a file, which is then kept as a version; else it is refused.",
    ),
    Key(
        "MaxVersions",
        5,
        kinds.whole(0),
        "How many former versions of a file are kept; 0 keeps all.",
    ),
    Key(
        "OverwriteNeeds",
        "any",
        kinds.choice("any", "expiring"),
        "Which signature may replace a file: any, or only one that expires (v3, JWT).",
    ),
    Key(
        "FileTTL",
        "",
        kinds.duration(never=True),
        'How long a file is kept after its upload; "" is for ever.',
    ),
    Key(
        "TrashTTL",
        "24h",
        kinds.duration(positive=False),
        'How long what a sweep took away can be brought back by "hmacfs undo"; "0" is not at all.',
    ),
    Key(
        "SweepInterval",
        "1m",
        kinds.duration(),
        "How often what has expired is looked for.",
    ),
    Key(
        "Durability",
        "full",
        kinds.choice("full", "fast"),
        'What an answer promises: the file survives a power cut ("full"), or a crash ("fast").',
    ),
    Key(
        "Digests",
        False,
        kinds.SWITCH,
        "Compute the SHA-256 of every upload; else that of those that somebody asks for.",
    ),
    Key(
        "HeaderTimeout",
        "20s",
        kinds.duration(whole_seconds=False),
        "How long a client may take for the head of a request.",
    ),
    Key(
        "IdleTimeout",
        "30s",
        kinds.duration(whole_seconds=False),
        "How long a connection or a body may be silent.",
    ),
    Key(
        "ShutdownTimeout",
        "30s",
        kinds.duration(positive=False, whole_seconds=False),
        "How long transfers may finish after SIGTERM.",
    ),
    Key(
        "DownloadAuth",
        "public",
        kinds.choice("public", "signed"),
        "Who may download: whoever has the URL, or only a URL with a v3 signature.",
    ),
    Key(
        "PublicURL",
        "",
        kinds.PUBLIC_URL,
        "What clients see, where a proxy stands before this; UploadSubDir follows it.",
    ),
    Key(
        "TrustedProxies",
        [],
        kinds.NETWORKS,
        "Whose Forwarded and X-Forwarded-* headers count; UNIX sockets always do.",
    ),
    Key(
        "CORSOrigins",
        ["*"],
        kinds.ORIGINS,
        "Which web pages may use this server from a browser; [] is none.",
    ),
    Key(
        "InformationalResponses",
        "auto",
        kinds.choice("auto", "always", "never"),
        "When 104 responses are sent; many proxies break on them, so not to proxies by default.",
    ),
    Key(
        "Workers",
        1,
        kinds.whole(1, auto=True, most=MOST_WORKERS),
        "How many processes serve.",
    ),
    Key(
        "MinWorkers",
        1,
        kinds.whole(1, most=MOST_WORKERS),
        'The least processes where Workers is "auto".',
    ),
    Key(
        "MaxWorkers",
        "auto",
        kinds.whole(1, auto=True, most=MOST_WORKERS),
        'The most processes where Workers is "auto"; "auto" is one for each processor.',
    ),
    Key(
        "RedisURL",
        "",
        kinds.REDIS_URL,
        'A Redis server where nodes learn of each other\'s uploads; "" is none.',
    ),
    Key(
        "RedisPrefix",
        "hmacfs:",
        kinds.TEXT,
        "What the names of all keys in Redis begin with.",
    ),
    Key(
        "DeleteSecret",
        "",
        kinds.SECRET,
        'What Metronome signs deletions with besides the secret; "" refuses them.',
    ),
    Key(
        "TombstoneTTL",
        "1y",
        kinds.duration(positive=False),
        "How long the name of a deleted file takes no upload.",
    ),
    Key(
        "OwnerQuota",
        "0",
        kinds.size(unbounded=True),
        'How much one owner may keep; "0" is no bound.',
    ),
    Key(
        "OwnerFrom",
        "jwt",
        kinds.choice("jwt", "path"),
        "Who owns a file: the user in the JWT, or the first segment of its path.",
    ),
    Key(
        "Retention",
        [],
        RETENTION,
        "Other terms for some names: the first rule that fits counts; they end this file.",
        example='[[Retention]]\nmatch = "avatars/*"\nttl = "never"',
    ),
)
