"""Steps that give the person access: a talosconfig context, a kubeconfig context; both are taken back on destroy."""

from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
from pathlib import Path

from talos.base import errors
from talos.machinery.client import talosconfig
from talos.machinery.rpc import status
from talos.provision import configs, kubeconfig, plan
from talos.provision.api import Api
from talos.provision.request import Node
from talos.provision.state import Access, Cluster

TALOSCONFIG, KUBECONFIG = "talosconfig", "kubeconfig"
_POLL_S = 0.5


def talos_context(cluster: Cluster) -> talosconfig.Context:
    """The context: every control plane as endpoint, the first as default node, as most commands want one."""
    made, pair = configs.load_secrets(cluster), configs.admin_pair(cluster)
    if made is None or pair is None:
        raise errors.NotFound(f"cluster {cluster.name} has no secrets yet")
    endpoints = tuple(node.ip for node in cluster.request.control_planes)
    return talosconfig.Context(endpoints, endpoints[:1], made.os.crt, pair.crt, pair.key)


def _talos_digest(context: talosconfig.Context | None) -> str:
    """Of the credentials: a person may change endpoints and nodes of a context, and it still is ours."""
    return kubeconfig.digest([part.decode() for part in (context.ca, context.crt, context.key)]) if context else ""


def _record(cluster: Cluster, kind: str, access: Access) -> None:
    """Write-ahead: before the file is changed."""
    cluster.update(access={**cluster.state.access, kind: access})


def _forget(cluster: Cluster, kind: str) -> None:
    cluster.update_if_possible(access={key: value for key, value in cluster.state.access.items() if key != kind})


def _tidy(cluster: Cluster, option: str) -> None:
    """Before anything was merged, a killed command may have held the lock."""
    if path := cluster.state.options.get(option):
        kubeconfig.tidy(Path(path))


class Talosconfig(plan.Step):
    """The context for talosctl."""

    key = "access/talosconfig"
    title = "talosconfig"
    after = ("configs",)

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Merge it into the file chosen at the start."""
        name = await asyncio.to_thread(self._add, cluster, Path(cluster.state.options["talosconfig"]))
        if name != cluster.name:
            progress.note(f"talosconfig context {cluster.name} exists already, the new one is {name}")

    def _add(self, cluster: Cluster, path: Path) -> str:
        with kubeconfig.locked(path):
            config, context = talosconfig.load(path), talos_context(cluster)
            known = cluster.state.access.get(TALOSCONFIG)
            if known is not None and _talos_digest(config.contexts.get(known.context)) == known.digest:
                return known.context
            merged, renamed = config.merged(talosconfig.Talosconfig(cluster.name, {cluster.name: context}))
            name = renamed.get(cluster.name, cluster.name)
            _record(cluster, TALOSCONFIG, Access(str(path), name, _talos_digest(context), config.context))
            talosconfig.save(merged, path)
        return name

    async def undo(self, cluster: Cluster) -> None:
        """Take it out."""
        await asyncio.to_thread(self._remove, cluster)

    def _remove(self, cluster: Cluster) -> None:
        access = cluster.state.access.get(TALOSCONFIG)
        if access is None:
            _tidy(cluster, "talosconfig")
            return
        path = Path(access.path)
        if path.exists():
            with kubeconfig.locked(path):
                config = talosconfig.load(path)
                if _talos_digest(config.contexts.get(access.context)) == access.digest:
                    left = config.without({access.context})
                    if not left.context and access.previous in left.contexts:
                        left = dataclasses.replace(left, context=access.previous)
                    if left.contexts:
                        talosconfig.save(left, path)
                    else:
                        path.unlink()
        kubeconfig.tidy(path)
        _forget(cluster, TALOSCONFIG)


def follow(cluster: Cluster) -> None:
    """Have the context name the control planes of now, unless a person has changed what it names."""
    access = cluster.state.access.get(TALOSCONFIG)
    if access is None or not Path(access.path).exists():
        return
    with kubeconfig.locked(Path(access.path)):
        config = talosconfig.load(Path(access.path))
        found, wanted = config.contexts.get(access.context), talos_context(cluster)
        if found is None or _talos_digest(found) != access.digest or found.endpoints == wanted.endpoints:
            return
        network = cluster.request.network
        if all(_is_in(network, endpoint) for endpoint in found.endpoints):
            talosconfig.save(config.with_context(access.context, wanted), Path(access.path))


def _is_in(network: ipaddress.IPv4Network, endpoint: str) -> bool:
    try:
        return ipaddress.IPv4Address(endpoint) in network
    except ValueError:
        return False


class Kubeconfig(plan.Step):
    """The context for kubectl, fetched from the first control plane."""

    key = "access/kubeconfig"
    title = "kubeconfig"
    after = ("bootstrap",)
    essential = False

    def __init__(self, timeout_s: float = 60.0) -> None:
        self.timeout_s = timeout_s

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Fetch and merge."""
        added = kubeconfig.parse(await fetch_kubeconfig(cluster, self.timeout_s))
        (context,) = added["contexts"]
        name = await asyncio.to_thread(self._add, cluster, Path(cluster.state.options["kubeconfig"]), added)
        if name != context["name"]:
            progress.note(f"kubeconfig context {context['name']} exists already, the new one is {name}")

    def _add(self, cluster: Cluster, path: Path, added: kubeconfig.Content) -> str:
        with kubeconfig.locked(path):
            content = kubeconfig.read(path)
            known = cluster.state.access.get(KUBECONFIG)
            if known is not None and kubeconfig.digest_of(content, known.context) == known.digest:
                return known.context
            previous = str(content.get("current-context") or "")
            name = kubeconfig.merge(content, added)
            _record(cluster, KUBECONFIG, Access(str(path), name, kubeconfig.digest_of(content, name), previous))
            kubeconfig.write(path, content)
        return name

    async def undo(self, cluster: Cluster) -> None:
        """Take it out."""
        await asyncio.to_thread(self._remove, cluster)

    def _remove(self, cluster: Cluster) -> None:
        access = cluster.state.access.get(KUBECONFIG)
        if access is None:
            _tidy(cluster, "kubeconfig")
            return
        path = Path(access.path)
        if path.exists():
            with kubeconfig.locked(path):
                content = kubeconfig.read(path)
                if kubeconfig.remove(content, access.context, access.digest, access.previous):
                    if kubeconfig.is_empty(content):
                        path.unlink()
                    else:
                        kubeconfig.write(path, content)
        kubeconfig.tidy(path)
        _forget(cluster, KUBECONFIG)


async def fetch_kubeconfig(cluster: Cluster, timeout_s: float, *, without: Node | None = None) -> str:
    """The administrator's kubeconfig as a control plane (not `without`) gives it. Raises TimedOut."""
    asked = [node for node in cluster.request.control_planes if node != without]
    loop = asyncio.get_running_loop()
    deadline, reason = loop.time() + timeout_s, ""
    async with Api.of(cluster) as api:
        while True:
            for node in asked:
                try:
                    return await api.kubeconfig(node.ip)
                except (status.RpcError, errors.NotReady) as error:
                    reason = f"{node.name}: {error}"
                    api.forget(node.ip)
            if loop.time() > deadline:
                raise errors.TimedOut(f"no control plane gives a kubeconfig: {reason}")
            await asyncio.sleep(_POLL_S)
