"""From power-on to the maintenance API, against a bare Python PID 1 and against Debian with systemd, in QEMU.

The three use the same firmware, loader, kernel, kernel arguments, module list and virtual machine, one after the other
and again. `bare` has the same initramfs, in which PID 1 only says that it runs; `debian` has the same first stage, and
then Debian 13's systemd on a read-only root, up to multi-user.target. Goals: within 2.5 times `bare`, and no longer
than `debian`. Medians; shares come from what the console said when.
"""

from __future__ import annotations

import argparse
import re
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "src")]

from tests.vm.guest import Guest  # noqa: E402
from tools.dev import build, environment  # noqa: E402

from talos.imager import cache, cpio, output, profile, sysroot, uki  # noqa: E402
from talos.imager.progress import Progress  # noqa: E402

ALONE = True
GOAL_BARE, GOAL_DEBIAN = 2.5, 1.0
_LIMIT_S = 600.0
_POLL_S = 0.02
_ZSTD = b"\x28\xb5\x2f\xfd"
_STAGE1 = "usr/lib/pytalos/app/talos/init/stage1.pyc"
_ARGUMENTS = ("pytalos.first_stage_timeout=3600",)
_INIT = re.compile(r"^\[ *([0-9.]+)\] Run /init as init process", re.MULTILINE)
_PACK = """
cp /usr/share/base-passwd/passwd.master /etc/passwd; cp /usr/share/base-passwd/group.master /etc/group
systemd-sysusers; export SYSTEMCTL_SKIP_SYSV=1
systemctl enable cron dbus getty@tty1 networking systemd-pstore systemd-timesyncd
printf 'tmpfs /var tmpfs\\n' > /etc/fstab
printf 'auto ens2\\niface ens2 inet dhcp\\n' > /etc/network/interfaces
: > /etc/machine-id; echo bench > /etc/hostname; mkdir -p /usr/lib/modules /proc /sys /dev /run
ln -s ../lib/systemd/systemd /usr/bin/init
mksquashfs / {target} -noappend -quiet -no-progress -comp zstd -Xcompression-level 3 -no-xattrs -wildcards \
  -e 'proc/*' 'sys/*' 'dev/*' 'tmp/*' 'run/*' 'root/*' 'usr/share/doc/*' {shared}
"""

Times = dict[str, float]


def _parts(unified: bytes) -> dict[str, bytes]:
    return {section.name: section.data for section in uki.sections(unified)}


def _split(initrd: bytes) -> tuple[dict[str, bytes], bytes]:
    """The files carried plainly, and the archive of the first stage."""
    import zstandard

    at, carried = 0, {}
    while initrd[at : at + 6] == b"070701":
        size, length = int(initrd[at + 54 : at + 62], 16), int(initrd[at + 94 : at + 102], 16)
        name = initrd[at + 110 : at + 110 + length - 1].decode()
        at += -(-(110 + length) // 4) * 4
        carried[name] = initrd[at : at + size]
        at += -(-size // 4) * 4
    rest = initrd[initrd.index(_ZSTD, at) :]
    carried.pop("TRAILER!!!")
    return carried, zstandard.ZstdDecompressor().decompressobj().decompress(rest)


def _joined(carried: dict[str, bytes], first: bytes) -> bytes:
    import zstandard

    plain = cpio.archive({name: cpio.file(data) for name, data in carried.items()})
    return plain + zstandard.ZstdCompressor(level=19).compress(first)


def _debian(log: Path) -> bytes:
    table = CHECKOUT / "bench" / "debian.toml"
    tree = sysroot.build(table, log=log)

    def make(target: Path) -> None:
        script = _PACK.format(target=target / "root.sqsh", shared=str(target).lstrip("/"))
        tree.run(["/bin/sh", "-euc", script], log=log, timeout_s=600, shared=[target])

    key = cache.key(tree.describe(), _PACK)
    return (cache.Cache("bench").build(key, make, sync=False) / "root.sqsh").read_bytes()


class Systems:
    """The three, each as a disk image in a folder."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        self.folder, log = folder, cache.root() / "logs" / "bench-boot.log"
        workshop = build.Workshop(environment.Environment(CHECKOUT), progress)
        _, built = workshop.build_components()
        self.base = output.find_base(workshop.machine_image(), workshop.machine_tree().path)
        self._sections = _parts(self.base.image.read_bytes())
        carried, first = _split(self._sections[".initrd"])
        self._write("pytalos", self._sections[".initrd"])
        compiler = workshop.recipe(built, build.DEVELOPMENT_LEVEL).compiler()
        bare = compiler.compile({"/usr/lib/pytalos/app/talos/init/stage1.py": CHECKOUT / "bench" / "_bare.py"})
        replaced = cpio.archive({_STAGE1: cpio.file(next(iter(bare.values())).read_bytes())})
        self._write("bare", _joined(carried, first + replaced))
        with progress.step("Debian"):
            debian = _debian(log)
        self._write("debian", _joined(carried | {"rootfs.sqsh": debian}, first))

    def _write(self, name: str, initrd: bytes) -> None:
        more = ("systemd.unit=multi-user.target",) if name == "debian" else ()
        order = profile.order("metal", kernel_arguments=(*_ARGUMENTS, *more))
        words = profile.cmdline(self._sections[".cmdline"].decode(), "metal", order.kernel_arguments)
        unified = uki.build(
            self.base.stub.read_bytes(),
            kernel=self._sections[".linux"],
            initramfs=initrd,
            cmdline=words,
            os_release=self._sections[".osrel"],
            release=self._sections[".uname"].decode(),
        )
        (self.folder / name).mkdir()
        output.disk(order, self.base, unified, self.folder / name / "disk.raw")


def _answers(port: int) -> bool:
    """Whether TLS is spoken there: the forwarder accepts connections long before the machine does."""
    import socket

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), 2) as plain, context.wrap_socket(plain) as secured:
            return secured.version() is not None
    except (OSError, ssl.SSLError):
        return False


MARKS = {
    "pytalos": {"modules": r"loop0: detected capacity", "python start": r"\n\d{4}-\d\d-\d\dT\S+ \["},
    "bare": {},
    "debian": {"modules": r"loop0: detected capacity", "systemd start": r"systemd\[1\]|Welcome to"},
}
_LAST = {"pytalos": "controllers, API", "bare": "python start", "debian": "units"}
_ENDS = {"bare": r"bench: python is up", "debian": r"Reached target .*multi-user"}


def _watch(guest: Guest, name: str, started: float) -> Times:
    """Seconds from power-on to each mark, in the order they came."""
    seen: Times = {}
    marks = MARKS[name] | ({"end": _ENDS[name]} if name in _ENDS else {})
    asked = 0.0
    while "end" not in seen:
        now, text = time.monotonic() - started, guest.console()
        if "kernel" not in seen and (found := _INIT.search(text)):
            seen["firmware"], seen["kernel"] = now - float(found[1]), now
        after = text[found.end() :] if (found := _INIT.search(text)) else ""
        for mark, pattern in marks.items():
            if mark not in seen and re.search(pattern, after):
                seen[mark] = now
        if name not in _ENDS and "python start" in seen and now - asked > 0.2:
            asked = now
            if _answers(guest.port):
                seen["end"] = time.monotonic() - started
        if now > _LIMIT_S or re.search("Kernel panic", text):
            raise SystemExit(f"{name}: no end after {now:.0f} s\n{text[-3000:]}")
        time.sleep(_POLL_S)
    return seen


def _boot(systems: Systems, name: str, number: int) -> Times:
    folder = systems.folder / f"{name}-{number}"
    folder.mkdir()
    guest = Guest(folder, image=systems.folder / name)
    started = time.monotonic()
    with guest:
        found = _watch(guest, name, started)
    (systems.folder / f"{name}.log").write_text(guest.console())
    return found


def _shares(runs: list[Times]) -> list[tuple[str, float]]:
    """Median seconds of every step, in order."""
    order = sorted(runs[0], key=lambda mark: runs[0][mark])
    before = [None, *order[:-1]]
    return [
        (mark, statistics.median(run[mark] - (run[last] if last else 0.0) for run in runs))
        for last, mark in zip(before, order, strict=True)
    ]


def _report(found: dict[str, list[Times]], say: Callable[[str], None]) -> bool:
    ends = {name: statistics.median(run["end"] for run in runs) for name, runs in found.items()}
    for name, runs in found.items():
        all_of_them = ", ".join(f"{run['end']:.1f}" for run in runs)
        say(f"  {name:<8} {ends[name]:6.1f} s   ({all_of_them})")
        for mark, seconds in _shares(runs):
            label = _LAST[name] if mark == "end" else mark
            say(f"    {label:<16} {seconds:6.1f} s  {100 * seconds / ends[name]:3.0f} %")
    bare, debian = ends["pytalos"] / ends["bare"], ends["pytalos"] / ends["debian"]
    say(f"  pytalos / bare   {bare:.2f} (goal {GOAL_BARE})\n  pytalos / debian {debian:.2f} (goal {GOAL_DEBIAN})")
    return bare <= GOAL_BARE and debian <= GOAL_DEBIAN


def main() -> int:
    """Measure and print; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder for the console logs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-boot.", dir=cache.root()) as temporary:
        systems = Systems(Path(temporary), Progress(sys.stderr))
        found: dict[str, list[Times]] = {name: [] for name in ("bare", "debian", "pytalos")}
        for number in range(options.runs):
            for name, runs in found.items():
                runs.append(_boot(systems, name, number))
                print(f"  {name} {number + 1}/{options.runs}: {runs[-1]['end']:.1f} s", file=sys.stderr)
                if options.keep is not None:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / f"{name}.log").write_text((systems.folder / f"{name}.log").read_text())
        return 0 if _report(found, print) else 1


if __name__ == "__main__":
    sys.exit(main())
