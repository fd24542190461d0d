"""
Media types: what a name suggests, what may stand in a header, what a browser
may show.

A stored type is what a client declared and a server signed, so it may be any
text at all; it is kept as it is and made safe only where it is served.  The
types by extension are this module's own, fixed table, so that a slot that one
machine accepts is accepted by every other, whatever its ``mime.types`` says.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from urllib.parse import quote

OCTET_STREAM = "application/octet-stream"

# RFC 9110 section 8.3.1.  The quantifiers are possessive: blanks between two
# semicolons would else be shared out in every way there is before a mismatch
# is believed.
#
#   media-type = type "/" subtype *( OWS ";" OWS [ token "=" ( token / quoted-string ) ] )
#
# obs-text is left out on purpose: what is no ASCII has no agreed meaning here.
_TCHARS = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_QUOTED = r'"(?:[\t !#-\[\]-~]|\\[\t -~])*+"'
_MEDIA_TYPE = re.compile(
    rf"{_TCHARS}/{_TCHARS}(?:[ \t]*+;[ \t]*+(?:{_TCHARS}=(?:{_TCHARS}|{_QUOTED}))?+)*+", re.ASCII
)

# RFC 8187 section 3.2.1: attr-char without the letters and digits.
_ATTR_CHAR = "!#$&+-.^_`|~"

_INLINE = ("image/", "video/", "audio/")

_TABLE = """
application/epub+zip                epub
application/gzip                    gz tgz
application/java-archive            jar
application/json                    json map
application/msword                  doc
application/octet-stream            bin dmg exe img iso
application/ogg                     ogx
application/pdf                     pdf
application/pgp-encrypted           pgp gpg
application/pgp-keys                key
application/pgp-signature           sig
application/postscript              ps ai eps
application/rtf                     rtf
application/vnd.android.package-archive apk
application/vnd.apple.pkpass        pkpass
application/vnd.debian.binary-package deb
application/vnd.ms-excel            xls
application/vnd.ms-fontobject       eot
application/vnd.ms-powerpoint       ppt
application/vnd.oasis.opendocument.graphics odg
application/vnd.oasis.opendocument.presentation odp
application/vnd.oasis.opendocument.spreadsheet ods
application/vnd.oasis.opendocument.text odt
application/vnd.openxmlformats-officedocument.presentationml.presentation pptx
application/vnd.openxmlformats-officedocument.spreadsheetml.sheet xlsx
application/vnd.openxmlformats-officedocument.wordprocessingml.document docx
application/vnd.rar                 rar
application/vnd.sqlite3             sqlite db
application/wasm                    wasm
application/x-7z-compressed         7z
application/x-bittorrent            torrent
application/x-bzip2                 bz2
application/x-sh                    sh
application/x-tar                   tar
application/x-xz                    xz
application/xhtml+xml               xhtml
application/zip                     zip
application/zstd                    zst
audio/aac                           aac
audio/amr                           amr
audio/flac                          flac
audio/midi                          mid midi
audio/mp4                           m4a
audio/mpeg                          mp3 mp2
audio/ogg                           ogg oga opus spx
audio/webm                          weba
audio/x-aiff                        aif aiff
audio/x-wav                         wav
font/otf                            otf
font/ttf                            ttf
font/woff                           woff
font/woff2                          woff2
image/apng                          apng
image/avif                          avif
image/bmp                           bmp
image/gif                           gif
image/heic                          heic
image/heif                          heif
image/jpeg                          jpg jpeg jpe
image/jxl                           jxl
image/png                           png
image/svg+xml                       svg svgz
image/tiff                          tif tiff
image/vnd.microsoft.icon            ico
image/webp                          webp
message/rfc822                      eml
model/gltf-binary                   glb
text/calendar                       ics
text/css                            css
text/csv                            csv
text/html                           html htm
text/javascript                     js mjs
text/markdown                       md markdown
text/plain                          txt text log conf diff patch
text/tab-separated-values           tsv
text/vcard                          vcf
text/vtt                            vtt
text/xml                            xml xsl
video/3gpp                          3gp 3gpp
video/3gpp2                         3g2
video/mp2t                          ts
video/mp4                           mp4 m4v
video/mpeg                          mpg mpeg
video/ogg                           ogv
video/quicktime                     mov qt
video/webm                          webm
video/x-flv                         flv
video/x-matroska                    mkv
video/x-ms-wmv                      wmv
video/x-msvideo                     avi
"""

#: The extension, in lower case and without its dot -> the media type.
TYPES = MappingProxyType(
    {
        extension: media_type
        for media_type, *extensions in map(str.split, _TABLE.strip().splitlines())
        for extension in extensions
    }
)


def guess(path: str) -> str:
    """
    The media type that the extension of *path* suggests.

    :param path: a name, folders or not.  What follows the last dot of its
        last segment counts, in either case; so also in ``.png``, which is what
        some XMPP servers leave of a name in another script.
    :return: a type without parameters; ``application/octet-stream`` where
        nothing is known.
    """
    _, dot, extension = path.rpartition("/")[2].rpartition(".")
    return TYPES.get(extension.lower(), OCTET_STREAM) if dot else OCTET_STREAM


def safe_type(content_type: str) -> str:
    """
    A stored type as it may stand in ``Content-Type``.

    :return: *content_type* where it is a media type by the grammar of RFC
        9110, so in ASCII and without line breaks; else
        ``application/octet-stream``.
    """
    return content_type if _MEDIA_TYPE.fullmatch(content_type) else OCTET_STREAM


def disposition(content_type: str, filename: bytes) -> bytes:
    """
    Whether a browser may show the file, as ``Content-Disposition``.

    Only what cannot carry a script is shown: pictures, films, sound and plain
    text (as the README of Prosody's mod_http_upload_external asks), and none
    of them where the type is an XML one: browsers open any ``+xml`` as a
    document, SVG first of all.

    :param content_type: as :func:`safe_type` returns it.
    :param filename: the last segment of the name, UTF-8, to save it under.
    :return: ``inline``, or ``attachment`` with the name by RFC 8187.
    """
    essence = content_type.partition(";")[0].rstrip(" \t").lower()
    shown = essence == "text/plain" or (
        essence.startswith(_INLINE) and not essence.endswith("+xml") and "/svg" not in essence
    )
    if shown:
        return b"inline"
    return b"attachment; filename*=UTF-8''" + quote(filename, safe=_ATTR_CHAR).encode("ascii")
