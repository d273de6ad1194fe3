"""Order and choice of kernel modules, on tables like depmod's."""

import errno
from pathlib import Path

import pytest

from talos.init import modprobe, modules

DEP = """\
kernel/fs/xfs/xfs.ko.xz: kernel/lib/libcrc32c.ko.xz
kernel/lib/libcrc32c.ko.xz:
kernel/arch/x86/crypto/crc32c-intel.ko.xz:
kernel/crypto/crc32c_generic.ko.xz:
kernel/drivers/net/virtio_net.ko.xz: kernel/drivers/net/net_failover.ko.xz kernel/net/core/failover.ko.xz
kernel/drivers/net/net_failover.ko.xz: kernel/net/core/failover.ko.xz
kernel/net/core/failover.ko.xz:
kernel/a.ko.xz:
kernel/b.ko.xz:
"""
ALIAS = """\
# Aliases extracted from modules themselves.
alias fs-xfs xfs
alias crypto-crc32c crc32c_intel
alias crypto-crc32c crc32c_generic
alias virtio:d00000001v* virtio_net
alias pci:v00001AF4d00001000sv*sd*bc*sc*i* a
alias pci:v*d*sv*sd*bc01sc08i02* b
alias devname:net-?[0-9] a
"""
SOFT = """\
softdep libcrc32c pre: crypto-crc32c
softdep a post: b
softdep b pre: a
"""


@pytest.fixture
def index(tmp_path: Path) -> modules.Index:
    (tmp_path / "modules.dep").write_text(DEP)
    (tmp_path / "modules.alias").write_text(ALIAS)
    (tmp_path / "modules.softdep").write_text(SOFT)
    (tmp_path / "modules.builtin").write_text("kernel/drivers/virtio/virtio_pci.ko\n")
    return modules.Index(str(tmp_path))


def order(index: modules.Index, *names: str) -> list[str]:
    return [modules.canonical(path) for path in index.order(names)]


def test_needs_come_first_and_soft_ones_too(index: modules.Index) -> None:
    assert order(index, "xfs") == ["crc32c_intel", "crc32c_generic", "libcrc32c", "xfs"]
    assert order(index, "virtio-net") == ["failover", "net_failover", "virtio_net"]


def test_soft_dependencies_in_a_circle_end(index: modules.Index) -> None:
    assert sorted(order(index, "a", "b")) == ["a", "b"]


@pytest.mark.parametrize(
    ("alias", "found"),
    [
        ("virtio:d00000001v00001AF4", ["virtio_net"]),
        ("pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00", ["a"]),
        ("pci:v00008086d00005845sv0sd0bc01sc08i02", ["b"]),
        ("pci:v00008086d00005845sv0sd0bc02sc00i00", []),
        ("fs-xfs", ["xfs"]),
        ("crypto-crc32c", ["crc32c_intel", "crc32c_generic"]),
        ("devname:net-x7", ["a"]),
        ("devname:net-xy", []),
        ("virtio_pci", ["virtio_pci"]),
        ("crc32c-intel", ["crc32c_intel"]),
        ("", []),
    ],
)
def test_aliases(index: modules.Index, alias: str, found: list[str]) -> None:
    assert index.matching(alias) == found


def test_what_is_built_in_needs_no_file(index: modules.Index) -> None:
    assert index.order(["virtio_pci", "never-heard-of"]) == []


def test_a_file_is_inserted_once_and_a_failure_is_told(index: modules.Index) -> None:
    inserted: list[str] = []
    told: list[str] = []

    def insert(path: str) -> None:
        inserted.append(modules.canonical(path))
        if path.endswith("crc32c-intel.ko.xz"):
            raise OSError(errno.ENODEV, "no such device")
        if path.endswith("xfs.ko.xz"):
            raise OSError(errno.ENOEXEC, "exec format error")

    loader = modules.Loader(index, told.append, insert)
    assert not loader.load(["xfs"])
    assert loader.serve("virtio:d00000001v00001AF4")
    assert loader.serve("virtio:d00000001v00001AF4")
    assert inserted == [
        "crc32c_intel", "crc32c_generic", "libcrc32c", "xfs", "failover", "net_failover", "virtio_net",
    ]  # fmt: skip
    assert told == ["module xfs: exec format error"]


def test_devices_in_the_order_of_their_use(tmp_path: Path) -> None:
    for name, alias in {
        "cpu": "cpu:type:x86",
        "usb": "usb:v1",
        "nic": "virtio:d1v1",
        "ctl": "pci:v1",
        "two": "pci:v1",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "modalias").write_text(alias + "\n")
    assert list(modules.present_aliases(str(tmp_path))) == ["virtio:d1v1", "pci:v1", "cpu:type:x86", "usb:v1"]


def test_uevents() -> None:
    event = b"add@/devices/x\0ACTION=add\0SUBSYSTEM=virtio\0MODALIAS=virtio:d2v2\0SEQNUM=7\0"
    assert modules.uevent_alias(event) == "virtio:d2v2"
    assert modules.uevent_alias(event.replace(b"add@", b"remove@")) == ""
    assert modules.uevent_alias(b"") == ""


@pytest.mark.parametrize(
    ("words", "name"),
    [(["-q", "--", "fs-xfs"], "fs-xfs"), (["nf_tables"], "nf_tables"), (["-q"], ""), (["--", "a", "x=1"], "a")],
)
def test_words_of_modprobe(words: list[str], name: str) -> None:
    assert modprobe.asked_for(words) == name


def test_events_are_served_and_lost_ones_made_up_for(
    index: modules.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "modalias").write_text("pci:v00001AF4d00001000sv0sd0bc02sc00i00\n")
    monkeypatch.setattr(modules.present_aliases, "__defaults__", (str(tmp_path),))
    inserted: list[str] = []
    loader = modules.Loader(index, lambda _: None, lambda path: inserted.append(modules.canonical(path)))
    waiting: list[bytes | OSError] = [
        b"add@/x\0MODALIAS=virtio:d00000001v00001AF4\0",
        OSError(errno.ENOBUFS, "lost"),
        b"remove@/x\0MODALIAS=fs-xfs\0",
        BlockingIOError(),
    ]

    class Events:
        def settimeout(self, _: float | None) -> None:
            """As a socket."""

        def recv(self, _: int) -> bytes:
            found = waiting.pop(0)
            if isinstance(found, OSError):
                raise found
            return found

    modules.follow(Events(), loader, 0.0)  # type: ignore[arg-type]
    assert inserted == ["failover", "net_failover", "virtio_net", "a", "b"]
    assert waiting == []


def test_extras_of_the_processor_wait(index: modules.Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "modalias").write_text("cpu:type:x86,ven0\n")
    monkeypatch.setattr(modules.present_aliases, "__defaults__", (str(tmp_path),))
    asked: list[str] = []
    loader = modules.Loader(index, lambda _: None)
    monkeypatch.setattr(loader, "serve", asked.append)
    modules.load_present(loader)
    assert asked == []
    modules.load_present(loader, processor=True)
    assert asked == ["cpu:type:x86,ven0"]
