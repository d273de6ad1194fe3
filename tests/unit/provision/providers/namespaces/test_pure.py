import ipaddress
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from talos.base import errors
from talos.provision import plan, request, services
from talos.provision.providers.namespaces import hostcheck, launch, launcher, nat, network, node
from talos.provision.providers.namespaces.hostcheck import Taken
from talos.provision.request import Names, Port
from talos.provision.state import Store

LAUNCH = launch.Launch(
    "n",
    "/r",
    "/m",
    "/e",
    launch.Network("b", "l", "10.5.0.2/24", "10.5.0.1", "02:42:0a:05:00:02"),
    launch.Cgroup(1, ("/c/a", "/c/b"), {"cpu": "cpu"}),
    (launch.Bind("/a", "/b", True),),
    {"A": "b"},
)


def test_launch_survives_json(tmp_path: Path) -> None:
    LAUNCH.save(tmp_path)
    assert launch.Launch.load(tmp_path) == LAUNCH
    assert (tmp_path / launch.LAUNCH_FILE).stat().st_mode & 0o077 == 0


def test_record_survives_json_and_damage(tmp_path: Path) -> None:
    assert launch.Record.load(tmp_path) is None
    record = launch.Record(1, 2, "b", launch.RUNNING, 3, 4, "x")
    record.save(tmp_path)
    assert launch.Record.load(tmp_path) == record
    (tmp_path / launch.RECORD_FILE).write_text(json.dumps({**asdict(record), "more": 1}))
    assert launch.Record.load(tmp_path) is None


def test_console_log_is_bounded(tmp_path: Path) -> None:
    console = launcher.Console(tmp_path / "c", limit_bytes=100)
    for number in range(50):
        console.write(b"%09d\n" % number)
    kept = (tmp_path / "c.1").read_bytes() + (tmp_path / "c").read_bytes()
    assert kept.endswith(b"000000049\n")
    assert len(kept) <= 200
    assert b"".join(sorted(kept.splitlines(keepends=True))) == kept


def _problems(taken: Taken, **settings: object) -> list[str]:
    return hostcheck.problems(request.build(name="a", **settings), taken)  # type: ignore[arg-type]


def test_a_free_network_and_free_ports() -> None:
    other = Taken(((ipaddress.IPv4Network("10.6.0.0/24"), "x"),), ((Port("0.0.0.0", 80, 80, "udp"), "x"),))
    assert _problems(other, ports=request.parse_ports("80")) == []


@pytest.mark.parametrize("network", ["10.5.0.0/24", "10.5.0.128/25", "10.0.0.0/8", "10.5.0.7/32"])
def test_an_overlapping_network_is_one_line(network: str) -> None:
    taken = Taken(tuple((ipaddress.IPv4Network(network), f"the host's link eth{n}") for n in range(3)))
    (line,) = _problems(taken)
    assert line == f"network 10.5.0.0/24 is taken: the host's link eth0 uses {network} (choose another with --cidr)"


@pytest.mark.parametrize(
    ("mine", "theirs", "clash"),
    [("0.0.0.0", "127.0.0.1", True), ("127.0.0.1", "127.0.0.2", False), ("127.0.0.1", "127.0.0.1", True)],
)
def test_ports_clash_on_the_same_address(mine: str, theirs: str, clash: bool) -> None:
    taken = Taken(ports=((Port(theirs, 80, 8080, "tcp"), "cluster b"),))
    found = _problems(taken, ports=request.parse_ports("80", mine))
    assert found == (["host port 80/tcp is taken by cluster b"] if clash else [])


def test_disk_check_names_the_sizes(tmp_path: Path) -> None:
    hostcheck.check_disk(tmp_path, 0)
    with pytest.raises(errors.Unsupported, match=r"not enough disk space in .*: [0-9.]+ GiB for the start of 10000"):
        hostcheck.check_disk(tmp_path, 10000)


def test_mount_sources_have_to_exist(tmp_path: Path) -> None:
    made = request.build(name="a", mounts=[request.HostMount(str(tmp_path / "no"), "/x")])
    with pytest.raises(errors.Invalid, match="does not exist"):
        hostcheck.check_mounts(made)
    hostcheck.check_mounts(replace(made, mounts=(request.HostMount(str(tmp_path), "/x"),)))


def test_translation_script(tmp_path: Path) -> None:
    made = request.build(name="a", ports=request.parse_ports("8080:80,53/udp", "127.0.0.1"))
    names = Names.of(tmp_path, "a")
    script = nat.script(made, names)
    # Replaced in one transaction, also when it is not there yet.
    assert script.startswith(f"add table ip {names.table}\ndelete table ip {names.table}\ntable ip {names.table} {{")
    assert "ip saddr 10.5.0.0/24 ip daddr != 10.5.0.0/24 masquerade" in script
    assert script.count("ip daddr 127.0.0.1 tcp dport 8080 dnat to 10.5.0.2:80") == 2
    assert script.count("ip daddr 127.0.0.1 udp dport 53 dnat to 10.5.0.2:53") == 2
    assert "dnat" not in nat.script(replace(made, ports=()), names)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["nameserver 1.1.1.1\nsearch x\nnameserver 8.8.8.8\n"], "nameserver 1.1.1.1\nnameserver 8.8.8.8\n"),
        (["nameserver 127.0.0.53\n", "nameserver 9.9.9.9\n"], "nameserver 9.9.9.9\n"),
        (["nameserver ::1\n", ""], ""),
        (["# nameserver 1.1.1.1\nnameserver\n"], ""),
    ],
)
def test_resolvers_a_node_can_reach(texts: list[str], expected: str) -> None:
    assert node.resolvers(texts) == expected


def test_mac_addresses_follow_the_address() -> None:
    assert node.mac_address("10.5.0.255") == "02:42:0a:05:00:ff"


async def test_sysctls_are_noted_by_the_first_cluster_and_given_back_by_the_last(tmp_path: Path) -> None:
    root = tmp_path / "sys"
    for name in network.SYSCTLS[:-1]:  # one this kernel does not have
        file = root.joinpath(*name.split("."))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("0\n")
    forward, panic = root / "net/ipv4/ip_forward", root / "kernel/panic"
    run, step = tmp_path / "run/talos", network.Sysctls(root, tmp_path / "run/talos")
    # Of different people: neither state folder knows of the other.
    mine, other = Store(tmp_path / "clusters"), Store(tmp_path / "other")
    for store in (mine, other):
        store.folder.mkdir()
    first, second = mine.create(request.build(name="a")), other.create(request.build(name="b", cidr="10.6.0.0/24"))
    await step.do(first, plan.Quiet())
    panic.write_text("10")  # as a kubelet does
    await step.do(second, plan.Quiet())
    assert forward.read_text().strip() == "1"
    await step.undo(first)
    assert (forward.read_text().strip(), panic.read_text()) == ("1", "10")
    await step.undo(second)
    assert (forward.read_text()[:1], panic.read_text()[:1]) == ("0", "0")
    assert not run.exists()
    await step.undo(second)


async def test_a_cluster_removed_by_hand_does_not_keep_the_kernel_parameters(tmp_path: Path) -> None:
    root = tmp_path / "sys"
    forward = root / "net/ipv4/ip_forward"
    forward.parent.mkdir(parents=True)
    forward.write_text("0\n")
    store, step = Store(tmp_path / "clusters"), network.Sysctls(root, tmp_path / "run")
    store.folder.mkdir()
    gone, kept = store.create(request.build(name="a")), store.create(request.build(name="b", cidr="10.6.0.0/24"))
    await step.do(gone, plan.Quiet())
    await step.do(kept, plan.Quiet())
    gone.delete()
    await step.undo(kept)
    assert forward.read_text()[:1] == "0"


def test_services_settings_survive_json(tmp_path: Path) -> None:
    settings = services.Settings("10.5.0.1", 3000, 6443, ("10.5.0.2", "10.5.0.3"))
    settings.save(tmp_path)
    assert services.Settings.load(tmp_path) == settings
