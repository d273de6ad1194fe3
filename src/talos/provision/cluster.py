"""What can be done with local clusters: the operations behind `talosctl cluster …`.

Every operation holds the cluster's lock, reads the state file, and leaves a state file that the next operation
understands, whenever it ends and however.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talos.base import errors
from talos.machinery.client import talosconfig
from talos.pki import x509
from talos.provision import access, artifacts, configs, kubeconfig, plan, provider, ready
from talos.provision.providers.namespaces import helper, hostcheck, launch, node, probe, resident
from talos.provision.request import Names, Node, Request
from talos.provision.state import NAMESPACES, QEMU, Cluster, Phase, State, Store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes as PrivateKey

    from talos.provision.providers.qemu.making import Machines

_STOP_GRACE_S = 200.0
_KILL_GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node and how it is: `state` as its launcher says, `down` without launcher."""

    node: Node
    state: str
    boots: int
    pid: int
    message: str


@dataclass(frozen=True, slots=True)
class View:
    """A cluster and how it is."""

    cluster: Cluster
    nodes: tuple[NodeView, ...]
    services_running: bool


@dataclass(frozen=True, slots=True)
class Options:
    """How a new cluster is made. `kubeconfig` None leaves the person's alone; `rsa_key` gives the key that signs
    service account tokens. `machines`: its nodes are virtual machines. What later commands need goes into the state
    file."""

    patches: tuple[str, ...] = ()
    patches_control_plane: tuple[str, ...] = ()
    patches_worker: tuple[str, ...] = ()
    kubernetes_version: str = ""
    talosconfig: Path = field(default_factory=talosconfig.path)
    kubeconfig: Path | None = field(default_factory=kubeconfig.default_path)
    artifacts: Path | None = None
    wait: bool = True
    wait_healthy: bool = True
    wait_timeout_s: float = 1200.0
    machines: Machines | None = None
    rsa_key: Callable[[], PrivateKey] = x509.new_rsa_key

    def to_json(self, request: Request) -> dict[str, Any]:
        """For the state file."""
        more = self.machines.to_json() if self.machines else {}
        return {
            **more,
            "patches": list(self.patches),
            "patches_controlplane": list(self.patches_control_plane),
            "patches_worker": list(self.patches_worker),
            "kubernetes_version": self.kubernetes_version,
            "balanced": len(request.control_planes) > 1,
            "talosconfig": str(self.talosconfig.absolute()),
            "kubeconfig": str(self.kubeconfig.absolute()) if self.kubeconfig else "",
        }


def require_root() -> None:
    """Raise Denied for anybody else."""
    if os.geteuid() != 0:
        raise errors.Denied(
            "local clusters need root: they are made of namespaces, mounts and network links (try sudo)"
        )


def all_steps(made: Cluster, rsa_key: Callable[[], PrivateKey] = x509.new_rsa_key) -> list[plan.Step]:
    """Everything a cluster is made of and leaves somewhere."""
    kind, request = made.state.provisioner, made.request
    return [
        configs.Configs(rsa_key),
        *(provider.disk(kind, one) for one in request.nodes),
        *provider.host_steps(kind, request),
        access.Talosconfig(),
        access.Kubeconfig(),
    ]


def wait_steps(made: Cluster, options: Options) -> list[plan.Step]:
    """What a create does besides making the cluster."""
    request = made.request
    deadline, first = ready.Deadline(options.wait_timeout_s * provider.time_scale(made)), request.control_planes[0]
    steps = provider.configure_steps(made, request.nodes, deadline)
    if not options.wait:
        return steps
    steps += [*(ready.Answers(one, deadline) for one in request.nodes), ready.Bootstrap(first, deadline)]
    return [*steps, ready.Healthy(first, deadline, request.nodes)] if options.wait_healthy else steps


# --- create


@contextlib.asynccontextmanager
async def creating(store: Store, request: Request, options: Options) -> AsyncIterator[Cluster]:
    """Check everything that can be checked beforehand, write the first state file, hold the lock for the rest.

    A cluster of this name whose creation was interrupted is taken up when it was asked for in the same words.
    Raises Conflict, Invalid, Unsupported, NotFound or Denied, having made nothing.
    """
    require_root()
    built = artifacts.ArtifactSet.load(options.artifacts)
    if options.machines is None:
        probe.check(("nft",) if request.ports else ())
        built.check()
    else:
        options.machines.check(request)
    hostcheck.check_mounts(request)
    wanted = options.to_json(request)
    check_version(wanted["kubernetes_version"], built)
    configs.check_patches(request, wanted)
    names = Names.of(store.folder, request.name)
    async with contextlib.AsyncExitStack() as held:
        async with store.allocation():
            if (existing := store.find(request.name)) is not None:
                # Whoever still creates it holds the lock, and is told of first.
                await held.enter_async_context(store.lock(request.name, timeout_s=0))
                cluster = _taken_up(existing, request, wanted)
            else:
                hostcheck.check_taken(request, store, names.bridge)
                hostcheck.check_disk(store.folder, len(request.nodes))
                kind = QEMU if options.machines else NAMESPACES
                cluster = store.create(request, artifacts=str(built.folder), options=wanted, provisioner=kind)
                await held.enter_async_context(store.lock(request.name))
        yield cluster


def check_version(wanted: str, built: artifacts.ArtifactSet) -> None:
    """Raise Unsupported when another Kubernetes than the built one is asked for: its images are not in the set."""
    have = built.versions.get("kubernetes", "")
    if wanted and wanted.removeprefix("v") != have.removeprefix("v"):
        raise errors.Unsupported(f"Kubernetes {wanted} is not in the artifact set, which has {have}")


def _taken_up(existing: Cluster, request: Request, wanted: Mapping[str, Any]) -> Cluster:
    state = existing.state
    if state.phase is Phase.DESTROYING:
        raise errors.Conflict(
            f"cluster {existing.name} is half destroyed; finish that: talosctl cluster destroy --name {existing.name}"
        )
    if state.phase is not Phase.CREATING:
        raise errors.AlreadyExists(f"cluster {existing.name} exists already (choose another with --name)")
    if state.request != request or dict(state.options) != dict(wanted):
        raise errors.Conflict(
            f"cluster {existing.name} is half created from other settings; repeat those, or remove it first:"
            f" talosctl cluster destroy --name {existing.name}"
        )
    return existing


async def create(store: Store, request: Request, options: Options, progress: plan.Progress) -> Cluster:
    """Make a cluster and wait until it is healthy.

    Raises what `creating` raises, and StepFailed. When a step that makes something fails, everything is undone first;
    when waiting fails or the caller is cancelled, the cluster is left for the same create to go on with, or `destroy`.
    """
    async with creating(store, request, options) as cluster:
        steps = [*all_steps(cluster, options.rsa_key), *wait_steps(cluster, options)]
        if not options.kubeconfig or not options.wait:
            steps = [step for step in steps if not isinstance(step, access.Kubeconfig)]
        try:
            await plan.do(steps, cluster, progress)
        except plan.StepFailed as failure:
            if failure.step.essential:
                await _roll_back(cluster, failure, progress)
            raise
        try:
            cluster.update(phase=Phase.READY)
        except OSError:
            await _remove(cluster, force=True)
            raise
        return cluster


async def _roll_back(cluster: Cluster, failure: plan.StepFailed, progress: plan.Progress) -> None:
    """Undo everything; what cannot be undone must not hide why."""
    try:
        await _remove(cluster, force=False)
    except (OSError, errors.TalosError) as error:
        progress.note(f"not everything could be removed: {error}")
        failure.hint = f"what is left is removed by: talosctl cluster destroy --name {cluster.name}"


# --- destroy


async def destroy(store: Store, name: str, *, force: bool = False) -> list[Exception]:
    """Remove a cluster and everything it has on this machine, whatever state it is in.

    Raises NotFound when there is nothing of that name. Without `force` the first failure is raised and the rest kept
    for a repetition; with it, the failures are returned and the folder is gone.
    """
    require_root()
    cluster = store.find(name) if not force else _find_damaged(store, name)
    if cluster is None:
        if not await _remove_stray(store, name):
            raise errors.NotFound(f"there is no cluster {name} in {store.folder}")
        return []
    async with store.lock(name):
        cluster = store.find(name) or cluster
        cluster.update_if_possible(phase=Phase.DESTROYING)
        return await _remove(cluster, force=force)


def _find_damaged(store: Store, name: str) -> Cluster | None:
    """As `find`; a state file that cannot be read stands for a cluster of which only the name is known."""
    try:
        return store.find(name)
    except errors.Invalid:
        return None


async def _remove(cluster: Cluster, *, force: bool) -> list[Exception]:
    failures = await plan.undo(all_steps(cluster), cluster, force=force)
    if failures and not force:
        raise failures[0]
    try:
        await resident.kill(cluster.names.cgroup)
    except (OSError, errors.TalosError) as error:
        if not force:
            raise
        failures.append(error)
    await cluster.store.delete(cluster)
    return failures


async def _remove_stray(store: Store, name: str) -> bool:
    """Remove what the names alone tell of a cluster without state file; False when there was nothing."""
    from talos.linux import cgroup, netlink, nft, sysctl
    from talos.provision.providers.namespaces import nat, parameters
    from talos.provision.providers.qemu import segment

    names, found = Names.of(store.folder, name), False
    stray = Cluster(store, name, State(Request(name, "10.5.0.0/24", ())))
    if any(directory.is_dir() for directory in cgroup.tree().directories(names.cgroup)):
        await resident.kill(names.cgroup)
        found = True
    found = segment.remove(names) or found
    with netlink.Route() as rt:
        for link in rt.links():
            if link.name == names.bridge or link.name.startswith(f"t{names.id}"):
                rt.link_delete(link, missing_ok=True)
                found = True
    if nft.program() is not None and (nat.FAMILY, names.table) in await nft.tables():
        await nft.delete_table(nat.FAMILY, names.table)
        found = True
    if stray.folder.is_dir():
        for image in stray.folder.glob(f"nodes/*/{node.DISK_FILE}"):
            await node.released(image)
        await store.delete(stray)
        found = True
    parameters.release(names.id, root=sysctl.ROOT)
    return found


# --- the running cluster


def view(store: Store, name: str) -> View:
    """How a cluster is. Raises NotFound."""
    cluster = store.load(name)
    services = resident.alive(launch.Record.load(cluster.folder / helper.FOLDER))
    return View(cluster, tuple(_node_view(cluster, one) for one in cluster.request.nodes), services)


def _node_view(cluster: Cluster, one: Node) -> NodeView:
    record = launch.Record.load(cluster.node_folder(one.name))
    if record is None or not resident.alive(record):
        said = record.message if record is not None and record.state in (launch.STOPPED, launch.FAILED) else ""
        return NodeView(one, "down", record.boots if record else 0, 0, said)
    return NodeView(one, record.state, record.boots, record.init_pid, record.message)


async def stop(store: Store, name: str, progress: plan.Progress, *, grace_s: float = _STOP_GRACE_S) -> None:
    """Shut the nodes down in order and give back everything but the files."""
    require_root()
    async with store.lock(name):
        cluster = store.load(name)
        require_complete(cluster)
        scale = provider.time_scale(cluster)
        await asyncio.gather(*(_shut_down(cluster, one, progress, grace_s * scale) for one in cluster.request.nodes))
        failures = await plan.undo(provider.host_steps(cluster.state.provisioner, cluster.request), cluster)
        if failures:
            raise failures[0]
        await resident.kill(cluster.names.cgroup)
        cluster.update(phase=Phase.STOPPED)


async def _shut_down(cluster: Cluster, one: Node, progress: plan.Progress, grace_s: float) -> None:
    key, title = f"stop/{one.name}", f"{one.name}: shut down"
    began = asyncio.get_running_loop().time()
    progress.begin(key, title)
    record = launch.Record.load(cluster.node_folder(one.name))
    if resident.alive(record):
        await provider.ask_to_shut_down(cluster, one)
    if not await resident.end(record, signal.SIGTERM, grace_s):
        progress.update(key, "does not end, cutting the power")
        await resident.end(record, signal.SIGKILL, _KILL_GRACE_S)
    progress.done(key, asyncio.get_running_loop().time() - began)


async def start(store: Store, name: str, progress: plan.Progress, *, wait_timeout_s: float | None = None) -> Cluster:
    """Start a stopped cluster, or what is down of a running one (also after a reboot of this machine).

    `wait_timeout_s`: wait this long until the cluster is healthy; None does not wait.
    """
    require_root()
    async with store.lock(name):
        cluster = store.load(name)
        require_complete(cluster)
        if cluster.state.provisioner == NAMESPACES:
            artifacts.ArtifactSet.load(Path(cluster.state.artifacts)).check()
        await plan.do(provider.host_steps(cluster.state.provisioner, cluster.request), cluster, progress)
        cluster.update(phase=Phase.READY)
    if wait_timeout_s is not None:
        nodes = cluster.request.nodes
        deadline = ready.Deadline(wait_timeout_s * provider.time_scale(cluster))
        steps: list[plan.Step] = [ready.Answers(one, deadline) for one in nodes]
        await plan.do([*steps, ready.Healthy(cluster.request.control_planes[0], deadline, nodes)], cluster, progress)
    return cluster


async def reset_nodes(store: Store, name: str, nodes: Sequence[str], progress: plan.Progress) -> None:
    """Press the reset button of nodes (names or addresses; none means all)."""
    require_root()
    async with store.lock(name):
        cluster = store.load(name)
        require_complete(cluster)
        chosen = [cluster.request.node(one) for one in nodes] or list(cluster.request.nodes)
        for one in chosen:
            record = launch.Record.load(cluster.node_folder(one.name))
            handle = resident.handle(record)
            if handle is None:
                await plan.do([provider.run(cluster.state.provisioner, one)], cluster, progress)
                continue
            progress.begin(f"reset/{one.name}", f"{one.name}: reset")
            handle.signal(signal.SIGHUP)
            handle.close()
            progress.done(f"reset/{one.name}", 0.0)


def require_complete(cluster: Cluster) -> None:
    """Raise Conflict for a cluster that a command left half created or half destroyed."""
    name = cluster.name
    if cluster.state.phase is Phase.CREATING:
        raise errors.Conflict(
            f"cluster {name} is half created; repeat its create to go on, or: talosctl cluster destroy --name {name}"
        )
    if cluster.state.phase is Phase.DESTROYING:
        raise errors.Conflict(f"cluster {name} is half destroyed: talosctl cluster destroy --name {name}")


def describe(shown: View) -> dict[str, Any]:
    """For `--output json`."""
    cluster, request = shown.cluster, shown.cluster.request
    return {
        "name": cluster.name,
        "provisioner": cluster.state.provisioner,
        "phase": cluster.state.phase.value,
        "state_folder": str(cluster.folder),
        "network": {
            "cidr": request.cidr,
            "gateway": request.gateway,
            "mtu": request.mtu,
            "bridge": cluster.names.bridge,
        },
        "kubernetes_endpoint": configs.endpoint(request, balanced=bool(cluster.state.options.get("balanced"))),
        "exposed_ports": [str(port) for port in request.ports],
        "services_running": shown.services_running,
        "nodes": [
            {
                "name": one.node.name,
                "type": one.node.role.value,
                "ip": one.node.ip,
                "cpus": one.node.resources.cpu_millicores / 1000,
                "memory_bytes": one.node.resources.memory_bytes,
                "disk_bytes": one.node.resources.disk_bytes,
                "state": one.state,
                "boots": one.boots,
                "pid": one.pid,
                "message": one.message,
            }
            for one in shown.nodes
        ],
        "artifacts": dataclasses.asdict(cluster.state)["artifacts"],
    }
