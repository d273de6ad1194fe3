import dataclasses
import json
from pathlib import Path

import pytest

from talos.base import errors
from talos.provision import request
from talos.provision.request import GIB, MIB, HostMount, Names, Port, Resources, Role


def test_names_and_addresses_are_given_out_in_order() -> None:
    made = request.build(name="big", control_planes=3, workers=2)
    assert [node.name for node in made.nodes] == [
        *(f"big-controlplane-{n}" for n in (1, 2, 3)),
        *(f"big-worker-{n}" for n in (1, 2)),
    ]
    assert [node.ip for node in made.nodes] == [f"10.5.0.{n}" for n in range(2, 7)]
    assert made.gateway == "10.5.0.1"
    assert [node.role for node in made.control_planes] == [Role.CONTROL_PLANE] * 3
    assert made.node("10.5.0.6") is made.node("big-worker-2")


def test_survives_json() -> None:
    made = request.build(
        name="a", ports=request.parse_ports("80,53:5353/udp"), mounts=[HostMount("/a", "/b", True)], endpoint="1.2.3.4"
    )
    assert request.Request.from_json(json.loads(json.dumps(dataclasses.asdict(made)))) == made


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"name": "Big"}, "lower-case letters"),
        ({"name": "-a"}, "lower-case letters"),
        ({"name": "../a"}, "lower-case letters"),
        ({"name": "a" * 41}, "at most 40"),
        ({"control_planes": 0}, "at least one control plane"),
        ({"workers": -1}, "-1 workers"),
        ({"cidr": "10.5.0.0/30", "workers": 1}, "too small: it has 1 addresses for 2 nodes"),
        ({"cidr": "10.5.0.0/32", "workers": 1}, "too small: it has 0 addresses"),
        ({"cidr": "10.5.0.1/24"}, "host bits"),
        ({"cidr": "hello"}, "network 'hello'"),
        ({"cidr": "fd00::/64"}, "network 'fd00::/64'"),
        ({"cidr": "8.8.8.0/24"}, "not a private network"),
        ({"cidr": "10.244.3.0/24"}, "overlaps 10.244.0.0/16"),
        ({"cidr": "10.0.0.0/8"}, "overlaps 10.244.0.0/16"),
        ({"worker_resources": Resources(memory_bytes=MIB)}, "memory of workers: at least 512 MiB"),
        ({"control_plane_resources": Resources(disk_bytes=GIB)}, "disk of control planes: at least 2 GiB"),
        ({"control_plane_resources": Resources(cpu_millicores=1)}, "CPUs of control planes"),
        ({"mtu": 100}, "MTU 100"),
    ],
)
def test_refuses_with_one_line(settings: dict, words: str) -> None:
    with pytest.raises(errors.Invalid) as caught:
        request.build(**settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(errors.Invalid) as caught:
        request.build(name="X", control_planes=0, cidr="nope")
    assert len(caught.value.problems) == 3


def test_smallest_network_that_fits() -> None:
    assert len(request.build(cidr="10.5.0.0/29", control_planes=3, workers=2).nodes) == 5
    with pytest.raises(errors.Invalid):
        request.build(cidr="10.5.0.0/29", control_planes=3, workers=3)


def test_numbers_of_removed_nodes_are_not_used_again_but_addresses_are() -> None:
    made = request.build(workers=2)
    first = made.node("talos-default-worker-1")
    smaller = request.without_node(made, first)
    bigger, added = request.with_node(smaller, Role.WORKER, Resources(), {Role.WORKER: 2})
    assert (added.name, added.ip) == ("talos-default-worker-3", first.ip)
    assert bigger.nodes[-1] is added


def test_a_full_network_takes_no_node() -> None:
    made = request.build(cidr="10.5.0.0/29", control_planes=3, workers=2)
    with pytest.raises(errors.Invalid, match="no address is left"):
        request.with_node(made, Role.WORKER, Resources(), {})


def test_host_names_are_short_enough_for_the_kernel_and_differ_between_state_folders(tmp_path: Path) -> None:
    made = request.build(name="a" * 40, control_planes=100, workers=100)
    one, two = Names.of(tmp_path / "x", made.name), Names.of(tmp_path / "y", made.name)
    assert len(one.bridge) <= 15
    links = {one.link(node) for node in made.nodes}
    assert len(links) == 200
    assert max(map(len, links)) <= 15
    assert {one.bridge, one.table, one.cgroup}.isdisjoint({two.bridge, two.table, two.cgroup})
    assert Names.of(tmp_path / "z" / ".." / "x", made.name) == one


@pytest.mark.parametrize(("text", "millicores"), [("2", 2000), ("2.0", 2000), ("0.5", 500), ("250m", 250)])
def test_cpus(text: str, millicores: int) -> None:
    assert request.parse_cpus(text) == millicores


@pytest.mark.parametrize(
    ("text", "size"),
    [("2.0GiB", 2 * GIB), ("2GB", 2 * 1000**3), ("512MiB", 512 * MIB), ("2048", 2048 * 1000**2), ("1g", GIB)],
)
def test_sizes(text: str, size: int) -> None:
    assert request.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "x", "-1", "2 parsec", "1.2.3"])
def test_nonsense_is_neither_size_nor_cpus(text: str) -> None:
    with pytest.raises(errors.Invalid):
        request.parse_size(text)
    with pytest.raises(errors.Invalid):
        request.parse_cpus(text)


def test_ports() -> None:
    assert request.parse_ports("8080:80/tcp, 53/udp,9000:9001") == (
        Port("0.0.0.0", 8080, 80, "tcp"),
        Port("0.0.0.0", 53, 53, "udp"),
        Port("0.0.0.0", 9000, 9001, "tcp"),
    )
    assert request.parse_ports("") == ()
    assert request.parse_ports("80", "127.0.0.1")[0].host_ip == "127.0.0.1"


@pytest.mark.parametrize("text", ["80:x", "0:80", "70000", "80/sctp", "80,80:90", "1:2:3"])
def test_ports_that_are_none(text: str) -> None:
    with pytest.raises(errors.Invalid):
        request.parse_ports(text)


def test_mounts() -> None:
    assert request.parse_mount("type=bind,source=/a,target=/b") == HostMount("/a", "/b")
    assert request.parse_mount("src=/a,dst=/b,readonly") == HostMount("/a", "/b", True)
    assert request.parse_mount("src=/a,destination=/b,ro=true") == HostMount("/a", "/b", True)
    for bad in ("type=volume,source=/a,target=/b", "source=a,target=/b", "source=/a,target=/../b", "source=/a", "x=1"):
        with pytest.raises(errors.Invalid):
            request.parse_mount(bad)
