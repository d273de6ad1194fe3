"""The node's name in Kubernetes."""

from __future__ import annotations

import re

from talos.base import errors
from talos.cosi import controller
from talos.machined.controllers.k8s import _config
from talos.machinery.config import views
from talos.machinery.resources.k8s import nodename
from talos.machinery.resources.network import hostname_status

_FORBIDDEN = re.compile(r"[^-.a-z0-9]")


def from_hostname(name: str) -> str:
    """Return a hostname as a valid node name. Raises Invalid if nothing is left of it."""
    found = _FORBIDDEN.sub("", name.lower().replace("_", "-")).strip("-.")
    if not found:
        raise errors.Invalid(f"hostname {name!r} does not make a node name")
    return found


class NodenameController(controller.Controller):
    """Derive the node name from the hostname."""

    inputs = (_config.INPUT, controller.weak(hostname_status.HostnameStatus, id="hostname"))
    outputs = (controller.exclusive(nodename.Nodename),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the name once there is a hostname."""
        config = await _config.node(r)
        hostname = await r.find(hostname_status.HostnameStatus, "hostname")
        if config is None or hostname is None:
            return
        node, found = views.node(config), hostname.spec
        fqdn = f"{found.hostname}.{found.domainname}" if found.domainname else found.hostname
        spec = nodename.Nodename.Spec(
            nodename=from_hostname(fqdn if node.register_with_fqdn else found.hostname),
            hostname_version=hostname.metadata.version_text,
            skip_node_registration=node.skip_registration,
        )
        await r.put(nodename.Nodename(nodename.NODENAME_ID, spec))
