"""The ingress firewall in a real namespace: who gets through to a port, and who does not."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import netns
from tests.node import Node

from talos.linux import nft
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.node_address import NODE_ADDRESS_ROUTED_ID, NodeAddress

pytestmark = [pytest.mark.needs_netns]

OPEN_PORT, CLOSED_PORT = 7001, 7002
RULE = """
apiVersion: v1alpha1
kind: NetworkRuleConfig
name: test
portSelector:
  ports: [%d]
  protocol: tcp
ingress:
  - subnet: 10.77.0.0/24
    except: 10.77.0.4/32
"""
BLOCK = "apiVersion: v1alpha1\nkind: NetworkDefaultActionConfig\ningress: block\n---\n"
PACKAGES = ("network.nf_tables_chain", "network.nf_tables_chain_config")


@pytest.fixture
def three() -> Iterator[list[int]]:
    """Namespaces of a node (10.77.0.2), a welcome machine (.3) and another one (.4)."""
    with netns.bridged(3) as made:
        yield made


def configure(node: Node, text: str) -> None:
    node.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=text.encode())))


def eventually(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "not within time"
        time.sleep(0.02)


def reach(fd: int, port: int) -> bool:
    async def attempt() -> bool:
        try:
            async with asyncio.timeout(0.4):
                _, writer = await asyncio.open_connection("10.77.0.2", port)
        except (TimeoutError, OSError):
            return False
        writer.close()
        return True

    return netns.run_inside(fd, attempt)


@contextlib.asynccontextmanager
async def _listening() -> AsyncIterator[None]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    opened = await asyncio.start_server(serve, "0.0.0.0", OPEN_PORT)
    closed = await asyncio.start_server(serve, "0.0.0.0", CLOSED_PORT)
    async with opened, closed:
        yield


def _serve(node: Node) -> Callable[[], Coroutine[Any, Any, None]]:
    async def start() -> None:
        servers = _listening()
        await servers.__aenter__()
        node.servers = servers  # type: ignore[attr-defined]

    return start


@pytest.mark.feature("E149", "E150", "L027")
def test_who_gets_through(three: list[int], tmp_path: Path) -> None:
    target, welcome, other, _ = three
    routed = NodeAddress(NODE_ADDRESS_ROUTED_ID, NodeAddress.Spec(addresses=("10.77.0.2/24",)))
    with Node(target, tmp_path, PACKAGES, [routed]) as node:
        node.call(_serve(node))
        assert reach(other, OPEN_PORT)

        configure(node, RULE % OPEN_PORT)
        eventually(lambda: not reach(other, OPEN_PORT))
        assert reach(welcome, OPEN_PORT)
        assert reach(other, CLOSED_PORT)

        configure(node, BLOCK + RULE % OPEN_PORT)
        eventually(lambda: not reach(welcome, CLOSED_PORT))
        assert reach(welcome, OPEN_PORT)
        assert not reach(other, OPEN_PORT)
        assert nft.has_inet_table("talos", target)

        configure(node, "apiVersion: v1alpha1\nkind: NetworkDefaultActionConfig\ningress: accept\n")
        node.call(lambda: _gone(target))
        assert reach(other, CLOSED_PORT)


async def _gone(fd: int) -> None:
    async with asyncio.timeout(10):
        while nft.has_inet_table("talos", fd):
            await asyncio.sleep(0.02)


@pytest.mark.feature("E150")
def test_a_table_of_an_earlier_machined_goes(three: list[int], tmp_path: Path) -> None:
    target = three[0]
    netns.run_inside(target, lambda: nft.apply("add table inet talos\nadd chain inet talos x\n"))
    assert nft.has_inet_table("talos", target)
    with Node(target, tmp_path, PACKAGES, []) as node:
        node.call(lambda: _gone(target))
