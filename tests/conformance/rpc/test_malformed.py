"""Two hundred malformed requests for every RPC, against the real handlers: each is answered, nothing leaks."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conformance.rpc import facts, hostile
from tests.conformance.rpc.node import Node, running

INTERNAL, LATE, NOT_NOW, UNIMPLEMENTED = "13", "4", "9", "12"
"""LATE: each request has half a second, which a busy machine may need for others."""
MIB = 1 << 20
SEED = 20260101


def rss() -> int:
    """Resident memory of this process in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def _settled(memory: int, files: int, tasks: int) -> None:
    """No more than there was, once what is running has ended."""
    for _ in range(50):
        gc.collect()
        if rss() <= memory and open_files() <= files and len(asyncio.all_tasks()) <= tasks:
            return
        await asyncio.sleep(0.1)
    assert rss() <= memory
    assert open_files() <= files
    assert len(asyncio.all_tasks()) <= tasks


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with running(tmp_path) as nodes:
        yield nodes[0]


def _fields(rpc: facts.Rpc) -> int:
    return len(facts.recorded()["messages"][rpc.request])


async def _attack(node: Node, socket: str, rpc: facts.Rpc, count: int) -> dict[str, list[str]]:
    caller = await hostile.Connection().open(node.folder / socket)
    try:
        return await caller.play(hostile.requests(rpc.path, _fields(rpc), SEED, count))
    finally:
        await caller.close()


def _check(rpc: facts.Rpc, found: dict[str, list[str]], caplog: pytest.LogCaptureFixture) -> None:
    # What the state of the node forbids may be refused before the first message of an upload is looked at.
    always = {UNIMPLEMENTED, LATE} | ({NOT_NOW} if rpc.client_streaming else set())
    for kind, outcomes in found.items():
        assert INTERNAL not in outcomes, (rpc.path, kind)
        assert outcomes, kind
    for kind in ("cut off", "prefix cut off", "bad flag", "bad metadata", "no path", "no method"):
        assert set(found[kind]) <= always | {"3", "8"}, (rpc.path, kind, found[kind])
    assert set(found["compressed"]) <= always, (rpc.path, found["compressed"])
    assert set(found["huge"]) <= always | {"8"}, (rpc.path, found["huge"])
    bugs = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert not bugs, (rpc.path, bugs[0].getMessage(), bugs[0].exc_text)


@pytest.mark.parametrize("service", sorted({rpc.service for rpc in facts.rpcs()}))
async def test_machined_survives_what_is_malformed(node: Node, service: str, caplog: pytest.LogCaptureFixture) -> None:
    served = [rpc for rpc in facts.rpcs() if rpc.service == service and rpc.path in node.machined.paths]
    others = [rpc for rpc in facts.rpcs() if rpc.service == service and rpc.path not in node.machined.paths]
    for rpc in others:
        assert set((await _attack(node, "machine.sock", rpc, 50))["random message"]) == {"12"}
    if not served:
        return
    await _attack(node, "machine.sock", served[0], 50)
    await asyncio.sleep(0.6)
    gc.collect()
    memory, files, tasks = rss(), open_files(), len(asyncio.all_tasks())
    for rpc in served:
        _check(rpc, await _attack(node, "machine.sock", rpc, hostile.PER_RPC), caplog)
    await _settled(memory + 48 * MIB, files, tasks)


async def test_apid_survives_what_is_malformed(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    """It knows no message; what it can be broken with is headers, framing and the ways a call ends."""
    paths = (
        "/machine.MachineService/Version",
        "/machine.MachineService/Read",
        "/machine.ImageService/Import",
        "/no/thing",
    )
    chosen = [rpc for rpc in facts.rpcs() if rpc.path in paths]
    for turn in range(2):
        if turn:
            gc.collect()
            memory, files, tasks = rss(), open_files(), len(asyncio.all_tasks())
        for rpc in chosen:
            _check(rpc, await _attack(node, "apid.sock", rpc, hostile.PER_RPC), caplog)
        await asyncio.sleep(0.6)
    await _settled(memory + 32 * MIB, files, tasks)


async def test_trustd_survives_what_is_malformed(node: Node, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await node.trustd._server.serve_unix(node.folder / "trustd.sock")
    (rpc,) = (rpc for rpc in facts.rpcs() if rpc.service == "securityapi.SecurityService")
    found = await _attack(node, "trustd.sock", rpc, hostile.PER_RPC)
    _check(rpc, found, caplog)
    # Whoever gets as far as the handler has no token, or asks too often.
    assert set(found["no authority"]) <= {"3", "8", "16", LATE}
