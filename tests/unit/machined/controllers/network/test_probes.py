"""Probes over real sockets, and what results in a row mean."""

from __future__ import annotations

import asyncio
import datetime

import pytest

from talos.cosi import controller
from talos.machined.controllers.network import _probing, probe, probe_merge
from talos.machined.controllers.network.probe_config import ProbeConfigController
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.probe_spec import HTTPProbeSpec, ProbeSpec, TCPProbeSpec
from talos.machinery.resources.network.probe_status import ProbeStatus
from talos.testing import ctest

TICK = datetime.timedelta(milliseconds=50)
SECOND = datetime.timedelta(seconds=1)


async def _answer(answer: bytes, port: int = 0) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", port)


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


@pytest.mark.parametrize(
    ("threshold", "results", "expected"),
    [
        (0, "s", True),
        (0, "sf", False),
        (3, "sff", True),
        (3, "sfff", False),
        (3, "sffsff", True),
        (3, "f", False),
        (3, "sffffs", True),
    ],
)
def test_a_threshold_of_failures(threshold: int, results: str, expected: bool) -> None:
    judgement = probe.Judgement(threshold)
    for one in results:
        judgement.add("refused" if one == "f" else "")
    assert judgement.status.success is expected
    assert bool(judgement.status.last_error) is not expected


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
        (b"HTTP/1.1 301 Moved\r\n\r\n", ""),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "status 404"),
        (b"SSH-2.0\r\n", "is not HTTP"),
        (b"x" * 100_000, "is not HTTP"),
    ],
)
async def test_http(answer: bytes, problem: str) -> None:
    async with await _answer(answer) as server:
        http = HTTPProbeSpec(url=f"http://127.0.0.1:{_port(server)}/health?x=1", timeout=SECOND)
        found = await _probing.once(ProbeSpec.Spec(http=http))
    assert problem in found
    assert bool(found) is bool(problem)


async def test_silence_is_a_failure() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        http = HTTPProbeSpec(url=f"http://127.0.0.1:{_port(server)}", timeout=TICK)
        assert "no answer within 0.05 s" in await _probing.once(ProbeSpec.Spec(http=http))


@pytest.mark.feature("E161", "L025")
async def test_a_port_comes_goes_and_comes_again() -> None:
    server = await _answer(b"")
    port = _port(server)
    spec = ProbeSpec.Spec(interval=TICK, tcp=TCPProbeSpec(endpoint=f"127.0.0.1:{port}", timeout=SECOND))
    async with ctest.bench(probe.ProbeController()) as b:
        await b.put(ProbeSpec("tcp:x", spec))
        await b.expect(ProbeStatus, "tcp:x", lambda one: one.spec.success)
        server.close()
        await server.wait_closed()
        await b.expect(ProbeStatus, "tcp:x", lambda one: not one.spec.success and "refused" in one.spec.last_error)
        async with await _answer(b"", port):
            await b.expect(ProbeStatus, "tcp:x", lambda one: one.spec.success)
        await b.destroy(ProbeSpec, "tcp:x")
        await b.expect_none(ProbeStatus, "tcp:x")


@pytest.mark.feature("E162", "E163")
async def test_documents_become_specs() -> None:
    documents = b"""
apiVersion: v1alpha1
kind: TCPProbeConfig
name: gateway
endpoint: 10.5.0.1:53
interval: 5s
failureThreshold: 3
---
apiVersion: v1alpha1
kind: HTTPProbeConfig
name: outside
url: https://example.org/
timeout: 2s
"""
    parts: tuple[controller.Controller, ...] = (ProbeConfigController(), probe_merge.ProbeMergeController())
    async with ctest.bench(*parts) as b:
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=documents)))
        assert await b.ids(ProbeSpec) == ["http:https://example.org/", "tcp:10.5.0.1:53"]
        tcp = (await b.expect(ProbeSpec, "tcp:10.5.0.1:53")).spec
        http = (await b.expect(ProbeSpec, "http:https://example.org/")).spec
    assert (tcp.interval.total_seconds(), tcp.failure_threshold, tcp.tcp.timeout.total_seconds()) == (5, 3, 10)
    assert (http.interval.total_seconds(), http.http.timeout.total_seconds()) == (1, 2)
