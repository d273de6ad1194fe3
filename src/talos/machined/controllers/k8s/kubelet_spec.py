"""The kubelet's final spec: image, command line, KubeletConfiguration."""

from __future__ import annotations

from collections.abc import Callable

from talos.base import errors
from talos.cosi import controller
from talos.k8s import kubelet
from talos.linux import cgroup
from talos.machined.controllers.k8s import _config
from talos.machined.modes import Mode
from talos.machinery.config import views
from talos.machinery.resources.k8s import kubelet_config, kubelet_spec, node_ip, nodename


class KubeletSpecController(controller.Controller):
    """Fill node name and addresses into the kubelet's settings."""

    inputs = (
        _config.INPUT,
        controller.weak(kubelet_config.KubeletConfig, id=kubelet_config.KUBELET_ID),
        controller.weak(nodename.Nodename, id=nodename.NODENAME_ID),
        controller.weak(node_ip.NodeIP, id=kubelet_config.KUBELET_ID),
    )
    outputs = (controller.exclusive(kubelet_spec.KubeletSpec),)

    def __init__(self, mode: Mode, tree: Callable[[], cgroup.Tree] = cgroup.tree) -> None:
        self._mode, self._tree = mode, tree

    async def reconcile(self, r: controller.Handle) -> None:
        """Put the spec. Raises Invalid for arguments and fields that may not be overridden."""
        machine = await _config.node(r)
        config = await r.find(kubelet_config.KubeletConfig, kubelet_config.KUBELET_ID)
        name = await r.find(nodename.Nodename, nodename.NODENAME_ID)
        if machine is None or config is None:
            return
        if name is None:
            raise errors.NotReady("the node has no name yet")
        addresses: tuple[str, ...] = ()
        if "node-ip" not in config.spec.extra_args:
            found = await r.find(node_ip.NodeIP, kubelet_config.KUBELET_ID)
            if found is None:
                raise errors.NotReady("the node has no address yet")
            addresses = found.spec.addresses
        host = kubelet.Host(
            control_plane=views.machine(machine).is_control_plane,
            container=Mode.CONTAINER in self._mode,
            cgroup_v1=self._tree().version is cgroup.Version.V1,
        )
        spec = kubelet_spec.KubeletSpec.Spec(
            image=config.spec.image,
            args=tuple(kubelet.command_line(config.spec, name.spec.nodename, addresses)),
            extra_mounts=config.spec.extra_mounts,
            expected_nodename=kubelet.expected_nodename(config.spec, name.spec.nodename),
            config=kubelet.configuration(config.spec, host),
            credential_provider_config=config.spec.credential_provider_config,
        )
        await r.put(kubelet_spec.KubeletSpec(kubelet_config.KUBELET_ID, spec))
