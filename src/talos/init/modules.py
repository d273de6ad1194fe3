"""Kernel modules without kmod: which files a name or a device needs, in which order, and their loading.

The tables are depmod's (modules.dep, modules.alias, modules.softdep, modules.builtin); the kernel unpacks .ko.xz itself
(CONFIG_MODULE_DECOMPRESS). Two users: the watcher, which init starts beside machined, loads drivers for the devices
that are there and for those that come; and the kernel, which runs /sbin/modprobe for what it misses.

The standard library only, like all of init.
"""

from __future__ import annotations

import ctypes
import errno
import fnmatch
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator

ROOT = "/usr/lib/modules"
SYS_DEVICES = "/sys/devices"
LOADED = "/run/drivers-loaded"

_SYS_FINIT_MODULE = {"x86_64": 313, "aarch64": 273}
_INIT_COMPRESSED_FILE = 4
_NETLINK_KOBJECT_UEVENT = 15
_KERNEL_GROUP = 1
_UEVENT_BYTES = 64 * 1024
_MAX_DEPTH = 32
_PROCESSOR = "cpu:"

PROCESSOR_DELAY_S = 45.0

WANTED_AT_BOOT = ("br_netfilter", "overlay", "nf_tables", "vfat", "xfs")
"""What no device asks for, in the order of need; sysctls below net.bridge exist only once br_netfilter is there."""

_libc = ctypes.CDLL(None, use_errno=True)


def canonical(name: str) -> str:
    """The kernel's spelling of a module name: `dm-crypt.ko.xz` -> `dm_crypt`."""
    return os.path.basename(name).split(".ko", 1)[0].replace("-", "_")


class Index:
    """depmod's tables. Parsing is lazy per table, because the aliases are long."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._files: dict[str, list[str]] = {}
        self._soft: dict[str, tuple[list[str], list[str]]] = {}
        self._builtin: set[str] = set()
        self._aliases: dict[str, list[tuple[str, str]]] | None = None
        self._lengths: list[int] = []
        self._load()

    def _lines(self, name: str) -> Iterator[str]:
        try:
            with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as table:
                for line in table:
                    if line.strip() and not line.startswith("#"):
                        yield line.rstrip("\n")
        except FileNotFoundError:
            return

    def _load(self) -> None:
        for line in self._lines("modules.dep"):
            path, _, needs = line.partition(":")
            self._files[canonical(path)] = [path, *needs.split()]
        for line in self._lines("modules.builtin"):
            self._builtin.add(canonical(line))
        for line in self._lines("modules.softdep"):
            words = line.split()
            before: list[str] = []
            after: list[str] = []
            current: list[str] | None = None
            for word in words[2:]:
                if word in ("pre:", "post:"):
                    current = before if word == "pre:" else after
                elif current is not None:
                    current.append(word)
            self._soft[canonical(words[1])] = (before, after)

    def _read_aliases(self) -> dict[str, list[tuple[str, str]]]:
        """Patterns by what stands before their first wildcard: a look-up per prefix length replaces a scan."""
        found: dict[str, list[tuple[str, str]]] = {}
        for line in self._lines("modules.alias"):
            _, pattern, module = line.split()
            ends = [at for at in map(pattern.find, "*?[") if at >= 0]
            prefix = pattern[: min(ends)] if ends else pattern
            found.setdefault(prefix, []).append((pattern, module))
        self._lengths = sorted({len(prefix) for prefix in found})
        return found

    def known(self, name: str) -> bool:
        """Whether a module of this name exists, as a file or in the kernel."""
        return canonical(name) in self._files or canonical(name) in self._builtin

    def matching(self, alias: str) -> list[str]:
        """Names of the modules for a device's modalias, or a name the kernel asks for (`fs-xfs`, `net-pf-17`)."""
        if self.known(alias):
            return [canonical(alias)]
        if self._aliases is None:
            self._aliases = self._read_aliases()
        found: list[str] = []
        for length in self._lengths:
            if length > len(alias):
                break
            for pattern, module in self._aliases.get(alias[:length], ()):
                if canonical(module) not in found and fnmatch.fnmatchcase(alias, pattern):
                    found.append(canonical(module))
        return found

    def order(self, names: Iterable[str]) -> list[str]:
        """Paths of the files to load for the modules `names`, dependencies first. Unknown names are left out."""
        done: dict[str, None] = {}
        for name in names:
            self._visit(canonical(name), done, 0)
        return [os.path.join(self.folder, path) for path in done]

    def _visit(self, name: str, done: dict[str, None], depth: int) -> None:
        entry = self._files.get(name)
        if entry is None or entry[0] in done or depth > _MAX_DEPTH:
            return
        before, after = self._soft.get(name, ([], []))
        for soft in before:
            self._visit_soft(soft, done, depth)
        # modules.dep lists the nearest need first.
        for path in reversed(entry[1:]):
            self._visit(canonical(path), done, depth + 1)
        done.setdefault(entry[0])
        for soft in after:
            self._visit_soft(soft, done, depth)

    def _visit_soft(self, wanted: str, done: dict[str, None], depth: int) -> None:
        for name in self.matching(wanted):
            self._visit(name, done, depth + 1)


def insert(path: str, parameters: str = "") -> None:
    """finit_module(2). A module that is loaded already is no error. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        flags = 0 if path.endswith(".ko") else _INIT_COMPRESSED_FILE
        number = _SYS_FINIT_MODULE[os.uname().machine]
        if _libc.syscall(number, descriptor, parameters.encode(), flags) != 0:
            code = ctypes.get_errno()
            if code != errno.EEXIST:
                raise OSError(code, os.strerror(code), path)
    finally:
        os.close(descriptor)


class Loader:
    """Loads each file once; failures are told and remembered, because a device may ask many times."""

    def __init__(self, index: Index, tell: Callable[[str], None], put_in: Callable[[str], None] = insert) -> None:
        self._index, self._tell, self._insert = index, tell, put_in
        self._seen: set[str] = set()
        self._asked: set[str] = set()

    def load(self, names: Iterable[str]) -> bool:
        """Load modules with what they need; whether all of them are there now."""
        complete = True
        for path in self._index.order(names):
            if path in self._seen:
                continue
            self._seen.add(path)
            try:
                self._insert(path)
            except OSError as error:
                # ENODEV: the driver looked and found nothing to drive.
                if error.errno != errno.ENODEV:
                    self._tell(f"module {canonical(path)}: {error.strerror}")
                    complete = False
        return complete

    def serve(self, alias: str) -> bool:
        """Load what a modalias asks for."""
        if not alias or alias in self._asked:
            return True
        self._asked.add(alias)
        return self.load(self._index.matching(alias))


def present_aliases(top: str = SYS_DEVICES) -> Iterator[str]:
    """modalias of every device that is there: storage and network controllers first."""
    found = []
    for folder, _, files in os.walk(top):
        if "modalias" in files:
            try:
                with open(os.path.join(folder, "modalias"), encoding="utf-8", errors="replace") as source:
                    found.append(source.read().strip())
            except OSError:
                continue
    rank = {"virtio": 0, "pci": 1}
    yield from sorted(set(found), key=lambda alias: (rank.get(alias.partition(":")[0], 2), alias))


def uevent_alias(message: bytes) -> str:
    """The modalias of a kernel uevent that adds a device, or an empty text."""
    fields = message.split(b"\0")
    if not fields[0].startswith(b"add@"):
        return ""
    for field in fields[1:]:
        if field.startswith(b"MODALIAS="):
            return field[9:].decode(errors="replace")
    return ""


def index() -> Index:
    """Tables of the running kernel."""
    return Index(os.path.join(ROOT, os.uname().release))


def follow(events: socket.socket, loader: Loader, until: float | None = None) -> None:
    """Serve events until a time of the monotonic clock, or for ever; what waits already is served in any case."""
    while True:
        events.settimeout(None if until is None else max(0.0, until - time.monotonic()))
        try:
            loader.serve(uevent_alias(events.recv(_UEVENT_BYTES)))
        except (BlockingIOError, TimeoutError):
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            # Messages were lost: look at everything again.
            load_present(loader)


def load_present(loader: Loader, *, processor: bool = False) -> None:
    """Drivers for the devices that are there, or extras for the processor."""
    for alias in present_aliases():
        if alias.startswith(_PROCESSOR) is processor:
            loader.serve(alias)


def tell_loaded(mark: str = LOADED) -> None:
    """Let machined know that what is missing now has no driver, or is not there."""
    with open(mark, "w", encoding="utf-8"):
        pass


def watch(tell: Callable[[str], None]) -> None:
    """Load drivers for what is there, then for what comes. Does not return."""
    events = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_KOBJECT_UEVENT)
    events.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * _UEVENT_BYTES)
    # Before the first look, so that nothing falls between.
    events.bind((0, _KERNEL_GROUP))
    loader = Loader(index(), tell)
    load_present(loader)
    # virtio devices show themselves when their PCI driver is there.
    follow(events, loader, 0.0)
    loader.load(WANTED_AT_BOOT)
    tell_loaded()
    # Virtualisation and the like can wait: they take long, and nothing starts with them.
    follow(events, loader, time.monotonic() + PROCESSOR_DELAY_S)
    load_present(loader, processor=True)
    follow(events, loader)
