from pathlib import Path, PurePosixPath

import pytest

from talos.base import errors
from talos.machined.controllers.files import etc_file


class Box:
    """A read-only /etc of an image, and binds that are only recorded."""

    def __init__(self, root: Path) -> None:
        self.etc, self.shadow = root / "etc", root / "shadow"
        for name in ("hosts", "cri/containerd.toml"):
            (self.etc / name).parent.mkdir(parents=True, exist_ok=True)
            (self.etc / name).touch()
        (self.etc / "cri/conf.d").mkdir()
        self.binds: dict[Path, Path] = {}
        self.files = etc_file.EtcFiles(self.etc, self.shadow, self._bind, lambda path: path in self.binds)

    def _bind(self, source: Path, target: Path) -> None:
        assert source.exists()
        assert target.exists()
        self.binds[target] = source

    def write(self, name: str, contents: str, mode: int = 0o644) -> None:
        self.files.write(PurePosixPath(name), contents.encode(), mode)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_a_file_of_the_image_is_bound_alone_and_changed_in_place(box: Box) -> None:
    box.write("hosts", "one")
    inode = (box.shadow / "hosts").stat().st_ino
    box.write("hosts", "two", 0o600)
    assert box.binds == {box.etc / "hosts": box.shadow / "hosts"}
    assert (box.shadow / "hosts").read_text() == "two"
    assert (box.shadow / "hosts").stat().st_ino == inode
    assert (box.shadow / "hosts").stat().st_mode & 0o777 == 0o600


def test_files_the_image_does_not_have_bind_their_directory_once(box: Box) -> None:
    box.write("cri/containerd.toml", "main")
    box.write("cri/conf.d/hosts/docker.io/hosts.toml", "a")
    box.write("cri/conf.d/cri.toml", "b")
    box.write("cri/conf.d/hosts/quay.io/hosts.toml", "c")
    assert box.binds == {
        box.etc / "cri/containerd.toml": box.shadow / "cri/containerd.toml",
        box.etc / "cri/conf.d": box.shadow / "cri/conf.d",
    }
    assert (box.shadow / "cri/conf.d/cri.toml").read_text() == "b"


def test_replacement_in_a_bound_directory_is_atomic(box: Box) -> None:
    box.write("cri/conf.d/cri.toml", "one")
    inode = (box.shadow / "cri/conf.d/cri.toml").stat().st_ino
    box.write("cri/conf.d/cri.toml", "two")
    assert (box.shadow / "cri/conf.d/cri.toml").stat().st_ino != inode
    assert not list(box.shadow.rglob(".*"))


def test_nothing_is_written_when_nothing_changes(box: Box) -> None:
    box.write("hosts", "one")
    before = (box.shadow / "hosts").stat().st_mtime_ns
    box.write("hosts", "one")
    assert (box.shadow / "hosts").stat().st_mtime_ns == before


def test_removal(box: Box) -> None:
    box.write("hosts", "one")
    box.write("cri/conf.d/cri.toml", "two")
    box.files.remove(PurePosixPath("hosts"))
    box.files.remove(PurePosixPath("cri/conf.d/cri.toml"))
    box.files.remove(PurePosixPath("never-there"))
    assert (box.shadow / "hosts").read_bytes() == b""
    assert not (box.shadow / "cri/conf.d/cri.toml").exists()


@pytest.mark.parametrize("name", ["../passwd", "/etc/passwd", "a/../../b", ""])
def test_names_that_leave_etc_are_refused(name: str) -> None:
    with pytest.raises(errors.Invalid):
        etc_file.relative(name)
