"""Bootstrap of machine.MachineService: the wish that this node's etcd begins a new cluster."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from talos.base import errors
from talos.base.constants import paths
from talos.cosi import state
from talos.machined.api import Handlers
from talos.machined.bootstrap import EtcdBootstrap, Request
from talos.machinery.api._generated.machine import machine_pb2
from talos.machinery.config import views
from talos.machinery.resources.config import machine_config
from talos.machinery.resources.time import time_status
from talos.machinery.rpc import server as rpc


class Bootstrap(Handlers):
    """Bootstrap."""

    service: ClassVar[str] = "machine.MachineService"

    def __init__(self, store: state.State, etcd: EtcdBootstrap, data: Path = paths.ETCD_DATA) -> None:
        self._store, self._etcd, self._data = store, etcd, data

    async def bootstrap(self, request: machine_pb2.BootstrapRequest, call: rpc.Call) -> machine_pb2.BootstrapResponse:
        """Leave the request for the etcd service. Raises NotReady, Unsupported, AlreadyExists."""
        config = await state.find(self._store, machine_config.MachineConfig, machine_config.ACTIVE_ID)
        if config is None:
            raise errors.NotReady("the node has no configuration yet")
        if not views.machine(config.documents).is_control_plane:
            raise errors.NotReady("bootstrap can only be performed on a control plane node")
        if not views.etcd(config.documents).ca.key:
            raise errors.NotReady("the configuration has no etcd CA")
        synced = await state.find(self._store, time_status.TimeStatus, time_status.STATUS_ID)
        if synced is None or not synced.spec.synced:
            raise errors.NotReady("time is not in sync yet")
        if (self._data / "member").exists():
            raise errors.AlreadyExists("etcd data directory is not empty")
        self._etcd.ask(Request(recover=request.recover_etcd, skip_hash_check=request.recover_skip_hash_check))
        return machine_pb2.BootstrapResponse(messages=[machine_pb2.Bootstrap()])
