"""Files over the API: the walk, du and the tar stream, on real files."""

from __future__ import annotations

import io
import os
import socket
import tarfile
from pathlib import Path

import pytest

from talos.base import errors
from talos.machined.api import files
from talos.machinery.api._generated.machine import machine_pb2


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/one").write_bytes(b"1" * 10)
    (tmp_path / "a/b/two").write_bytes(b"2" * 200)
    (tmp_path / "link").symlink_to("a/one")
    return tmp_path


def names(root: Path, depth: int) -> list[str]:
    return [e.relative for e in files.walk(str(root), depth)]


@pytest.mark.feature("A038", "Q019")
def test_walk_is_sorted_parents_first_and_stops_at_depth(tree: Path) -> None:
    assert names(tree, 0) == ["."]
    assert names(tree, 1) == [".", "a", "link"]
    assert names(tree, -1) == [".", "a", "a/b", "a/b/two", "a/one", "link"]


def test_walk_of_nothing_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(errors.NotFound):
        list(files.walk(str(tmp_path / "gone"), 1))


def test_unreadable_directory_becomes_an_entry_with_error(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.listdir

    def listdir(path: str) -> list[str]:
        if path.endswith("/a"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    entries = list(files.walk(str(tree), -1))
    assert [e.error for e in entries if e.error] == [f"{tree}/a: Permission denied"]


@pytest.mark.parametrize(
    ("mode", "go"),
    [
        (0o100644, 0o644),
        (0o040755, (1 << 31) | 0o755),
        (0o120777, (1 << 27) | 0o777),
        (0o104755, (1 << 23) | 0o755),
        (0o041777, (1 << 31) | (1 << 20) | 0o777),
        (0o020620, (1 << 26) | (1 << 21) | 0o620),
        (0o140755, (1 << 24) | 0o755),
    ],
)
def test_modes_are_those_of_go(mode: int, go: int) -> None:
    assert files._go_mode(mode) == go


def test_symlinks_are_reported_with_their_target(tree: Path) -> None:
    entry = next(e for e in files.walk(str(tree), 1) if e.relative == "link")
    info = files._info(entry, xattrs=False)
    assert info.link == "a/one"
    assert not info.is_dir
    assert files._type_of(entry.status.st_mode) == machine_pb2.ListRequest.SYMLINK  # type: ignore[union-attr]


@pytest.mark.feature("A039")
def test_usage_sums_directories_after_their_children(tree: Path) -> None:
    own = (tree / "a").lstat().st_size
    rows = {u.entry.relative: u.size for u in files.usages(str(tree / "a"), 0, every_file=False, threshold=0)}
    assert list(rows) == ["b", "."]
    assert rows["b"] == (tree / "a/b").lstat().st_size + 200
    assert rows["."] == own + rows["b"] + 10


@pytest.mark.feature("A039")
@pytest.mark.parametrize(("threshold", "kept"), [(150, {"b/two"}), (-150, {"one"}), (0, {"b/two", "one"})])
def test_usage_thresholds(tree: Path, threshold: int, kept: set[str]) -> None:
    rows = files.usages(str(tree / "a"), 0, every_file=True, threshold=threshold)
    assert {u.entry.relative for u in rows if not u.entry.path.endswith(("a", "b"))} == kept


def unpack(root: Path) -> dict[str, bytes | None]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        files.write_tar(str(root), writing)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    assert os.waitpid(pid, 0)[1] == 0
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        return {m.name: (f.read() if (f := tar.extractfile(m)) and m.isreg() else None) for m in tar.getmembers()}


@pytest.mark.feature("A017")
def test_copy_streams_names_relative_to_the_root(tree: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_out:
        left_out.bind(str(tree / "socket"))
        content = unpack(tree)
    assert set(content) == {".", "a", "a/b", "a/b/two", "a/one", "link"}
    assert content["a/b/two"] == b"2" * 200


@pytest.mark.feature("A017")
def test_copy_of_a_single_file_carries_its_name(tree: Path) -> None:
    assert unpack(tree / "a/one") == {"one": b"1" * 10}


@pytest.mark.feature("A017")
def test_copy_reads_kernel_files_whole(tmp_path: Path) -> None:
    """Files of /proc say they are empty."""
    assert unpack(Path("/proc/version"))["version"] == Path("/proc/version").read_bytes()


def test_file_that_shrinks_while_read_is_padded() -> None:
    source = files._Exactly(io.BytesIO(b"abc"), 5)
    assert source.read(4) + source.read(4) == b"abc\0\0"


def test_files_of_sysfs_have_the_size_of_what_is_in_them() -> None:
    reading, writing = os.pipe()
    # Its size is said to be that of a page.
    path = Path("/sys/devices/system/cpu/online")
    files.write_tar(str(path), writing)
    with os.fdopen(reading, "rb") as stream, tarfile.open(fileobj=stream, mode="r|gz") as archive:
        (content,) = [archive.extractfile(member).read() for member in archive]  # type: ignore[union-attr]
    assert content == path.read_bytes()


def test_a_pseudo_file_that_can_not_be_read_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_NEVER_ENTER", (str(tmp_path),))
    (tmp_path / "fine").write_text("")
    # Opens, but reading at its beginning is an I/O error, as with some files of control groups.
    (tmp_path / "mem").symlink_to("/proc/self/mem")
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name in ("fine", "mem"):
            info = tarfile.TarInfo(name)
            monkeypatch.setattr(tar, "gettarinfo", lambda *_, found=info, **__: found)
            files._add(tar, str(tmp_path / name), name)
        assert tar.getnames() == ["fine"]
