"""Where the host DNS listens, from the configuration; its service address is put on the loopback link."""

from __future__ import annotations

from talos.cosi import controller
from talos.machined.controllers.network import _config, _merging, _texts
from talos.machinery.config import views
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.address_spec import AddressSpec
from talos.machinery.resources.network.host_dns_config import HOST_DNS_CONFIG_ID, HostDNSConfig
from talos.machinery.types import network

LISTEN = "127.0.0.53"
SERVICE = "169.254.116.108"
PORT = 53


class HostDNSConfigController(controller.Controller):
    """Publishes HostDNSConfig, and the address pods reach the host DNS at."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.exclusive(HostDNSConfig), controller.shared(AddressSpec))

    async def reconcile(self, r: controller.Handle) -> None:
        """A disabled host DNS is published too: resolv.conf depends on it."""
        wanted = views.host_dns(await _config.active(r))
        listen: tuple[str, ...] = (f"{LISTEN}:{PORT}",)
        service = ""
        if wanted.forward_kube_dns:
            service = SERVICE
            listen = (*listen, f"{SERVICE}:{PORT}")
            await r.put(_service_address())
        spec = HostDNSConfig.Spec(
            enabled=wanted.enabled,
            listen_addresses=listen,
            service_host_dns_address=service,
            resolve_member_names=wanted.resolve_members,
        )
        await r.put(HostDNSConfig(HOST_DNS_CONFIG_ID, spec))


def _service_address() -> AddressSpec:
    spec = AddressSpec.Spec(
        address=f"{SERVICE}/32",
        link_name="lo",
        family=network.Family.INET4,
        scope=network.Scope.HOST,
        flags="permanent",
        config_layer=network.ConfigLayer.MACHINE_CONFIGURATION,
    )
    id = _texts.layered(spec.config_layer, f"lo/{spec.address}")
    return AddressSpec(id, spec, namespace=_merging.CONFIG_NAMESPACE)
