"""Restoring: a snapshot that etcd 3.7 wrote (20 keys), and what can be wrong with one."""

from __future__ import annotations

import contextlib
import gzip
import mmap
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from talos.base import errors
from talos.k8s.etcd import restore

RECORDED = gzip.decompress((Path(__file__).resolve().parents[3] / "data/etcd-snapshot.db.gz").read_bytes())
DIGEST = 32


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    path = tmp_path / "snapshot"
    path.write_bytes(RECORDED)
    return path


def _read(database: Path, bucket: bytes) -> dict[bytes, bytes]:
    with database.open("r+b") as file, contextlib.closing(mmap.mmap(file.fileno(), 0)) as data:
        opened = restore._Database(data)
        page = opened.bucket(bucket)
        assert page is not None
        return {key: data[value.at : value.at + value.size] for key, value in opened._items(page, 0)}


@pytest.mark.feature("M003", "A027")
def test_keys_stay_and_the_old_cluster_goes(snapshot: Path, tmp_path: Path) -> None:
    before = tmp_path / "before"
    before.write_bytes(RECORDED[:-DIGEST])
    assert len(_read(before, b"members")) == 1
    assert struct.unpack(">Q", _read(before, b"meta")[b"consistent_index"]) > (1,)
    restore.restore(snapshot, tmp_path / "data")
    made = tmp_path / "data/member/snap/db"
    assert made.stat().st_size == len(RECORDED) - DIGEST
    assert made.stat().st_mode & 0o777 == 0o600
    assert _read(made, b"members") == {}
    assert _read(made, b"meta")[b"consistent_index"] == bytes(8)
    assert _read(made, b"meta")[b"term"] == (1).to_bytes(8, "big")
    assert _read(made, b"key") == _read(before, b"key")
    assert len(_read(made, b"key")) == 20


def test_it_is_new_until_etcd_has_written_its_log(snapshot: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert not restore.is_untouched(data)
    restore.restore(snapshot, data)
    assert restore.is_untouched(data)
    (data / "member/wal").mkdir()
    assert not restore.is_untouched(data)
    with pytest.raises(errors.AlreadyExists):
        restore.restore(snapshot, data)


def _flip(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    "damage",
    [_flip(5000), _flip(len(RECORDED) - 1), lambda d: d[:-1], lambda d: d[:-DIGEST], lambda d: d[:4096], lambda d: b""],
)
@pytest.mark.feature("M003")
def test_damaged_snapshots_are_refused(snapshot: Path, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    snapshot.write_bytes(damage(RECORDED))
    with pytest.raises(errors.Invalid):
        restore.restore(snapshot, tmp_path / "data")
    assert list((tmp_path / "data").glob("*")) == []


@pytest.mark.feature("M003")
def test_a_copied_database_has_no_hash(snapshot: Path, tmp_path: Path) -> None:
    snapshot.write_bytes(RECORDED[:-DIGEST])
    restore.restore(snapshot, tmp_path / "data", skip_hash=True)
    assert len(_read(tmp_path / "data/member/snap/db", b"key")) == 20


@pytest.mark.parametrize("size", [0, 100, 4096, 8192, 12288, 20000])
def test_nonsense_without_hash_is_refused(snapshot: Path, tmp_path: Path, size: int) -> None:
    """Cut in the middle, zeros, bytes of any kind: Invalid, never another error, never half a folder."""
    for content in (RECORDED[:size], bytes(size), bytes(range(256)) * (size // 256)):
        snapshot.write_bytes(content)
        with pytest.raises(errors.Invalid):
            restore.restore(snapshot, tmp_path / "data", skip_hash=True)
        assert not (tmp_path / "data/member").exists()


def test_every_damaged_byte_ends_in_a_database_or_in_invalid(snapshot: Path, tmp_path: Path) -> None:
    for at in range(0, len(RECORDED) - DIGEST, 311):
        snapshot.write_bytes(_flip(at)(RECORDED)[:-DIGEST])
        with contextlib.suppress(errors.Invalid):
            restore.restore(snapshot, tmp_path / f"data{at}", skip_hash=True)
