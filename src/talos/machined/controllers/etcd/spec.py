"""The effective etcd spec: name and addresses of this node filled into the configuration."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from talos.cosi import controller
from talos.k8s import network
from talos.machinery.resources.etcd import etcd_config, etcd_spec
from talos.machinery.resources.network import hostname_status, node_address

_ADDRESSES = "routed-no-k8s"


def plan(
    config: etcd_config.EtcdConfig.Spec, hostname: str, addresses: Sequence[str]
) -> etcd_spec.EtcdSpec.Spec | None:
    """Return the spec, or None as long as no address fits.

    Without advertised subnets the first address is advertised; without listen subnets etcd listens everywhere.
    """
    known = [ipaddress.ip_interface(a).ip for a in addresses]

    def fitting(valid: Sequence[str], excluded: Sequence[str]) -> tuple[str, ...]:
        subnets = [*valid, *(f"!{subnet}" for subnet in excluded)]
        return tuple(str(a) for a in known if network.within(a, subnets))

    advertised = fitting(config.advertise_valid_subnets, config.advertise_exclude_subnets)
    if not config.advertise_valid_subnets:
        advertised = advertised[:1]
    any_ipv6 = any(a.version == 6 for a in known)
    everywhere, loopback = ("::", "::1") if any_ipv6 else ("0.0.0.0", "127.0.0.1")
    listen_peer: tuple[str, ...] = (everywhere,)
    listen_client: tuple[str, ...] = (everywhere,)
    if config.listen_valid_subnets or config.listen_exclude_subnets:
        listen_peer = fitting(config.listen_valid_subnets, config.listen_exclude_subnets)
        listen_client = (loopback, *listen_peer)
    if not advertised or not listen_peer:
        return None
    return etcd_spec.EtcdSpec.Spec(
        name=hostname,
        advertised_addresses=advertised,
        listen_peer_addresses=listen_peer,
        listen_client_addresses=listen_client,
        image=config.image,
        extra_args=config.extra_args,
    )


class SpecController(controller.Controller):
    """Fill hostname and addresses into the etcd configuration."""

    inputs = (
        controller.weak(etcd_config.EtcdConfig, id=etcd_config.CONFIG_ID),
        controller.weak(hostname_status.HostnameStatus, id="hostname"),
        controller.weak(node_address.NodeAddress),
    )
    outputs = (controller.exclusive(etcd_spec.EtcdSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the spec once hostname and addresses are known."""
        config = await r.find(etcd_config.EtcdConfig, etcd_config.CONFIG_ID)
        hostname = await r.find(hostname_status.HostnameStatus, "hostname")
        addresses = await r.find(node_address.NodeAddress, _ADDRESSES)
        if config is None or hostname is None or addresses is None:
            return
        spec = plan(config.spec, hostname.spec.hostname, addresses.spec.addresses)
        if spec is not None:
            await r.put(etcd_spec.EtcdSpec(etcd_spec.SPEC_ID, spec))
