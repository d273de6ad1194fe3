import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from talos.machined.api import etcd_recover, server
from talos.machinery.api import methods
from talos.machinery.api._generated.common import common_pb2
from talos.machinery.config import generate
from talos.machinery.resources.config import machine_config
from talos.machinery.rpc import channel, status
from talos.machinery.rpc import server as rpc
from talos.machinery.types.machine import MachineType
from talos.pki import bundle
from tests.unit.machined.controllers.running import running

METHOD = methods.method("/machine.MachineService/EtcdRecover")


def _config(text: bytes) -> machine_config.MachineConfig:
    return machine_config.MachineConfig(machine_config.ACTIVE_ID, machine_config.MachineConfig.Spec(source=text))


async def _chunks(*parts: bytes) -> AsyncIterator[common_pb2.Data]:
    for part in parts:
        yield common_pb2.Data(bytes=part)


async def _upload(folder: Path, *uploads: AsyncIterator[common_pb2.Data], plane: bool = True) -> list[object]:
    kind = MachineType.CONTROL_PLANE if plane else MachineType.WORKER
    text = generate.generate(generate.GenerateInput("it", "https://10.5.0.2:6443", bundle.generate()), kind).encode()
    async with running() as (store, _):
        await store.create(_config(text))
        made = rpc.Server()
        server.mount(made, [etcd_recover.EtcdRecover(store, folder / "etcd.snapshot")])
        await made.serve_unix(folder / "api.sock")
        connection = channel.Channel.unix(folder / "api.sock")
        try:
            calls = (connection.upload(METHOD, upload, timeout_s=10) for upload in uploads)
            return list(await asyncio.gather(*calls, return_exceptions=True))
        finally:
            connection.close()
            await made.close(0.1)


@pytest.mark.feature("A027")
async def test_snapshot_is_there_when_it_is_whole(tmp_path: Path) -> None:
    (answer,) = await _upload(tmp_path, _chunks(b"one", b"", b"two" * 100_000))
    assert answer.messages  # type: ignore[attr-defined]
    snapshot = tmp_path / "etcd.snapshot"
    assert snapshot.read_bytes() == b"one" + b"two" * 100_000
    assert snapshot.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.feature("A027")
async def test_what_ends_early_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "etcd.snapshot").write_bytes(b"old")

    async def broken() -> AsyncIterator[common_pb2.Data]:
        yield common_pb2.Data(bytes=b"new")
        raise RuntimeError

    await _upload(tmp_path, broken())
    (empty,) = await _upload(tmp_path, _chunks())
    assert isinstance(empty, status.RpcError)
    assert empty.code is status.Code.INVALID_ARGUMENT
    assert (tmp_path / "etcd.snapshot").read_bytes() == b"old"
    assert not list(tmp_path.glob("*.part"))


async def test_size_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(etcd_recover, "MAX_BYTES", 1000)
    (refused,) = await _upload(tmp_path, _chunks(bytes(600), bytes(600)))
    assert isinstance(refused, status.RpcError)
    assert refused.code is status.Code.INVALID_ARGUMENT


async def test_one_at_a_time(tmp_path: Path) -> None:
    async def slow() -> AsyncIterator[common_pb2.Data]:
        yield common_pb2.Data(bytes=b"x")
        await asyncio.sleep(0.3)

    results = await _upload(tmp_path, slow(), slow())
    failed = [found for found in results if isinstance(found, status.RpcError)]
    assert [found.code for found in failed] == [status.Code.FAILED_PRECONDITION]


@pytest.mark.feature("A027")
async def test_workers_have_no_etcd(tmp_path: Path) -> None:
    (refused,) = await _upload(tmp_path, _chunks(b"x"), plane=False)
    assert isinstance(refused, status.RpcError)
    assert refused.code is status.Code.FAILED_PRECONDITION
