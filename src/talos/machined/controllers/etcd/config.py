"""etcd's configuration, taken from the machine configuration."""

from __future__ import annotations

from collections.abc import Sequence

from talos.cosi import controller
from talos.machinery.config import views
from talos.machinery.resources.config import machine_config
from talos.machinery.resources.etcd import etcd_config


def _split(subnets: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    valid = tuple(s for s in subnets if not s.startswith("!"))
    return valid, tuple(s.removeprefix("!") for s in subnets if s.startswith("!"))


class ConfigController(controller.Controller):
    """Image, subnets and extra arguments of etcd on control plane nodes."""

    inputs = (controller.weak(machine_config.MachineConfig, id=machine_config.ACTIVE_ID),)
    outputs = (controller.exclusive(etcd_config.EtcdConfig),)

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the configuration of a control plane node."""
        found = await r.find(machine_config.MachineConfig, machine_config.ACTIVE_ID)
        if found is None or not views.machine(found.documents).is_control_plane:
            return
        etcd = views.etcd(found.documents)
        if not etcd.ca.key:
            return
        advertise_valid, advertise_excluded = _split(etcd.advertised_subnets)
        listen_valid, listen_excluded = _split(etcd.listen_subnets)
        spec = etcd_config.EtcdConfig.Spec(
            advertise_valid_subnets=advertise_valid,
            advertise_exclude_subnets=advertise_excluded + views.shared_addresses(found.documents),
            listen_valid_subnets=listen_valid,
            listen_exclude_subnets=listen_excluded,
            image=etcd.image,
            extra_args=etcd.extra_args,
        )
        await r.put(etcd_config.EtcdConfig(etcd_config.CONFIG_ID, spec))
