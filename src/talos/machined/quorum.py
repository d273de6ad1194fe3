"""Whether etcd can do without this node: asked on every way that takes it away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from talos.base import errors
from talos.base.constants import paths

if TYPE_CHECKING:
    from talos.k8s.etcd import client as etcd

_ETCD_TIMEOUT_S = 15.0
ONLY_MEMBER = (
    "this node is the only member of etcd, and the cluster ends with it; --graceful=false resets the node all the same"
)


async def check(*, force: bool, answered: bool = True, otherwise: str = "--force") -> None:
    """Raise NotReady when etcd would lose its quorum without this node, unless `force`.

    A node without etcd, and one that is the only member, has nothing to lose. What `force` risks: the cluster's API
    stands still until a majority of members is back. `answered`: an etcd that can not be asked is a refusal, too;
    `otherwise`: the flag that forces.
    """
    from talos.k8s.etcd import client as etcd

    if force or not await asyncio.to_thread((paths.ETCD_DATA / "member").exists):
        # Without data it never was a member, or waits for its bootstrap.
        return
    try:
        client = etcd.Client.local()
    except FileNotFoundError:
        return
    async with client:
        try:
            async with asyncio.timeout(_ETCD_TIMEOUT_S):
                members = await client.members()
                own = (await client.status()).header.member_id
        except Exception as error:
            if not answered:
                return
            raise errors.NotReady(f"etcd can not be asked, which is no time to take a node away: {error}") from error
    voters = [m for m in members if not m.learner]
    if len(voters) < 2 or all(m.id != own for m in voters):
        return
    left, needed = await _healthy(voters, own), len(voters) // 2 + 1
    if left < needed:
        raise errors.NotReady(
            f"etcd has {len(voters)} members and needs {needed}; without this node only {left} would answer"
            f" ({otherwise} takes the node away all the same: the cluster then stands still until enough members are"
            " back)"
        )


async def check_leave() -> None:
    """Raise NotReady when this node's member is the only one, or those it leaves behind would have no quorum.

    An absent etcd may be left.
    """
    from talos.k8s.etcd import client as etcd

    try:
        client = etcd.Client.local()
    except FileNotFoundError:
        return
    async with client:
        try:
            async with asyncio.timeout(_ETCD_TIMEOUT_S):
                members = await client.members(linearizable=False)
                own = (await client.status()).header.member_id
        except Exception:
            # The sequence looks again; an etcd that does not run leaves nothing.
            return
    if [member.id for member in members] == [own]:
        raise errors.NotReady(ONLY_MEMBER)
    voters = [m for m in members if not m.learner]
    if all(m.id != own for m in voters):
        return
    left, needed = await _healthy(voters, own), (len(voters) - 1) // 2 + 1
    if left < needed:
        raise errors.NotReady(
            f"of the {len(voters) - 1} members etcd would have without this node only {left} answer, {needed} are"
            " needed; --graceful=false resets the node all the same, and leaves its member behind"
        )


async def _healthy(voters: Sequence[etcd.Member], own: int) -> int:
    """How many others answer now."""
    return sum(await asyncio.gather(*(_answers(m.client_urls) for m in voters if m.id != own)))


async def _answers(urls: tuple[str, ...]) -> bool:
    from talos.k8s.etcd import client as etcd

    for url in urls:
        host = url.rpartition("//")[2].rpartition(":")[0].strip("[]")
        if not host:
            continue
        try:
            client = await etcd.any_endpoint([host], etcd.node_tls())
        except (errors.TalosError, OSError):
            continue
        client.close()
        return True
    return False
