"""Whether etcd can do without a node, asked of real members: three of them, then two that answer, then one."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from talos.base import errors
from talos.base.constants import paths
from talos.k8s.etcd import client
from talos.k8s.etcd.command import Start
from talos.machined import quorum
from tests import images
from tests.unit.k8s.etcd.members import Network
from tests.unit.k8s.etcd.test_cluster import joined, promoted, votes

pytestmark = [pytest.mark.needs_artifacts, pytest.mark.timeout(120)]


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Network:
    """Members to be; this node is the first."""
    made = Network(tmp_path, images.unpack("etcd", tmp_path / "etcd") / "usr/local/bin/etcd")
    node_tls = client.node_tls
    monkeypatch.setattr(paths, "ETCD_DATA", made.data(1))
    monkeypatch.setattr(client.Client, "local", lambda: made.connect(1))
    monkeypatch.setattr(client, "node_tls", lambda pki=None: node_tls(pki or made.pki(1)))
    return made


async def test_a_node_is_let_go_while_the_others_are_a_majority(network: Network) -> None:
    async with network.running(1, Start.NEW, network.first()) as first, AsyncExitStack() as second:
        await quorum.check(force=False)
        with pytest.raises(errors.NotReady, match="only member"):
            await quorum.check_leave()
        async with AsyncExitStack() as third:
            for number, stack in ((2, second), (3, third)):
                found = await joined(network, number, *range(1, number))
                running = network.running(number, Start.JOIN, found.initial_cluster, quorum=False)
                made = await stack.enter_async_context(running)
                await promoted(network, number, found.member_id, 1)
                await votes(made)
            await quorum.check(force=False)
            await quorum.check_leave()
        with pytest.raises(errors.NotReady, match="--mode force takes the node away all the same"):
            await quorum.check(force=False, answered=False, otherwise="--mode force")
        with pytest.raises(errors.NotReady, match="only 1 answer, 2 are needed; --graceful=false"):
            await quorum.check_leave()
        await quorum.check(force=True)
        assert len(await first.members()) == 3


async def test_an_etcd_that_does_not_answer_is_no_obstacle_to_a_reboot(network: Network) -> None:
    network.pki(1)
    # It waits for its bootstrap: there is nothing to lose.
    await quorum.check(force=False)
    (network.data(1) / "member").mkdir(parents=True)
    await quorum.check(force=False, answered=False)
    with pytest.raises(errors.NotReady, match="can not be asked"):
        await quorum.check(force=False)
