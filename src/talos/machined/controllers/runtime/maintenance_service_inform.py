"""Tells the person at the console that the machine waits for a configuration, where, and how to know it is this one."""

from __future__ import annotations

import logging

from talos.cosi import controller
from talos.machinery.resources.runtime import maintenance_service_config, maintenance_service_request
from talos.machinery.resources.secrets import api_certificate
from talos.pki import x509

_log = logging.getLogger("maintenance")
_REQUEST, _CONFIG = maintenance_service_request, maintenance_service_config


class MaintenanceServiceInformController(controller.Controller):
    """Writes to the log when the API of maintenance mode can be reached, and again when that changes."""

    inputs = (
        controller.weak(_REQUEST.MaintenanceServiceRequest, id=_REQUEST.MAINTENANCE_SERVICE_REQUEST_ID),
        controller.weak(_CONFIG.MaintenanceServiceConfig, id=_CONFIG.MAINTENANCE_SERVICE_CONFIG_ID),
        controller.weak(api_certificate.ApiCertificate, id=api_certificate.API_ID),
    )

    def __init__(self) -> None:
        self._told: tuple[object, ...] = ()

    async def reconcile(self, r: controller.Handle) -> None:
        """Say it once for the same addresses and key."""
        wanted = await r.find(_REQUEST.MaintenanceServiceRequest, _REQUEST.MAINTENANCE_SERVICE_REQUEST_ID)
        config = await r.find(_CONFIG.MaintenanceServiceConfig, _CONFIG.MAINTENANCE_SERVICE_CONFIG_ID)
        found = await r.find(api_certificate.ApiCertificate, api_certificate.API_ID)
        if wanted is None or config is None or found is None or found.spec.server is None:
            return
        if not found.spec.skip_verifying_client_cert:
            return
        pin = fingerprint(found.spec.server.crt)
        addresses = config.spec.reachable_addresses
        if self._told == (addresses, pin):
            return
        self._told = (addresses, pin)
        _log.info("this machine has no configuration and waits for one at %s", ", ".join(addresses) or "no address yet")
        for address in addresses[:1]:
            _log.info(
                "send one with: talosctl apply-config --insecure --nodes %s --cert-fingerprint '%s' --file <file>",
                address,
                pin,
            )


def fingerprint(crt: bytes) -> str:
    """Return what --cert-fingerprint takes, of a PEM certificate. Raises Invalid."""
    (_, der), *_ = x509.pem_blocks(crt)
    return x509.spki_fingerprint(der)
