"""The kubelet's files and life: written, then started; restarted when what it reads changed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from talos.cosi import controller
from talos.machined.controllers.k8s import _kubelet_files
from talos.machinery.resources.k8s import kubelet_config, kubelet_spec
from talos.machinery.resources.secrets import kubelet_secret, kubernetes_root_secret
from talos.supervisor import supervisor

_SERVICE: Final = "kubelet"
_SETTLE_S: Final = 30.0
_NOT_MOUNTED_S: Final = 0.05


class KubeletServiceController(controller.Controller):
    """Write the kubelet's files and keep the service running with them."""

    inputs = (
        controller.weak(kubelet_spec.KubeletSpec, id=kubelet_config.KUBELET_ID),
        controller.weak(kubelet_secret.KubeletSecret, id=kubelet_secret.KUBELET_ID),
        controller.weak(kubernetes_root_secret.KubernetesRootSecret, id=kubernetes_root_secret.KUBERNETES_ROOT_ID),
    )

    def __init__(
        self,
        services: supervisor.Supervisor,
        places: _kubelet_files.Places = _kubelet_files.Places(),  # noqa: B008  (frozen)
        record: Path = Path("/run/machined/kubelet.launch"),
    ) -> None:
        self._services, self._places, self._record = services, places, record

    async def reconcile(self, r: controller.Handle) -> None:
        """Write the files; start the service, or restart it if they differ from those it started with."""
        spec = await r.find(kubelet_spec.KubeletSpec, kubelet_config.KUBELET_ID)
        secret = await r.find(kubelet_secret.KubeletSecret, kubelet_secret.KUBELET_ID)
        root = await r.find(kubernetes_root_secret.KubernetesRootSecret, kubernetes_root_secret.KUBERNETES_ROOT_ID)
        if spec is None or secret is None:
            return
        if not _kubelet_files.writable(self._places):
            # Early in the boot; nothing tells when that changes.
            r.wake_after(_NOT_MOUNTED_S)
            return
        first = not self._record.exists()
        changed = _kubelet_files.write(self._places, spec.spec, secret.spec, self._record)
        loaded = self._services.loaded(_SERVICE)
        running = loaded and not self._services.status(_SERVICE).state.resting
        if running and not changed:
            return
        if not loaded and changed and not first:
            # An earlier machined left a kubelet with other files: take it over, to end it properly.
            await self._services.start(_SERVICE)
            await self._services.wait_up(_SERVICE, _SETTLE_S)
        if self._services.loaded(_SERVICE) and changed:
            await self._services.stop(_SERVICE)
        if changed or first:
            self._refresh(r, spec.spec, secret.spec, root)
        await self._services.start(_SERVICE)

    def _refresh(
        self,
        r: controller.Handle,
        spec: kubelet_spec.KubeletSpec.Spec,
        secret: kubelet_secret.KubeletSecret.Spec,
        root: kubernetes_root_secret.KubernetesRootSecret | None,
    ) -> None:
        nodename = spec.expected_nodename
        _kubelet_files.drop_foreign_certificates(self._places, nodename, secret, r.log)
        _kubelet_files.drop_self_signed(self._places)
        _kubelet_files.drop_manager_state(self._places, spec.config)
        if any(arg.startswith("--kubeconfig=") for arg in spec.args):
            _kubelet_files.issue(self._places, nodename, root.spec.issuing_ca if root is not None else None)
            _kubelet_files.follow_endpoint(self._places, secret)
