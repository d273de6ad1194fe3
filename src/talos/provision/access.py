"""Steps that give the person access: a talosconfig context, a kubeconfig context; both are taken back on destroy."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from talos.base import errors
from talos.machinery.rpc import status
from talos.provision import clientfiles, configs, plan
from talos.provision.api import Api
from talos.provision.state import Access, Cluster

TALOSCONFIG, KUBECONFIG = "talosconfig", "kubeconfig"
_POLL_S = 0.5


def talos_context(cluster: Cluster) -> dict[str, Any]:
    """The context: every control plane as endpoint, the first as default node, as most commands want one."""
    made, pair = configs.load_secrets(cluster), configs.admin_pair(cluster)
    if made is None or pair is None:
        raise errors.NotFound(f"cluster {cluster.name} has no secrets yet")
    endpoints = [node.ip for node in cluster.request.control_planes]
    return {
        "endpoints": endpoints,
        "nodes": endpoints[:1],
        "ca": base64.b64encode(made.os.crt).decode(),
        "crt": base64.b64encode(pair.crt).decode(),
        "key": base64.b64encode(pair.key).decode(),
    }


def _record(cluster: Cluster, kind: str, access: Access) -> None:
    with cluster.changing:
        cluster.update(access={**cluster.state.access, kind: access})


def _forget(cluster: Cluster, kind: str) -> None:
    with cluster.changing:
        cluster.update(access={key: value for key, value in cluster.state.access.items() if key != kind})


class _Entry(plan.Step):
    """What both files have in common: recorded with digest before it is written."""

    kind: str

    def _add(
        self,
        cluster: Cluster,
        path: Path,
        merge: Callable[[clientfiles.Content], str],
        digest_of: Callable[[clientfiles.Content, str], str],
        current_key: str,
    ) -> str:
        with clientfiles.locked(path):
            content = clientfiles.read(path)
            previous = str(content.get(current_key) or "")
            known = cluster.state.access.get(self.kind)
            if known is not None and known.path == str(path) and digest_of(content, known.context) == known.digest:
                return known.context
            name = merge(content)
            _record(cluster, self.kind, Access(str(path), name, digest_of(content, name), previous))
            clientfiles.write(path, content)
        return name

    def _remove(self, cluster: Cluster, remove: Callable[[clientfiles.Content, str, str, str], bool]) -> None:
        access = cluster.state.access.get(self.kind)
        if access is None:
            return
        path = Path(access.path)
        if path.exists():
            with clientfiles.locked(path):
                content = clientfiles.read(path)
                if remove(content, access.context, access.digest, access.previous):
                    if clientfiles.is_empty(content):
                        path.unlink()
                    else:
                        clientfiles.write(path, content)
        _forget(cluster, self.kind)


class Talosconfig(_Entry):
    """The context for talosctl."""

    kind = TALOSCONFIG
    key = "access/talosconfig"
    title = "talosconfig"
    after = ("configs",)

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Merge it into the file chosen at the start."""
        path = Path(cluster.state.options["talosconfig"])
        context = talos_context(cluster)
        name = await asyncio.to_thread(
            self._add,
            cluster,
            path,
            lambda content: clientfiles.merge_talosconfig(content, cluster.name, context),
            _talos_digest,
            "context",
        )
        if name != cluster.name:
            progress.note(f"talosconfig context {cluster.name} exists already, the new one is {name}")

    async def undo(self, cluster: Cluster) -> None:
        """Take it out."""
        await asyncio.to_thread(self._remove, cluster, clientfiles.remove_talosconfig)


def _talos_digest(content: clientfiles.Content, name: str) -> str:
    context = (content.get("contexts") or {}).get(name)
    return clientfiles.digest(context) if context else ""


class Kubeconfig(_Entry):
    """The context for kubectl, fetched from the first control plane."""

    kind = KUBECONFIG
    key = "access/kubeconfig"
    title = "kubeconfig"
    after = ("bootstrap",)
    essential = False

    def __init__(self, timeout_s: float = 60.0) -> None:
        self.timeout_s = timeout_s

    async def do(self, cluster: Cluster, progress: plan.Progress) -> None:
        """Fetch and merge."""
        text = await fetch_kubeconfig(cluster, self.timeout_s)
        added = clientfiles.parse(text)
        (context,) = added["contexts"]
        name = await asyncio.to_thread(
            self._add,
            cluster,
            Path(cluster.state.options["kubeconfig"]),
            lambda content: clientfiles.merge_kubeconfig(content, added),
            clientfiles.kubeconfig_digest,
            "current-context",
        )
        if name != context["name"]:
            progress.note(f"kubeconfig context {context['name']} exists already, the new one is {name}")

    async def undo(self, cluster: Cluster) -> None:
        """Take it out."""
        await asyncio.to_thread(self._remove, cluster, clientfiles.remove_kubeconfig)


async def fetch_kubeconfig(cluster: Cluster, timeout_s: float) -> str:
    """The administrator's kubeconfig as a control plane gives it. Raises TimedOut."""
    loop = asyncio.get_running_loop()
    deadline, reason = loop.time() + timeout_s, ""
    async with Api.of(cluster) as api:
        while True:
            for node in cluster.request.control_planes:
                try:
                    return await api.kubeconfig(node.ip)
                except (status.RpcError, errors.NotReady) as error:
                    reason = f"{node.name}: {error}"
                    api.forget(node.ip)
            if loop.time() > deadline:
                raise errors.TimedOut(f"no control plane gives a kubeconfig: {reason}")
            await asyncio.sleep(_POLL_S)
