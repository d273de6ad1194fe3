"""Logs sent to collectors: real sockets, real log stores."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from talos.linux import kmsg
from talos.machined.controllers.runtime import _delivery, kmsg_log_config, kmsg_log_delivery, service_log_delivery
from talos.machined.modes import Mode
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.network_status import STATUS_ID, NetworkStatus
from talos.machinery.resources.runtime.kmsg_log_config import KMSG_LOG_CONFIG_ID, KmsgLogConfig
from talos.supervisor import logs
from talos.testing import ctest

LOG = logging.getLogger("test")


class Collector:
    """A TCP server that keeps the lines it gets."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.writers: list[asyncio.StreamWriter] = []

    async def start(self, port: int = 0) -> int:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        return int(self.server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        async for line in reader:
            self.lines.put_nowait(json.loads(line))

    async def stop(self) -> None:
        self.server.close()
        for writer in self.writers:
            writer.close()
        await asyncio.sleep(0.01)

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(5):
            return await self.lines.get()


async def test_a_collector_that_goes_away_is_called_again() -> None:
    collector = Collector()
    port = await collector.start()
    sender = _delivery.Sender(f"tcp://127.0.0.1:{port}", LOG, first_pause_s=0.02)
    task = asyncio.create_task(sender.run())
    sender.put({"msg": "one"})
    assert await collector.next() == {"msg": "one"}
    await collector.stop()
    sender.put({"msg": "two"})
    again = Collector()
    await again.start(port)
    sender.put({"msg": "three"})
    found = [(await again.next())["msg"] for _ in range(2)]
    assert found == ["two", "three"]
    task.cancel()
    await again.stop()


async def test_a_full_queue_says_what_was_lost() -> None:
    collector = Collector()
    port = await collector.start()
    sender = _delivery.Sender(f"tcp://127.0.0.1:{port}", LOG)
    for number in range(_delivery.QUEUE_LINES + 5):
        sender.put({"n": number})
    task = asyncio.create_task(sender.run())
    assert await collector.next() == {"msg": "5 lines were lost", "talos-level": "warn"}
    assert await collector.next() == {"n": 5}
    task.cancel()
    await collector.stop()


async def test_udp() -> None:
    loop = asyncio.get_running_loop()
    got: asyncio.Queue[bytes] = asyncio.Queue()

    class Receiver(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: Any) -> None:
            got.put_nowait(data)

    transport, _ = await loop.create_datagram_endpoint(Receiver, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    sender = _delivery.Sender(f"udp://127.0.0.1:{port}", LOG)
    task = asyncio.create_task(sender.run())
    sender.put({"msg": "ä"})
    async with asyncio.timeout(5):
        assert json.loads(await got.get()) == {"msg": "ä"}
    task.cancel()
    transport.close()


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("I1123 10:00:00.000 file.go:1] hello", "info"),
        ("E1123 10:00:00.000 file.go:1] hello", "error"),
        ('time="2026-01-01" level=warning msg="x"', "warn"),
        ('{"level":"debug","msg":"x"}', "debug"),
        ("2026-01-01 12:00 ERROR supervisor: x", "error"),
        ("CRITICAL x", "fatal"),
        ("nothing said", "info"),
        ('{"level":"strange"}', "info"),
    ],
)
def test_the_level_a_line_states(line: str, level: str) -> None:
    assert service_log_delivery.level(line) == level


@pytest.mark.feature("Q004")
async def test_logs_of_services_with_tags(tmp_path: Path) -> None:
    collector = Collector()
    port = await collector.start()
    store = logs.LogStore(tmp_path)
    store.write("etcd", b"before there was a destination\n")
    store.write("kernel", b"not this way\n")
    source = f"""version: v1alpha1
machine:
  type: worker
  logging:
    destinations:
      - endpoint: tcp://127.0.0.1:{port}
        format: json_lines
        extraTags: {{site: here}}
"""
    async with ctest.bench(service_log_delivery.ServiceLogDeliveryController(store)) as b:
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=source.encode())))
        first = await collector.next()
        assert first.pop("talos-time").endswith("Z")
        assert first == {
            "msg": "before there was a destination",
            "talos-level": "info",
            "talos-service": "etcd",
            "site": "here",
        }
        store.write("etcd", b"level=error in ")
        store.write("etcd", b"two parts\n")
        second = await collector.next()
        assert (second["msg"], second["talos-level"]) == ("level=error in two parts", "error")
        await b.destroy(MachineConfig, ACTIVE_ID)
        store.write("etcd", b"after\n")
        await asyncio.sleep(0.05)
    assert collector.lines.empty()
    await collector.stop()


@pytest.mark.feature("E206")
async def test_destinations_of_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    cmdline = "console=ttyS0 talos.logging.kernel=tcp://10.0.0.1:1 talos.logging.kernel=udp://10.0.0.1:2"
    monkeypatch.setattr("talos.linux.procfs.cmdline", lambda: cmdline)
    document = b"apiVersion: v1alpha1\nkind: KmsgLogConfig\nname: x\nurl: udp://10.0.0.9:7\n"
    async with ctest.bench(kmsg_log_config.KmsgLogConfigController(Mode.METAL)) as b:
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=document)))
        found = (await b.expect(KmsgLogConfig, KMSG_LOG_CONFIG_ID, lambda one: len(one.spec.destinations) == 3)).spec
        assert found.destinations == ("tcp://10.0.0.1:1", "udp://10.0.0.1:2", "udp://10.0.0.9:7")
    async with ctest.bench(kmsg_log_config.KmsgLogConfigController(Mode.CONTAINER)) as b:
        assert await b.ids(KmsgLogConfig) == []


@pytest.mark.feature("E207", "Q005")
async def test_kernel_records_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fifo = tmp_path / "kmsg"
    os.mkfifo(fifo)
    monkeypatch.setattr(kmsg.Reader.__init__, "__defaults__", (str(fifo),))
    writer = os.open(fifo, os.O_RDWR)
    collector = Collector()
    port = await collector.start()
    async with ctest.bench(kmsg_log_delivery.KmsgLogDeliveryController()) as b:
        spec = KmsgLogConfig.Spec(destinations=(f"tcp://127.0.0.1:{port}",))
        await b.put(KmsgLogConfig(KMSG_LOG_CONFIG_ID, spec))
        await b.put(NetworkStatus(STATUS_ID, NetworkStatus.Spec(address_ready=True)))
        os.write(writer, b"4,711,6252819,-;hello\n")
        found = await collector.next()
    os.close(writer)
    await collector.stop()
    assert found.pop("talos-time").endswith("Z")
    assert found == {
        "clock": 6252819,
        "facility": "kern",
        "msg": "hello",
        "priority": "warning",
        "seq": 711,
        "talos-level": "warn",
    }
