"""
The floors of the house, read from the imports.

A module imports what stands below it, and peers of its own floor.  That one
sentence keeps the core testable without a disk and the backends exchangeable;
:func:`problems` reads every module of a tree with :mod:`ast` and says, in a
sentence each, where the tree has left it.  Imports inside functions and below
``TYPE_CHECKING`` count like any other: who knows whom is the same there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import attrs

#: The floor of each module; of a package, of all that is in it.
FLOORS: Mapping[str, int] = {
    "hmacfs": 0,
    "hmacfs.addresses": 0,
    "hmacfs.clocks": 0,
    "hmacfs.conditions": 0,
    "hmacfs.config": 0,
    "hmacfs.digests": 0,
    "hmacfs.errors": 0,
    "hmacfs.events": 0,
    "hmacfs.fields": 0,
    "hmacfs.http1": 0,
    "hmacfs.kinds": 0,
    "hmacfs.media": 0,
    "hmacfs.names": 0,
    "hmacfs.operations": 0,
    "hmacfs.patterns": 0,
    "hmacfs.permission": 0,
    "hmacfs.placeholders": 0,
    "hmacfs.proxies": 0,
    "hmacfs.quoting": 0,
    "hmacfs.ranges": 0,
    "hmacfs.records": 0,
    "hmacfs.redaction": 0,
    "hmacfs.redis_url": 0,
    "hmacfs.resumable": 0,
    "hmacfs.retention": 0,
    "hmacfs.retention_kind": 0,
    "hmacfs.rules": 0,
    "hmacfs.settings": 0,
    "hmacfs.signing": 0,
    "hmacfs.tokens": 0,
    "hmacfs.units": 0,
    "hmacfs.uploads": 0,
    "hmacfs.values": 0,
    "hmacfs.verdict": 0,
    "hmacfs.abilities": 1,
    "hmacfs.commons": 2,
    "hmacfs.interfaces": 1,
    "hmacfs.disk": 2,
    "hmacfs.kernel_syncs": 2,
    "hmacfs.metadata": 2,
    "hmacfs.store": 2,
    "hmacfs.syncing": 2,
    "hmacfs.web": 3,
    "hmacfs.access_log": 4,
    "hmacfs.care": 4,
    "hmacfs.cli": 4,
    "hmacfs.control": 4,
    "hmacfs.daemon": 4,
    "hmacfs.descriptors": 4,
    "hmacfs.drain": 4,
    "hmacfs.foundation": 4,
    "hmacfs.gathering": 4,
    "hmacfs.greeting": 4,
    "hmacfs.hub": 4,
    "hmacfs.keeping_metrics": 4,
    "hmacfs.listeners": 4,
    "hmacfs.loading": 4,
    "hmacfs.logs": 4,
    "hmacfs.messages": 4,
    "hmacfs.metrics": 4,
    "hmacfs.metrics_site": 4,
    "hmacfs.ports": 4,
    "hmacfs.readings": 4,
    "hmacfs.request_lines": 4,
    "hmacfs.reunion": 4,
    "hmacfs.sharing_metrics": 4,
    "hmacfs.signals": 4,
    "hmacfs.tallies": 4,
    "hmacfs.timers": 4,
    "hmacfs.systemd": 4,
    "hmacfs.supervisor": 4,
    "hmacfs.tap": 4,
    "hmacfs.worker": 4,
    "hmacfs.workers": 4,
}

#: Packages whose modules make up one thing, and so know each other.
PACKAGES = (
    "hmacfs.interfaces",
    "hmacfs.resumable",
    "hmacfs.store",
    "hmacfs.store.tables",
    "hmacfs.metadata",
    "hmacfs.web",
    "hmacfs.care",
    "hmacfs.control",
    "hmacfs.cli",
    "hmacfs.workers",
)

#: What the pure core may use: nothing here opens, waits, or asks what time it is.
# fmt: off
PURE = frozenset({
    "__future__", "attrs", "base64", "binascii", "bisect", "calendar", "collections",
    "datetime", "difflib", "email", "enum", "functools", "hashlib", "heapq", "hmac",
    "ipaddress", "itertools", "json", "jwt", "math", "operator", "re", "string", "struct",
    "toml", "types", "typing", "unicodedata", "urllib",
})
# fmt: on

#: Listeners, and the one module that knows them.
LISTENERS = frozenset(
    {"hmacfs.access_log", "hmacfs.keeping_metrics", "hmacfs.logs", "hmacfs.metrics"}
    | {"hmacfs.sharing_metrics"}
)
TAP = "hmacfs.tap"

#: Those that nobody imports, and what they may leave to a module of its own.
ENTRIES = frozenset({TAP, "hmacfs.worker"})
KNOWING = ENTRIES | {"hmacfs.foundation", "hmacfs.listeners", "hmacfs.supervisor"}

#: The modules that may use names of Twisted that are not public: the one of
#: twisted.web's, the others of its transports'.
INTIMATE = ("hmacfs.web.channel", "hmacfs.web.outlet", "hmacfs.web.secure_outlet")
_MAY = f"{' and '.join(INTIMATE)} may"


@attrs.frozen
class Module:
    """
    :ivar name: dotted, ``hmacfs.web.channel``.
    :ivar tree: its source.
    :ivar package: whether it is the ``__init__`` of a package.
    """

    name: str
    tree: ast.Module
    package: bool


def read(root: Path) -> dict[str, Module]:
    """
    :param root: the folder of the package.
    :return: its modules by name.
    """
    modules = {}
    for path in sorted(root.rglob("*.py")):
        parts = [root.name, *path.relative_to(root).with_suffix("").parts]
        package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if package else parts)
        modules[name] = Module(name, ast.parse(path.read_text()), package)
    return modules


def imports(module: Module, modules: Mapping[str, Module]) -> Iterator[str]:
    """
    :return: what *module* imports: the module where it is one of the tree,
        else the dotted name as it is written, what is taken out of it included.
    """
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.name.split(".")
                parts = parts[: len(parts) - node.level + module.package]
                base = ".".join([*parts, base] if base else parts)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield base if base in modules and inner not in modules else inner


def floor(name: str, floors: Mapping[str, int]) -> int | None:
    """
    :return: the floor of the module *name*, or of the package it is in.
    """
    while name not in floors:
        name, dot, _ = name.rpartition(".")
        if not dot or name not in PACKAGES:
            return None
    return floors[name]


def package(name: str) -> str:
    """
    :return: the one of :data:`PACKAGES` that *name* is in, or *name*.
    """
    return next((p for p in PACKAGES if name == p or name.startswith(p + ".")), name)


def private(name: str) -> bool:
    """Whether *name* is one that its owner keeps to itself."""
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


@cache
def bound(tree: ast.Module) -> frozenset[str]:
    """
    :return: every name that the module itself gives to an attribute, a
        method or a field.
    """
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.id if isinstance(node, ast.Name) else node.attr)
    return frozenset(names)


def strangers(module: Module, modules: Mapping[str, Module]) -> Iterator[str]:
    """
    A guess that errs on the safe side: a private attribute counts as a
    stranger's where it is read from anything but ``self`` and ``cls``, or
    where nothing ever sets it: in the module, or in those of ours that it
    imports, whose classes may be the bases of its own.  ``os._exit`` is public.

    :return: the private names of others that *module* uses.
    """
    own = set(bound(module.tree))
    for base in {*imports(module, modules)} & {*modules} - {*INTIMATE}:
        own |= bound(modules[base].tree)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and private(node.attr):
            of = node.value.id if isinstance(node.value, ast.Name) else ""
            if (of not in ("self", "cls") or node.attr not in own) and of != "os":
                yield node.attr


def problems(modules: Mapping[str, Module], floors: Mapping[str, int]) -> list[str]:
    """
    :return: a sentence for each place that breaks a rule of the house; empty
        where all is well.
    """
    found = []
    for name, module in modules.items():
        mine = floor(name, floors)
        if mine is None:
            found.append(f"{name} has no floor: say in tests/layers.py where it stands.")
            continue
        for target in sorted(set(imports(module, modules))):
            found.extend(_wrong(name, mine, target, floor(target, floors), target in modules))
        if name not in INTIMATE:
            found.extend(
                f"{name} uses {stranger}, which is not public: only {_MAY}."
                for stranger in sorted(set(strangers(module, modules)))
            )
    found.extend(
        f"{name} has a floor in tests/layers.py and is gone."
        for name in floors
        if name not in modules
    )
    return found


def _wrong(name: str, mine: int, target: str, theirs: int | None, inside: bool) -> Iterator[str]:
    if not inside:
        if mine == 0 and target.split(".")[0] not in PURE:
            yield f"{name} imports {target}: the pure core has no I/O, no clock and no Twisted."
        parts = target.split(".")
        if parts[0] == "twisted" and any(map(private, parts)) and name not in INTIMATE:
            yield f"{name} imports {target}, which is not public: only {_MAY}."
        return
    if target in ENTRIES:
        yield f"{name} imports {target}: nothing imports the tap."
    elif target in LISTENERS and name not in KNOWING:
        yield f"{name} imports {target}: only {TAP} knows the listeners."
    elif package(name) == "hmacfs.web" and theirs == 2:
        yield f"{name} imports {target}: web knows stores by their interface alone."
    elif theirs is not None and theirs > mine:
        yield f"{name} on floor {mine} imports {target} on floor {theirs}."
