"""How discovery works for this cluster, from the configuration."""

from __future__ import annotations

import base64
import binascii

from talos.base import errors
from talos.cosi import controller
from talos.machinery.config import container, views
from talos.machinery.resources.cluster.discovery_config import CONFIG_ID, DiscoveryConfig, ServiceEndpoint
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig


def _secret(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as err:
        raise errors.Invalid(f"the cluster secret is not base64: {err}") from err


def spec(config: container.Container) -> DiscoveryConfig.Spec:
    """The discovery configuration. Raises Invalid for a secret that is no base64."""
    found, cluster = views.discovery(config), views.cluster(config)
    services = tuple(
        ServiceEndpoint(name=name, endpoint=endpoint, insecure=endpoint.startswith("http://"))
        for name, endpoint in found.services
    )
    first = services[0] if services else ServiceEndpoint()
    return DiscoveryConfig.Spec(
        discovery_enabled=found.enabled,
        registry_kubernetes_enabled=found.kubernetes_registry,
        registry_service_enabled=bool(services),
        service_endpoint=first.endpoint,
        service_endpoint_insecure=first.insecure,
        service_encryption_key=_secret(cluster.secret),
        service_cluster_id=cluster.id,
        service_endpoints=services,
    )


class ConfigController(controller.Controller):
    """Publishes DiscoveryConfig once there is a configuration of a cluster."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.exclusive(DiscoveryConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Follow the configuration."""
        machine = await r.find(MachineConfig, ACTIVE_ID)
        if machine is not None:
            await r.put(DiscoveryConfig(CONFIG_ID, spec(machine.documents)))
