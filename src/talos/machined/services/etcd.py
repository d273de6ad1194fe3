"""etcd: the store of the control plane, one member on each of its nodes.

A node with data goes on where it was. One without data begins a new cluster if a client asks for it (`talosctl
bootstrap`), and otherwise becomes a learner of the cluster it finds; the health check promotes it once it has caught
up, so a machined that was restarted meanwhile does that as well.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import platform
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from talos.base import errors
from talos.base.constants import cgroups, paths, users
from talos.cosi import state
from talos.k8s.etcd import client as etcd
from talos.k8s.etcd import command, membership, restore
from talos.linux import cgroup
from talos.machined.bootstrap import EtcdBootstrap
from talos.machined.services import _conditions
from talos.machinery.resources.etcd import etcd_spec, pki_status
from talos.machinery.resources.k8s import endpoint
from talos.machinery.resources.network import node_address
from talos.machinery.resources.runtime import environment
from talos.machinery.rpc import status
from talos.supervisor import condition, health, service, supervisor
from talos.supervisor.containerd import client as containerd
from talos.supervisor.containerd import spec as oci
from talos.supervisor.runner import Exit, Runner, container

_log = logging.getLogger("service.etcd")
_JOIN_S = 30 * 60.0
_JOIN_PAUSE_S = 0.5
_OOM_SCORE_ADJ = -998


class Etcd(service.Service):
    """etcd in a container, under a user of its own and without capabilities."""

    id: ClassVar[str] = "etcd"
    depends_on = ("cri",)
    stop_grace_s = 15.0

    def __init__(self, store: state.State, client: containerd.Client, bootstrap: EtcdBootstrap) -> None:
        self._store, self._client, self._bootstrap = store, client, bootstrap
        self._local: etcd.Client | None = None
        self._start = command.Start.CONTINUE
        self._cluster = ""
        self._lived = False
        self._spec: etcd_spec.EtcdSpec.Spec | None = None
        self._env: tuple[str, ...] = ()
        self.health = health.HealthCheck(self._check, interval_s=10.0, timeout_s=10.0, initial_delay_s=0.1)

    def conditions(self) -> Sequence[condition.Condition]:
        """Time, network, certificates, and the spec."""
        store = self._store
        return (
            _conditions.time_synced(store),
            _conditions.network_ready(store),
            condition.Ready(
                store, pki_status.PKIStatus, pki_status.PKI_ID, lambda p: p.spec.ready, text="certificates of etcd"
            ),
            condition.Ready(store, etcd_spec.EtcdSpec, etcd_spec.SPEC_ID, text="addresses of etcd"),
        )

    async def prepare(self) -> None:
        """Own the data directory, and find out how to start. Waits for a bootstrap request or a cluster to join."""
        _own(paths.ETCD_DATA)
        self._lived = False
        self._spec = (await self._store.get(etcd_spec.EtcdSpec, etcd_spec.SPEC_ID)).spec
        self._env = tuple(v for e in await self._store.list(environment.Environment) for v in e.spec.variables)
        if restore.is_untouched(paths.ETCD_DATA):
            # machined ended between the recovery and the first start of etcd.
            self._found(self._spec)
            return
        if (paths.ETCD_DATA / "member").exists():
            self._start = command.Start.CONTINUE
            return
        begin = asyncio.ensure_future(self._bootstrap.wait())
        join = asyncio.ensure_future(self._join(self._spec))
        try:
            done, _ = await asyncio.wait({begin, join}, timeout=_JOIN_S, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise errors.TimedOut("there is neither a cluster to join nor a request to begin one")
            if begin in done:
                await self._begin(self._spec)
            else:
                self._start, self._cluster = command.Start.JOIN, join.result().initial_cluster
        finally:
            for task in (begin, join):
                task.cancel()
            await asyncio.wait({begin, join})

    def still_prepared(self) -> bool:
        """False when the data of an etcd that has answered are gone: started anew as the last time, it would found an
        empty cluster beside the one it belonged to. It may join, or somebody has to say that a cluster begins."""
        return not self._lived or (paths.ETCD_DATA / "member").exists()

    async def _begin(self, spec: etcd_spec.EtcdSpec.Spec) -> None:
        request = self._bootstrap.pending
        self._bootstrap.done()
        if request is not None and request.recover:
            await asyncio.to_thread(recover, skip_hash=request.skip_hash_check)
        self._found(spec)

    def _found(self, spec: etcd_spec.EtcdSpec.Spec) -> None:
        """Start as the first member of a new cluster."""
        self._start = command.Start.NEW
        self._cluster = command.initial_cluster([(spec.name, command.peer_urls(spec.advertised_addresses))])

    async def _join(self, spec: etcd_spec.EtcdSpec.Spec) -> membership.Joined:
        said = ""
        while True:
            try:
                hosts = await self._peers()
                return await membership.join(hosts, etcd.node_tls(), spec.name, spec.advertised_addresses)
            except (errors.Temporary, OSError) as error:
                if str(error) != said:
                    said = str(error)
                    _log.info("no cluster to join yet: %s", said)
            await asyncio.sleep(_JOIN_PAUSE_S * random.uniform(1, 3))

    async def _peers(self) -> list[str]:
        """Return addresses of other control plane nodes, the ones discovery knows first."""
        own = {
            str(ipaddress.ip_interface(address).ip)
            for found in await self._store.list(node_address.NodeAddress)
            for address in found.spec.addresses
        }
        endpoints = await self._store.list(endpoint.Endpoint)
        endpoints.sort(key=lambda e: e.id != endpoint.CONTROL_PLANE_DISCOVERED_ENDPOINTS_ID)
        found = dict.fromkeys(host for e in endpoints for host in (*e.spec.addresses, *e.spec.hosts))
        return [host for host in found if host not in own]

    def runner(self) -> Runner:
        """The container. Raises Invalid for refused extra arguments."""
        assert self._spec is not None
        spec = self._spec
        node = command.Node(
            spec.name, spec.advertised_addresses, spec.listen_peer_addresses, spec.listen_client_addresses
        )
        # The data directory may have come to life since it was looked at: a crashed first start is no first start.
        begun = (paths.ETCD_DATA / "member").exists() and not restore.is_untouched(paths.ETCD_DATA)
        start = command.Start.CONTINUE if begun else self._start
        args = command.command_line(node, start, self._cluster, spec.extra_args)
        env = list(self._env)
        if platform.machine() == "aarch64":
            env.append("ETCD_UNSUPPORTED_ARCH=arm64")
        part = cgroups.ETCD
        options = oci.Options(
            args=args,
            env=env,
            uid=users.ETCD,
            gid=users.ETCD,
            capabilities=(),
            mounts=(
                oci.bind(str(paths.ETCD_PKI), read_only=True),
                oci.bind(str(paths.ETCD_DATA)),
            ),
            cgroup=f"/{part.path}",
            oom_score_adj=_OOM_SCORE_ADJ,
        )
        limits = cgroup.Limits(
            memory_min_bytes=part.reserved_bytes, memory_low_bytes=part.low_bytes, millicores=part.millicores
        )
        return container.Container(self._client, self.id, spec.image, options, limits=limits)

    async def _check(self) -> None:
        """Ask for a linearizable read; a learner is promoted first."""
        if self._local is None:
            self._local = etcd.Client.local()
        try:
            found = await self._local.status()
            self._lived = True
            if found.isLearner:
                await membership.promote(await self._peers(), etcd.node_tls(), found.header.member_id)
            await self._local.check_quorum()
        except status.RpcError as error:
            # The next check opens a new connection, with the certificates of that time.
            self._close()
            raise errors.Temporary(error.message) from error

    def _close(self) -> None:
        if self._local is not None:
            self._local.close()
            self._local = None

    async def cleanup(self, outcome: Exit | None) -> None:
        """Close the connection of the health check."""
        self._close()


async def leave(services: supervisor.Supervisor, client: etcd.Client) -> bool:
    """Take this node's member out of the cluster, stop it, and delete its data, which no cluster takes back.

    False when it is the only member: then nothing is done. Raises status.RpcError.
    """
    if not await membership.leave(client):
        return False
    await services.stop(Etcd.id)
    await asyncio.to_thread(shutil.rmtree, paths.ETCD_DATA / "member", ignore_errors=True)
    return True


def recover(
    snapshot: Path = paths.ETCD_RECOVERY_SNAPSHOT, data: Path = paths.ETCD_DATA, *, skip_hash: bool = False
) -> None:
    """Make the data directory from the uploaded snapshot, and forget that. Raises Invalid; blocks."""
    if not snapshot.exists():
        raise errors.Invalid("there is no snapshot to recover from: it has to be uploaded before")
    restore.restore(snapshot, data, skip_hash=skip_hash)
    _own(data)
    snapshot.unlink()
    _log.info("data directory made from a snapshot")


def _own(directory: Path) -> None:
    """Make the data directory etcd's. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    for path in (directory, *directory.rglob("*")):
        if path.lstat().st_uid != users.ETCD:
            os.lchown(path, users.ETCD, users.ETCD)
    directory.chmod(0o700)
