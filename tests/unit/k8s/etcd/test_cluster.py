"""Real etcd: how members come and go, and what the client asks."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from talos.base import errors
from talos.k8s.etcd import client, membership
from talos.k8s.etcd.command import Start
from talos.machinery.rpc import status
from tests import images
from tests.unit.k8s.etcd.members import Network

pytestmark = [pytest.mark.needs_artifacts, pytest.mark.timeout(90)]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return images.unpack("etcd", tmp_path_factory.mktemp("etcd")) / "usr/local/bin/etcd"


@pytest.fixture
def network(program: Path, tmp_path: Path) -> Network:
    return Network(tmp_path, program)


@pytest.fixture
async def first(network: Network) -> AsyncIterator[client.Client]:
    async with network.running(1, Start.NEW, network.first()) as made:
        yield made


async def joined(network: Network, number: int, *hosts: int) -> membership.Joined:
    """Join as often as it takes: right after a promotion the cluster may not take the next one yet."""
    for _ in range(100):
        try:
            return await membership.join(
                network.hosts(*hosts), client.node_tls(network.pki(number)), f"m{number}", [network.address(number)]
            )
        except errors.Temporary:
            await asyncio.sleep(0.1)
    raise AssertionError(f"member {number} cannot join")


async def promoted(network: Network, number: int, member_id: int, *hosts: int) -> None:
    for _ in range(100):
        try:
            await membership.promote(network.hosts(*hosts), client.node_tls(network.pki(number)), member_id)
        except errors.Temporary:
            await asyncio.sleep(0.1)
        else:
            return
    raise AssertionError(f"member {number} is not promoted")


async def votes(member: client.Client) -> None:
    """Wait until a member has heard that it was promoted."""
    async with asyncio.timeout(10):
        while (await member.status()).isLearner:
            await asyncio.sleep(0.05)


@pytest.mark.feature("M002", "M004")
@pytest.mark.parametrize("stops_first", [False, True], ids=["answers", "stops before it answers"])
async def test_three_members_and_one_that_leaves(
    network: Network, first: client.Client, monkeypatch: pytest.MonkeyPatch, stops_first: bool
) -> None:
    async with AsyncExitStack() as stack:
        for number in (2, 3):
            found = await joined(network, number, *range(1, number))
            made = await stack.enter_async_context(
                network.running(number, Start.JOIN, found.initial_cluster, quorum=False)
            )
            assert (await made.status()).isLearner
            await promoted(network, number, found.member_id, 1)
            await votes(made)
            # Asking for it again, as a restarted machined does, changes nothing.
            await promoted(network, number, found.member_id, 1)
        members = await first.members()
        assert {m.name: m.learner for m in members} == {"m1": False, "m2": False, "m3": False}
        assert all(m.peer_urls == (f"https://{network.address(int(m.name[1]))}:2380",) for m in members)
        leader = await membership.hand_over(first)
        assert leader is not None
        assert (await first.status()).leader == leader.id
        assert await membership.hand_over(first) is None
        if stops_first:
            remove = first.remove

            async def removed(member_id: int) -> None:
                await remove(member_id)
                raise status.RpcError(status.Code.UNAVAILABLE, "etcdserver: server stopped")

            monkeypatch.setattr(first, "remove", removed)
        assert await membership.leave(first)
        second = network.connect(2)
        assert {m.name for m in await second.members()} == {"m2", "m3"}
        second.close()


async def test_a_member_the_others_still_know_has_not_left(
    network: Network, first: client.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await joined(network, 2, 1)
    async with network.running(2, Start.JOIN, found.initial_cluster, quorum=False) as second:
        await promoted(network, 2, found.member_id, 1)
        await votes(second)

        async def lost(member_id: int) -> None:
            raise status.RpcError(status.Code.UNAVAILABLE, "connection lost")

        monkeypatch.setattr(first, "remove", lost)
        with pytest.raises(status.RpcError, match="connection lost"):
            await membership.leave(first)


@pytest.mark.feature("M002")
async def test_last_member_does_not_leave(first: client.Client) -> None:
    assert not await membership.leave(first)
    assert [m.name for m in await first.members()] == ["m1"]


@pytest.mark.feature("M002")
async def test_an_interrupted_join_is_taken_up(network: Network, first: client.Client) -> None:
    abandoned = await joined(network, 2, 1)
    found = await joined(network, 2, 1)
    assert found.member_id != abandoned.member_id
    assert {m.id for m in await first.members()} == {(await first.status()).header.member_id, found.member_id}
    async with network.running(2, Start.JOIN, found.initial_cluster, quorum=False) as second:
        assert (await second.status()).header.member_id == found.member_id
        # One learner at a time is etcd's limit, and says so.
        with pytest.raises(errors.Temporary, match="learner"):
            await membership.join(network.hosts(1), client.node_tls(network.pki(3)), "m3", [network.address(3)])


async def test_a_member_goes_on_with_its_data(network: Network) -> None:
    async with network.running(1, Start.NEW, network.first()) as made:
        await made.put(b"kept", b"yes")
        id = (await made.status()).header.member_id
    async with network.running(1, Start.CONTINUE) as made:
        assert await made.get(b"kept") == b"yes"
        assert await made.get(b"never") is None
        assert (await made.status()).header.member_id == id


async def test_nobody_there_to_join(network: Network) -> None:
    with pytest.raises(errors.Temporary, match=r"no etcd endpoint answers: 127\."):
        await membership.join(network.hosts(7), client.node_tls(network.pki(2)), "m2", [network.address(2)])
    with pytest.raises(errors.Temporary, match="none is known"):
        await membership.join([], client.node_tls(network.pki(2)), "m2", [network.address(2)])


@pytest.mark.feature("M002")
async def test_strangers_are_not_served(network: Network, first: client.Client, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    stranger = Network(tmp_path / "other", network.program)
    tls = client.tls(network.pki(1) / "ca.crt", stranger.pki(1) / "admin.crt", stranger.pki(1) / "admin.key")
    async with client.Client(network.address(1), 2379, tls) as made:
        with pytest.raises(status.RpcError) as refused:
            await made.members()
    assert refused.value.code is status.Code.UNAVAILABLE


@pytest.mark.feature("M007")
async def test_lock_is_held_by_one(network: Network, first: client.Client) -> None:
    order: list[str] = []

    async def hold(name: str) -> None:
        async with network.connect(1) as made, made.lock("talos:test", timeout_s=20):
            order.append(f"{name} in")
            await asyncio.sleep(0.05)
            order.append(f"{name} out")

    await asyncio.gather(*(hold(name) for name in "abc"))
    assert [entry.split()[1] for entry in order] == ["in", "out"] * 3
    assert [entry.split()[0] for entry in order[::2]] == [entry.split()[0] for entry in order[1::2]]


@pytest.mark.feature("M007")
async def test_lock_that_stays_taken_is_given_up(network: Network, first: client.Client) -> None:
    async with first.lock("talos:test", timeout_s=5), network.connect(1) as other:
        began = time.monotonic()
        with pytest.raises(errors.TimedOut, match="talos:test"):
            async with other.lock("talos:test", timeout_s=0.3):
                raise AssertionError("two holders")
        assert time.monotonic() - began < 3
    async with network.connect(1) as other, other.lock("talos:test", timeout_s=2):
        pass


@pytest.mark.feature("M004")
async def test_snapshot_ends_with_its_checksum(first: client.Client) -> None:
    for number in range(50):
        await first.put(f"key{number}".encode(), b"x" * 4000)
    whole = b"".join([part async for part in first.snapshot()])
    body, checksum = whole[:-32], whole[-32:]
    assert hashlib.sha256(body).digest() == checksum
    assert len(body) % 512 == 0
    assert len(body) > 50 * 4000


@pytest.mark.feature("M004")
async def test_maintenance(first: client.Client) -> None:
    await first.defragment()
    assert await first.alarms() == []
    assert await first.disarm() == []
    found = await first.status()
    assert found.version.startswith("3.")
    assert found.dbSize > 0
    assert found.leader == found.header.member_id


@pytest.mark.feature("M006")
async def test_peer_urls_follow_the_node(network: Network, first: client.Client) -> None:
    id = (await first.status()).header.member_id
    await first.update_peer_urls(id, ["https://10.9.9.9:2380"])
    assert (await first.members())[0].peer_urls == ("https://10.9.9.9:2380",)
