"""What cannot be had is refused in one clear line, with an exit code, and nothing is left behind."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests import capabilities
from tests.privileged.provision import host
from tests.privileged.provision.host import Host

pytestmark = [pytest.mark.needs_cluster, pytest.mark.timeout(180)]

# A talosctl that does not look how much space is free beforehand, so that it runs full while it works.
UNWARY = (
    "import sys; from talos.provision.providers.namespaces import hostcheck; hostcheck.NODE_BYTES = 0;"
    " from talos.talosctl import main; sys.exit(main.run(sys.argv[1:]))"
)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A machine with a network of its own and a far one behind a router."""
    script = """
    ip link add net0 type veth peer name net1
    ip addr add 10.30.0.1/24 dev net0
    ip link set net1 up
    ip link set net0 up
    ip route add 10.31.0.0/16 via 10.30.0.2
    ip route add default via 10.30.0.2
    """
    with host.host(tmp_path_factory.mktemp("host"), script) as made:
        yield made


def _refused(machine: Host, code: int, *argv: str) -> str:
    """The one line of a command that is refused and changes nothing."""
    before = machine.snapshot()
    done = machine.talosctl(*argv, code=code)
    after = machine.snapshot()
    if any("launcher" in process for process in before.processes):
        before, after = _without_cluster(before), _without_cluster(after)
    assert after == before
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.removeprefix("error: ").strip()


def _without_cluster(seen: host.Snapshot) -> host.Snapshot:
    """A cluster that runs meanwhile starts and ends processes and writes files."""
    files = tuple(file for file in seen.files if not file.startswith(".talos/clusters/k/"))
    return replace(seen, processes=(), namespaces=0, cgroups=(), files=files)


@pytest.mark.parametrize(
    ("cidr", "code", "line"),
    [
        ("10.30.0.0/24", 7, "taken: the host's link net0 uses 10.30.0.0/24 (choose another with --cidr)"),
        ("10.30.0.128/25", 7, "taken: the host's link net0 uses 10.30.0.0/24 (choose another with --cidr)"),
        ("10.31.4.0/24", 7, "taken: the host's link net0 uses 10.31.0.0/16 (choose another with --cidr)"),
        ("10.28.0.0/30", 2, "too small: it has 1 addresses for 2 nodes"),
        ("10.28.0.0/32", 2, "too small: it has 0 addresses for 2 nodes"),
        ("10.244.3.0/24", 2, "overlaps 10.244.0.0/16, which pods and services of the cluster use"),
        ("10.100.0.0/24", 2, "overlaps 10.96.0.0/12, which pods and services of the cluster use"),
        ("8.8.8.0/24", 2, "not a private network"),
        ("127.0.0.0/24", 2, "not a private network"),
        ("10.28.0.7/24", 2, "has host bits set"),
        ("fd00::/64", 2, "network 'fd00::/64'"),
        ("all", 2, "network 'all'"),
    ],
)
def test_networks(machine: Host, cidr: str, code: int, line: str) -> None:
    assert line in _refused(machine, code, "cluster", "create", "--cidr", cidr)


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--name", "Upper"], "cluster name 'Upper': lower-case letters, digits and inner dashes only"),
        (["--name", "../x"], "cluster name '../x'"),
        (["--name", "n" * 41], "has 41 characters, at most 40 are possible"),
        (["--controlplanes", "0"], "at least one control plane"),
        (["--workers", "-1"], "-1 workers"),
        (["--memory", "lots"], "'lots' is not a size"),
        (["--memory", "64MiB"], "memory of each node: at least 512 MiB"),
        (["--cpus", "two"], "'two' is not a number of CPUs"),
        (["--disk", "1GiB"], "at least 2 GiB"),
        (["--mtu", "100"], "MTU 100: it has to be from 1280 to 65535"),
        (["-p", "80:80/sctp"], "'80:80/sctp' is not <host port>:<node port>/<tcp or udp>"),
        (["-p", "80,80"], "host port 80/tcp is given twice"),
        (["-p", "80", "--host-ip", "here"], "host IP 'here'"),
        (["--mount", "source=/none,target=/x"], "mount source /none does not exist"),
        (["--mount", "type=volume,source=/a,target=/b"], "only type=bind is possible"),
        (["--mount", "source=a,target=/b"], "source and target have to be absolute paths"),
        (["--config-patch", "{"], "patch"),
        (["--config-patch", '{"machine": {"colour": "red"}}'], "colour"),
    ],
)
def test_flags(machine: Host, flags: list[str], line: str) -> None:
    assert line in _refused(machine, 2, "cluster", "create", "--cidr", "10.28.0.0/24", *flags)


@pytest.mark.parametrize(
    ("flags", "code", "line"),
    [
        (["--kubernetes-version", "1.2.3"], 7, "Kubernetes 1.2.3 is not in the artifact set"),
        (["--provisioner", "qemus"], 7, "provisioner qemus"),
        (["--config-patch", "@/none"], 3, "/none"),
    ],
)
def test_what_is_not_there(machine: Host, flags: list[str], code: int, line: str) -> None:
    assert line in _refused(machine, code, "cluster", "create", "--cidr", "10.28.0.0/24", *flags)


def test_unknown_clusters_and_nodes(machine: Host) -> None:
    where = machine.clusters
    for words in (["show"], ["stop"], ["start"], ["destroy"], ["logs"], ["reboot"], ["node", "add"]):
        assert _refused(machine, 3, "cluster", *words, "--name", "no") == f"there is no cluster no in {where}"
    assert "there is no cluster no" in _refused(machine, 3, "cluster", "node", "remove", "n1", "--name", "no")
    assert "no file /none" in _refused(machine, 3, "cluster", "image", "import", "/none")


def test_a_name_that_is_taken(machine: Host) -> None:
    with host.cluster(machine, *host.create("k")):
        line = _refused(machine, 7, *host.create("k", cidr="10.29.0.0/24"))
        assert line == "cluster k exists already (choose another with --name)"
        line = _refused(machine, 7, *host.create("other"))
        assert line == "network 10.28.0.0/24 is taken: cluster k uses 10.28.0.0/24 (choose another with --cidr)"
        line = _refused(machine, 3, "cluster", "node", "remove", "nobody", "--name", "k")
        assert line == "cluster k has no node nobody (it has k-controlplane-1)"
        line = _refused(machine, 7, "cluster", "node", "remove", "k-controlplane-1", "--name", "k")
        assert line == "k-controlplane-1 is the only control plane; destroy the cluster instead"
        line = _refused(machine, 2, "cluster", "node", "add", "--memory", "1MiB", "--name", "k")
        assert line == "memory of the node: at least 512 MiB"


def test_ports_that_are_taken(machine: Host) -> None:
    listener = "import socket, sys; s = socket.create_server(('127.0.0.1', 8090)); print(flush=True); sys.stdin.read()"
    with host.process(machine, sys.executable, "-c", listener):
        line = _refused(machine, 7, *host.create("k", "-p", "8090:80"))
        assert line == "host port 8090/tcp: Address already in use"
    with host.cluster(machine, *host.create("k", "-p", "8091:80")):
        line = _refused(machine, 7, *host.create("other", "-p", "8091:80", cidr="10.29.0.0/24"))
        assert line == "host port 8091/tcp is taken by cluster k"


def test_without_root(machine: Host) -> None:
    before = machine.snapshot()
    done = machine.run("unshare", "--user", *host.TALOSCTL, *host.create("k"))
    assert (done.returncode, machine.snapshot()) == (4, before)
    assert done.stderr.startswith("error: local clusters need root: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("hide", "line"),
    [
        ("mount --bind /dev/null /usr/sbin/mkfs.xfs", "missing: the program mkfs.xfs (Debian package xfsprogs)"),
        ("mount --bind /dev/null $(command -v nft)", "missing: the program nft (Debian package nftables), to publish"),
        ("mount --bind /dev/null /dev/loop-control", "missing: loop devices ("),
        ("mount --bind {fake} /proc/filesystems", "missing: the xfs file system"),
        ("for top in /sys/fs/cgroup/* /sys/fs/cgroup; do umount -q $top || true; done", "missing: control groups ("),
    ],
)
def test_a_machine_that_lacks_something(tmp_path: Path, hide: str, line: str) -> None:
    fake = tmp_path / "filesystems"
    fake.write_text(Path("/proc/filesystems").read_text().replace("\txfs\n", ""))
    lacks = f"PATH=$PATH:/usr/sbin; {hide.format(fake=fake)}"
    with host.host(tmp_path / "home", lacks) as machine:
        said = _refused(machine, 7, *host.create("k", "-p", "8080:80"))
    assert said.startswith("this machine cannot run a cluster; missing: ")
    assert line in said


def _artifacts(folder: Path) -> Path:
    """A set like the built one, to be damaged."""
    built = capabilities.artifacts_dir().resolve()
    folder.mkdir()
    for entry in built.iterdir():
        (folder / entry.name).symlink_to(entry)
    table = folder / "artifacts.json"
    content = table.read_text()
    table.unlink()
    table.write_text(content)
    return folder


@pytest.mark.parametrize(
    ("damage", "code", "line"),
    [
        ("none", 3, "`./dev image` builds it"),
        ("table", 2, "artifacts.json"),
        ("format", 2, "not format 1"),
        ("keys", 2, "artifacts.json"),
        ("no rootfs", 3, "rootfs.sqsh"),
        ("short rootfs", 2, "rootfs.sqsh"),
        ("no images", 3, "images"),
    ],
)
def test_artifacts_that_cannot_be_used(machine: Host, tmp_path: Path, damage: str, code: int, line: str) -> None:
    folder = _artifacts(tmp_path / "set")
    table = folder / "artifacts.json"
    if damage == "none":
        table.unlink()
    elif damage == "table":
        table.write_text("{")
    elif damage in ("format", "keys"):
        table.write_text(json.dumps({"format": 99 if damage == "format" else 1}))
    elif damage == "no images":
        (folder / "images").unlink()
    else:
        (folder / "rootfs.sqsh").unlink()
    if damage == "short rootfs":
        (folder / "rootfs.sqsh").write_bytes(b"hsqs" + bytes(1000))
    assert line in _refused(machine, code, *host.create("k", "--artifacts", str(folder)))


def test_too_little_space(machine: Host) -> None:
    full = machine.home / "small"
    full.mkdir()
    assert machine.run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(full)).returncode == 0
    line = _refused(machine, 7, *host.create("k", "--state", str(full)))
    assert line.startswith(f"not enough disk space in {full}: 1.2 GiB for the start of 1 node(s), 0.1 GiB are free")
    machine.run("umount", str(full))
    full.rmdir()


@pytest.mark.parametrize("size_kib", [8, 32, 64, 2048, 16384, 40960])
def test_space_that_runs_out_underway(machine: Host, tmp_path: Path, size_kib: int) -> None:
    """A file system that runs full at one step or another."""
    image, full = tmp_path / "image", machine.home / "full"
    with image.open("wb") as made:
        made.truncate((size_kib + 8192) * 1024)
    full.mkdir()
    for words in (
        ["mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", "-N", "256", str(image)],
        ["mount", "-o", "loop", str(image), str(full)],
        ["rmdir", str(full / "lost+found")],
    ):
        done = machine.run(*words)
        assert done.returncode == 0, done.stderr
    free = machine.run("df", "--output=avail", "-k", str(full)).stdout.split()[-1]
    filled = machine.run("fallocate", "-l", str((int(free) - size_kib) * 1024), str(full / "filler"))
    assert filled.returncode == 0, filled.stderr
    before = machine.snapshot()
    try:
        _runs_full(machine, full, before)
    finally:
        machine.talosctl("cluster", "destroy", "--name", "k", "--state", str(full), code=None)
        machine.run("umount", str(full))
        full.rmdir()


def _runs_full(machine: Host, full: Path, before: host.Snapshot) -> None:
    done = machine.run(sys.executable, "-c", UNWARY, *host.create("k", "--state", str(full)))
    assert done.returncode not in (0, -9), done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    assert "No space left" in lines[0] or "the disk is full" in lines[0], done.stderr
    assert machine.snapshot() == before, done.stderr
