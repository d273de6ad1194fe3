"""How a node becomes a member of etcd's cluster and stops being one."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from talos.base import errors
from talos.k8s.etcd import client as etcd
from talos.k8s.etcd import command
from talos.machinery.rpc import status

LEAVE_S = 60.0
_LEAVE_PAUSE_S = 1.0
_UNHEALTHY = "etcdserver: unhealthy cluster"


@dataclass(frozen=True, slots=True)
class Joined:
    """The result of a join: the initial cluster for the command line, and our member id."""

    initial_cluster: str
    member_id: int


def stale(members: Sequence[etcd.Member], name: str, peer_urls: Sequence[str]) -> list[etcd.Member]:
    """Return members that stand for this node although it has no data: of its name, or at its peer URLs.

    One that was added but never started has no name; at our URLs it is what an earlier, interrupted join left.
    """
    mine = set(peer_urls)
    return [m for m in members if m.name == name or (mine & set(m.peer_urls))]


async def join(hosts: Sequence[str], context: ssl.SSLContext, name: str, addresses: Sequence[str]) -> Joined:
    """Make this node, whose data directory is empty, a learner of the cluster behind `hosts`.

    Raises Temporary when nobody answers, or the cluster takes no new member now (it has a learner, or is not healthy).
    """
    peer_urls = command.peer_urls(addresses)
    client = await etcd.any_endpoint(hosts, context)
    try:
        members = await client.members()
        for old in stale(members, name, peer_urls):
            await client.remove(old.id)
        added, members = await client.add_learner(peer_urls)
    except status.RpcError as error:
        raise errors.Temporary(f"{client.endpoint}: {error.message}") from error
    finally:
        client.close()
    named = [(name if m.id == added.id else m.name, m.peer_urls) for m in members]
    return Joined(command.initial_cluster([(n, urls) for n, urls in named if n]), added.id)


async def promote(hosts: Sequence[str], context: ssl.SSLContext, member_id: int) -> None:
    """Let our learner vote. Raises Temporary while it lags behind or nobody answers."""
    client = await etcd.any_endpoint(hosts, context)
    try:
        await client.promote(member_id)
    except status.RpcError as error:
        if "can only promote a learner" in error.message and "in sync" not in error.message:
            return
        raise errors.Temporary(f"learner is not promoted yet: {error.message}") from error
    finally:
        client.close()


async def leave(client: etcd.Client, *, patience_s: float = LEAVE_S) -> bool:
    """Take the local member out of the cluster; False when it is the only one.

    A member that just started is not connected to the others yet, for which etcd refuses the removal; this is waited
    out. Raises status.RpcError, Temporary when no other member answers.
    """
    mine = (await client.status()).header.member_id
    members = await client.members()
    if [m.id for m in members] == [mine]:
        return False
    await hand_over(client)
    deadline = time.monotonic() + patience_s
    while True:
        try:
            await client.remove(mine)
        except status.RpcError as error:
            if error.code is status.Code.UNAVAILABLE and _UNHEALTHY not in error.message:
                # A removed member stops, now and then before it has answered: the others know.
                others = [urlsplit(url).hostname or "" for m in members if m.id != mine for url in m.peer_urls]
                return await _is_gone(others, client.context, mine, error)
            if _UNHEALTHY not in error.message or time.monotonic() > deadline:
                raise
            await asyncio.sleep(_LEAVE_PAUSE_S)
        else:
            return True


async def _is_gone(hosts: Sequence[str], context: ssl.SSLContext, member_id: int, reason: status.RpcError) -> bool:
    """True when a member of another host does not know the id any more. Raises the reason when it does."""
    async with await etcd.any_endpoint(hosts, context) as other:
        if any(member.id == member_id for member in await other.members()):
            raise reason
    return True


async def hand_over(client: etcd.Client) -> etcd.Member | None:
    """Give leadership to another voting member if the local one leads; return the new leader. Raises RpcError."""
    found = await client.status()
    mine = found.header.member_id
    if found.leader != mine:
        return None
    others = [m for m in await client.members() if m.id != mine and not m.learner and m.name]
    if not others:
        return None
    await client.move_leader(others[0].id)
    return others[0]
