"""Approval of kubelets' serving certificates."""

from __future__ import annotations

import datetime

from talos.base import errors, tasks
from talos.cosi import controller
from talos.k8s import client as kubernetes
from talos.machined.controllers.k8s import _following, _serving
from talos.machinery.resources.secrets import kubernetes_secret


class KubeletServingCSRController(controller.Controller):
    """Approve requests for serving certificates whose names all belong to the requesting node.

    The original leaves this to an add-on. Every control plane node does it; the one that comes second finds the
    request approved.
    """

    inputs = (controller.weak(kubernetes_secret.KubernetesSecret, id=kubernetes_secret.KUBERNETES_ID),)

    def __init__(self) -> None:
        self._follower = _following.Follower(
            kubernetes.CERTIFICATE_REQUESTS, fields=f"spec.signerName={_serving.SIGNER}"
        )
        self._owner: tasks.Owner | None = None
        self._refused: set[str] = set()

    async def run(self, r: controller.Handle) -> None:
        """Own the watch beside the usual loop."""
        async with tasks.Owner("kubelet-serving", r.log) as self._owner:
            async for _ in r.changes():
                await r.reconcile()

    async def reconcile(self, r: controller.Handle) -> None:
        """Decide on what is pending."""
        admin = await r.find(kubernetes_secret.KubernetesSecret, kubernetes_secret.KUBERNETES_ID)
        if admin is None:
            await self._follower.stop()
            return
        assert self._owner is not None
        text = admin.spec.localhost_admin_kubeconfig
        await self._follower.follow(self._owner, r, text, lambda: kubernetes.Client.from_kubeconfig(text))
        waiting = [csr for csr in self._follower.objects.values() if _serving.pending(csr)]
        self._refused &= {csr["metadata"]["uid"] for csr in waiting}
        waiting = [csr for csr in waiting if csr["metadata"]["uid"] not in self._refused]
        if not waiting:
            return
        try:
            async with kubernetes.Client.from_kubeconfig(text) as api:
                for csr in waiting:
                    await self._decide(r, api, csr)
        except (OSError, TimeoutError) as error:
            raise errors.Temporary(str(error) or type(error).__name__, 1.0) from error

    async def _decide(self, r: controller.Handle, api: kubernetes.Client, csr: dict[str, object]) -> None:
        metadata = csr["metadata"]
        assert isinstance(metadata, dict)
        try:
            node = await api.get(kubernetes.NODES, _serving.node_name(csr) or "-")
            reason = _serving.refusal(csr, node)
        except errors.NotFound:
            reason = "its node does not exist"
        if reason:
            # Left pending: an operator or another approver may know better.
            self._refused.add(metadata["uid"])
            r.log.warning("certificate request %s is not approved: %s", metadata["name"], reason)
            return
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            await api.replace(kubernetes.CERTIFICATE_REQUESTS, _serving.approval(csr, now), subresource="approval")
        except (errors.Conflict, errors.NotFound):
            return
        r.log.info("approved certificate request %s of %s", metadata["name"], _serving.node_name(csr))
