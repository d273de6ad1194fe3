import asyncio
import os
from pathlib import Path

import pytest

from talos.linux import kmsg
from talos.machined.controllers.runtime import kmsg_log_storage
from talos.supervisor import logs
from tests.unit.machined.controllers.running import running


def test_line() -> None:
    record = kmsg.Record("kern", "info", 7, 1_500_000, "hello")
    assert kmsg_log_storage.line(record, 1_700_000_000.0) == b"kern:    info: [2023-11-14T22:13:21.500000Z]: hello\n"


@pytest.mark.feature("Q006")
async def test_records_become_the_kernel_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fifo = tmp_path / "kmsg"
    os.mkfifo(fifo)
    monkeypatch.setattr(kmsg.Reader.__init__, "__defaults__", (str(fifo),))
    writer = os.open(fifo, os.O_RDWR)
    store = logs.LogStore(tmp_path / "fifos")
    async with running(kmsg_log_storage.KmsgLogStorageController(store)):
        for number in range(2):
            os.write(writer, b"6,%d,1000000,-;message %d\n" % (number, number))
            await asyncio.sleep(0.05)
        text = store.ring("kernel").read(0).decode()
    os.close(writer)
    assert "message 0" in text
    assert text.endswith("message 1\n")
