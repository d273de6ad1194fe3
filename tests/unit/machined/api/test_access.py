"""Bootstrap and Kubeconfig."""

from __future__ import annotations

import base64
import datetime
import io
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import empty_pb2

from talos.cosi import inmem
from talos.k8s import kubeconfig
from talos.machined import bootstrap as requests
from talos.machined.api import server
from talos.machined.api.bootstrap import Bootstrap
from talos.machined.api.kubeconfig import Kubeconfig
from talos.machined.controllers.secrets.root_kubernetes import RootKubernetesController
from talos.machinery.api import methods
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.secrets import kubernetes_root_secret
from talos.machinery.resources.time import time_status
from talos.machinery.rpc import channel, status
from talos.machinery.rpc import server as rpc
from talos.machinery.types.machine import MachineType
from talos.pki import x509
from tests.unit.machined.controllers.cluster_node import ENDPOINT, changed, configure, made, node, source, there

Root = kubernetes_root_secret.KubernetesRootSecret


class Api:
    def __init__(self, made: channel.Channel, store: inmem.InMemory, etcd: requests.EtcdBootstrap, data: Path) -> None:
        self.channel, self.store, self.etcd, self.data = made, store, etcd, data

    async def bootstrap(self, **wanted: bool) -> Any:
        request = machine_pb2.BootstrapRequest(**wanted)
        return await self.channel.unary(methods.method("/machine.MachineService/Bootstrap"), request, timeout_s=10)

    async def kubeconfig(self) -> str:
        method = methods.method("/machine.MachineService/Kubeconfig")
        data = b"".join([part.bytes async for part in self.channel.stream(method, empty_pb2.Empty(), timeout_s=10)])
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            assert archive.getnames() == ["kubeconfig"]
            found = archive.extractfile("kubeconfig")
            assert found is not None
            return found.read().decode()


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with node(RootKubernetesController()) as (store, _):
        etcd, served = requests.EtcdBootstrap(), rpc.Server()
        server.mount(served, [Bootstrap(store, etcd, tmp_path / "etcd"), Kubeconfig(store)])
        await served.serve_unix(tmp_path / "api.sock")
        connection = channel.Channel.unix(tmp_path / "api.sock")
        await there(store, Root, kubernetes_root_secret.KUBERNETES_ROOT_ID)
        yield Api(connection, store, etcd, tmp_path / "etcd")
        connection.close()
        await served.close(0.1)


@pytest.mark.feature("M001")
async def test_the_request_waits_for_etcd(api: Api) -> None:
    assert api.etcd.pending is None
    assert len((await api.bootstrap()).messages) == 1
    assert await api.etcd.wait() == requests.Request()
    await api.bootstrap(recover_etcd=True, recover_skip_hash_check=True)
    assert await api.etcd.wait() == requests.Request(recover=True, skip_hash_check=True)
    api.etcd.done()
    assert api.etcd.pending is None


@pytest.mark.feature("M001")
async def test_nobody_bootstraps_twice(api: Api) -> None:
    (api.data / "member").mkdir(parents=True)
    with pytest.raises(status.RpcError, match="not empty") as refused:
        await api.bootstrap()
    assert refused.value.code is status.Code.ALREADY_EXISTS
    assert api.etcd.pending is None


@pytest.mark.feature("M001")
async def test_bootstrap_needs_a_control_plane_and_the_time(api: Api) -> None:
    clock = await api.store.get(time_status.TimeStatus, time_status.STATUS_ID)
    await api.store.update(clock.with_spec(time_status.TimeStatus.Spec(synced=False)))
    with pytest.raises(status.RpcError, match="time") as early:
        await api.bootstrap()
    assert early.value.code is status.Code.FAILED_PRECONDITION
    await configure(api.store, source(MachineType.WORKER))
    with pytest.raises(status.RpcError, match="control plane"):
        await api.bootstrap()
    await api.store.destroy(MachineConfig, ACTIVE_ID)
    with pytest.raises(status.RpcError, match="no configuration"):
        await api.bootstrap()
    assert api.etcd.pending is None


@pytest.mark.feature("M032")
async def test_kubeconfig_of_an_administrator(api: Api) -> None:
    text = await api.kubeconfig()
    found = kubeconfig.current(text)
    (certificate, *_) = x509.load_certificates(base64.b64decode(found.user["client-certificate-data"]))
    certificate.verify_directly_issued_by(x509.load_certificates(made().k8s.crt)[0])
    assert certificate.subject.rfc4514_string() == "CN=admin,O=system:masters"
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert life == pytest.approx(datetime.timedelta(days=365), abs=datetime.timedelta(minutes=10))
    assert found.cluster["server"] == ENDPOINT
    assert "current-context: admin@test" in text
    assert await api.kubeconfig() != text, "each call makes a certificate of its own"


@pytest.mark.feature("M032")
async def test_lifetime_of_the_configuration(api: Api) -> None:
    await configure(api.store, changed(source(), v1alpha1={"cluster": {"adminKubeconfig": {"certLifetime": "2h"}}}))
    found = kubeconfig.current(await api.kubeconfig())
    (certificate, *_) = x509.load_certificates(base64.b64decode(found.user["client-certificate-data"]))
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert life == pytest.approx(datetime.timedelta(hours=2), abs=datetime.timedelta(minutes=10))


@pytest.mark.feature("M032")
async def test_a_worker_gives_no_kubeconfig(api: Api) -> None:
    await configure(api.store, source(MachineType.WORKER))
    for _ in range(100):
        try:
            await api.kubeconfig()
        except status.RpcError as error:
            assert error.code is status.Code.FAILED_PRECONDITION
            assert "control plane" in error.message
            return
    raise AssertionError("a worker gave a kubeconfig")
