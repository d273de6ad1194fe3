"""Manifests into the cluster, once, by one control plane node at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from talos.base import errors
from talos.cosi import controller
from talos.k8s import client as kubernetes
from talos.k8s import inventory
from talos.k8s.encode import Object
from talos.k8s.etcd import client as etcd
from talos.machinery.resources.k8s import manifest, manifest_status
from talos.machinery.resources.secrets import kubernetes_secret
from talos.machinery.resources.v1alpha1 import service
from talos.machinery.rpc import status

_LOCK_S: Final = 60.0
# While a cluster starts every part of it waits for these manifests.
_RETRY_S: Final = 0.3


class ManifestApplyController(controller.Controller):
    """Apply manifests on the server's side, under a lock in etcd; what the inventory knows already is left alone."""

    inputs = (
        controller.weak(kubernetes_secret.KubernetesSecret, id=kubernetes_secret.KUBERNETES_ID),
        controller.weak(manifest.Manifest),
        controller.weak(service.Service, id="etcd"),
    )
    outputs = (controller.exclusive(manifest_status.ManifestStatus),)

    def __init__(self, connect: Callable[[], etcd.Client] = etcd.Client.local) -> None:
        self._connect = connect

    async def reconcile(self, r: controller.Handle) -> None:
        """Apply all manifests and say which are there."""
        secrets = await r.find(kubernetes_secret.KubernetesSecret, kubernetes_secret.KUBERNETES_ID)
        running = await r.find(service.Service, "etcd")
        manifests = sorted(await r.list(manifest.Manifest), key=lambda m: m.id)
        if secrets is None:
            return
        if running is None or not running.spec.healthy or not manifests:
            raise errors.NotReady("etcd is not healthy, or there are no manifests")
        objects = inventory.order(item.object for m in manifests for item in m.spec.items)
        try:
            async with kubernetes.Client.from_kubeconfig(secrets.spec.localhost_admin_kubeconfig) as api:
                await api.request("GET", "/readyz/etcd")
                known = await _inventory(api)
                if any(inventory.key(obj) not in known for obj in objects):
                    async with self._connect() as locks, locks.lock(etcd.MANIFEST_LOCK, timeout_s=_LOCK_S):
                        await self._apply(r, api, objects)
        except (OSError, TimeoutError, status.RpcError, errors.TalosError) as error:
            raise errors.Temporary(str(error) or type(error).__name__, _RETRY_S) from error
        spec = manifest_status.ManifestStatus.Spec(manifests_applied=tuple(m.id for m in manifests))
        await r.put(manifest_status.ManifestStatus(manifest_status.MANIFEST_STATUS_ID, spec))

    async def _apply(self, r: controller.Handle, api: kubernetes.Client, objects: list[Object]) -> None:
        known = await _inventory(api)
        applied = set(known)
        try:
            for obj in objects:
                key = inventory.key(obj)
                if key in known:
                    continue
                # An object that is there without being in the inventory was made before the inventory was, or by
                # somebody who wants it otherwise: it is noted, not changed.
                if not await _exists(api, obj):
                    await api.apply(inventory.owned(obj), force=False)
                    r.log.info("applied %s %s", obj["kind"], obj["metadata"]["name"])
                applied.add(key)
        finally:
            if applied != known:
                await api.apply(inventory.config_map(applied))


async def _inventory(api: kubernetes.Client) -> set[str]:
    try:
        found = await api.get(kubernetes.CONFIG_MAPS, inventory.NAME, inventory.NAMESPACE)
    except errors.NotFound:
        return set()
    return set(found.get("data") or {})


async def _exists(api: kubernetes.Client, obj: Object) -> bool:
    kind = await api.kind_of(obj)
    metadata = obj["metadata"]
    namespace = metadata.get("namespace") or ("default" if kind.namespaced else "")
    try:
        await api.get(kind, metadata["name"], namespace)
    except errors.NotFound:
        return False
    return True
