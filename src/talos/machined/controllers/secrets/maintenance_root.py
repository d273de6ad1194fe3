"""The authority of the API in maintenance mode: made by the node itself, in memory, gone with the boot."""

from __future__ import annotations

from talos.cosi import controller
from talos.machinery.resources.runtime import maintenance_service_request
from talos.machinery.resources.secrets import maintenance_root_secret
from talos.machinery.types import pem
from talos.pki import x509

_REQUEST = maintenance_service_request


class MaintenanceRootController(controller.Controller):
    """Makes the authority when maintenance mode begins; a node that finds its configuration never pays for it."""

    inputs = (controller.weak(_REQUEST.MaintenanceServiceRequest, id=_REQUEST.MAINTENANCE_SERVICE_REQUEST_ID),)
    outputs = (controller.exclusive(maintenance_root_secret.MaintenanceRootSecret),)

    def __init__(self) -> None:
        self._made: pem.CertificateAndKey | None = None

    async def reconcile(self, r: controller.Handle) -> None:
        """One authority per run, there as long as maintenance mode is asked for."""
        wanted = await r.find(_REQUEST.MaintenanceServiceRequest, _REQUEST.MAINTENANCE_SERVICE_REQUEST_ID)
        if wanted is None:
            return
        if self._made is None:
            made = x509.Authority.new(x509.new_ed25519_key(), organizations=("talos",))
            self._made = pem.CertificateAndKey(crt=made.crt_pem, key=made.key_pem)
        spec = maintenance_root_secret.MaintenanceRootSecret.Spec(ca=self._made)
        await r.put(maintenance_root_secret.MaintenanceRootSecret(maintenance_root_secret.MAINTENANCE_ROOT_ID, spec))
