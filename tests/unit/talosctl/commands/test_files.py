"""list, usage, read, copy: the files of a node."""

from __future__ import annotations

import datetime
import io
import os
import tarfile
from pathlib import Path

import pytest

from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.rpc import status
from talos.talosctl.commands import list as list_command
from tests.unit.talosctl.commands.conftest import MACHINE, Cluster

_OLD = int(datetime.datetime(2020, 3, 4, 5, 6, 7, tzinfo=datetime.UTC).timestamp())


def _file(name: str, mode: int = 0o644, size: int = 5, **more: object) -> machine_pb2.FileInfo:
    return machine_pb2.FileInfo(name=f"/x/{name}", relative_name=name, mode=mode, size=size, modified=_OLD, **more)  # type: ignore[arg-type]


def test_names_alone_for_one_node_a_table_for_several(cluster: Cluster) -> None:
    cluster.serve(f"{MACHINE}List", [_file("."), _file("a")])
    assert cluster.run("ls", "/x").out == ".\na\n"
    ran = cluster.run("list", "/x", nodes="10.5.0.2,10.5.0.3")
    assert ran.lines[0].split() == ["NODE", "NAME"]
    assert sorted(line.split()[0] for line in ran.lines[1:]) == ["10.5.0.2"] * 2 + ["10.5.0.3"] * 2
    assert {r.root for r in cluster.requests(f"{MACHINE}List")} == {"/x"}


def test_long_listing(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    link = _file("b", mode=(1 << 27) | 0o777, link="/target", uid=1, gid=2)
    labelled = _file("a", xattrs=[machine_pb2.Xattr(name="security.selinux", data=b"system_u:object_r:etc_t\0")])
    directory = _file(".", mode=(1 << 31) | (1 << 20) | 0o755, size=4096)
    cluster.serve(f"{MACHINE}List", [directory, labelled, link])
    assert cluster.run("ls", "-l", "/x").lines == [
        "NODE       MODE          UID   GID   SIZE(B)   LASTMOD             LABEL                     NAME",
        "10.5.0.2   dtrwxr-xr-x   0     0     4096      Mar  4 2020 05:06                             .",
        "10.5.0.2   -rw-r--r--    0     0     5         Mar  4 2020 05:06   system_u:object_r:etc_t   a",
        "10.5.0.2   Lrwxrwxrwx    1     2     5         Mar  4 2020 05:06                             b -> /target",
    ]
    (request,) = cluster.requests(f"{MACHINE}List")
    assert request.report_xattrs


def test_recent_changes_have_seconds_and_no_year() -> None:
    now = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)
    assert list_command.moment_text(now - datetime.timedelta(days=2), now) == "Nov 21 00:00:00"


@pytest.mark.parametrize(
    ("flags", "recurse", "depth", "types"),
    [
        ((), False, 1, []),
        (("-r",), True, -1, []),
        (("-d", "3"), True, 3, []),
        (("-lr", "-tf"), True, -1, [machine_pb2.ListRequest.REGULAR]),
        (("--recurse=false", "--long"), False, 1, []),
        (("-t", "fd"), False, 1, [machine_pb2.ListRequest.REGULAR, machine_pb2.ListRequest.DIRECTORY]),
        (("-t", "d,L"), False, 1, [machine_pb2.ListRequest.DIRECTORY, machine_pb2.ListRequest.SYMLINK]),
    ],
)
def test_what_list_asks_for(
    cluster: Cluster, flags: tuple[str, ...], recurse: bool, depth: int, types: list[int]
) -> None:
    cluster.serve(f"{MACHINE}List", [])
    assert cluster.run("ls", *flags).code == 0
    (request,) = cluster.requests(f"{MACHINE}List")
    assert (request.root, request.recurse, request.recursion_depth, list(request.types)) == ("/", recurse, depth, types)


def test_list_flags_that_make_no_sense(cluster: Cluster) -> None:
    assert cluster.run("ls", "-r", "-d", "2").code == 2
    assert cluster.run("ls", "-t", "x").code == 2


def test_a_file_that_can_not_be_read_is_told_and_fails_the_command(cluster: Cluster) -> None:
    cluster.serve(f"{MACHINE}List", [_file("a"), _file("b", error="permission denied")])
    ran = cluster.run("ls", "/x")
    assert (ran.code, ran.out) == (1, "a\n")
    assert ran.err == "10.5.0.2: error reading file /x/b: permission denied\n"


def test_usage(cluster: Cluster) -> None:
    sizes = [machine_pb2.DiskUsageInfo(name="/x/a", relative_name="a", size=1500)]
    cluster.serve(f"{MACHINE}DiskUsage", sizes)
    assert cluster.run("du", "/x").out == "SIZE   NAME\n1500   a\n"
    assert cluster.run("usage", "-H", "-a", "-d", "2", "-t", "-7", "/x", "/y").out == "SIZE     NAME\n1.5 kB   a\n"
    first, second = cluster.requests(f"{MACHINE}DiskUsage")
    # One level more than asked for: the paths themselves count, as in the original's client.
    assert (first.recursion_depth, first.all, first.threshold, list(first.paths)) == (1, False, 0, ["/x"])
    assert (second.recursion_depth, second.all, second.threshold, list(second.paths)) == (3, True, -7, ["/x", "/y"])
    ran = cluster.run("du", nodes="10.5.0.2,10.5.0.3")
    assert ran.lines[0].split() == ["NODE", "SIZE", "NAME"]


def test_read_passes_bytes_through(cluster: Cluster) -> None:
    chunks = [common_pb2.Data(bytes=b"\xff\x00line\n"), common_pb2.Data(bytes=b"end")]
    cluster.serve(f"{MACHINE}Read", chunks)
    assert cluster.run("cat", "/etc/os-release").code == 0
    assert cluster.raw("cat", "/etc/os-release") == b"\xff\x00line\nend"


def test_read_of_several_nodes_is_refused_before_anything_is_asked(cluster: Cluster) -> None:
    ran = cluster.run("read", "/x", nodes="10.5.0.2,10.5.0.3")
    assert (ran.code, cluster.asked) == (2, [])


def test_a_missing_file(cluster: Cluster) -> None:
    def answer(request: object, node: str) -> list[common_pb2.Data]:
        raise status.RpcError(status.Code.NOT_FOUND, "/nope: no such file or directory")

    cluster.serve(f"{MACHINE}Read", answer)
    ran = cluster.run("read", "/nope")
    assert (ran.code, ran.out) == (3, "")
    assert "no such file or directory" in ran.err


def _archive(*members: tuple[tarfile.TarInfo, bytes]) -> list[common_pb2.Data]:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    whole = buffer.getvalue()
    return [common_pb2.Data(bytes=whole[n : n + 64]) for n in range(0, len(whole), 64)]


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = kind, link, 0o640
    return member


def test_copy_unpacks_a_directory(cluster: Cluster, tmp_path: Path) -> None:
    sent = _archive(
        (_member("sub", tarfile.DIRTYPE), b""),
        (_member("sub/file"), b"content"),
        (_member("sub/link", tarfile.SYMTYPE, "file"), b""),
    )
    cluster.serve(f"{MACHINE}Copy", sent)
    target = tmp_path / "out"
    assert cluster.run("cp", "/var/log", str(target)).code == 0
    assert (target / "sub/file").read_bytes() == b"content"
    assert os.readlink(target / "sub/link") == "file"
    assert [r.root_path for r in cluster.requests(f"{MACHINE}Copy")] == ["/var/log"]


@pytest.mark.parametrize(
    "member",
    [
        _member("../evil"),
        _member("/tmp/talosctl-evil"),
        _member("link", tarfile.SYMTYPE, "/etc"),
        _member("link", tarfile.SYMTYPE, "../../etc"),
        _member("hard", tarfile.LNKTYPE, "../evil"),
        _member("device", tarfile.CHRTYPE),
    ],
    ids=lambda member: f"{member.name}-{member.linkname}",
)
def test_an_evil_node_can_not_write_elsewhere(cluster: Cluster, tmp_path: Path, member: tarfile.TarInfo) -> None:
    cluster.serve(f"{MACHINE}Copy", _archive((member, b"")))
    target = tmp_path / "deep" / "out"
    ran = cluster.run("copy", "/x", str(target))
    outside = [p for p in tmp_path.rglob("*") if target not in p.parents and p not in (target, target.parent)]
    assert {p.name for p in outside} <= {"talosconfig"}
    assert not Path("/tmp/talosctl-evil").exists()
    # tarfile strips a leading slash and writes below the target; everything else is refused.
    assert ran.code == (0 if member.name.startswith("/") else 2), ran.err


def test_copy_to_stdout_is_the_archive_itself(cluster: Cluster) -> None:
    sent = _archive((_member("file"), b"content"))
    cluster.serve(f"{MACHINE}Copy", sent)
    assert cluster.raw("copy", "/x", "-") == b"".join(m.bytes for m in sent)


def test_a_truncated_archive_fails(cluster: Cluster, tmp_path: Path) -> None:
    cluster.serve(f"{MACHINE}Copy", _archive((_member("file"), os.urandom(4096)))[:8])
    ran = cluster.run("copy", "/x", str(tmp_path / "out"))
    assert ran.code == 2
    assert "unpacked" in ran.err
