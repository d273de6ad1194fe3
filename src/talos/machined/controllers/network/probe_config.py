"""Probes of connectivity the configuration asks for."""

from __future__ import annotations

import datetime

from talos.cosi import controller
from talos.machined.controllers.network import _config, _merging, _texts
from talos.machinery.config import container
from talos.machinery.config.documents.network.http_probe import HTTPProbeConfig
from talos.machinery.config.documents.network.tcp_probe import TCPProbeConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.probe_spec import HTTPProbeSpec, ProbeSpec, TCPProbeSpec
from talos.machinery.types import network

DEFAULT_INTERVAL = datetime.timedelta(seconds=1)
DEFAULT_TIMEOUT = datetime.timedelta(seconds=10)
_LAYER = network.ConfigLayer.MACHINE_CONFIGURATION


def plan(config: container.Container) -> dict[str, ProbeSpec.Spec]:
    """Id -> probe, for every document; pure."""
    found = {}
    for tcp in config.all(TCPProbeConfig):
        found[f"tcp:{tcp.endpoint}"] = ProbeSpec.Spec(
            interval=tcp.interval or DEFAULT_INTERVAL,
            failure_threshold=tcp.failure_threshold,
            tcp=TCPProbeSpec(endpoint=tcp.endpoint, timeout=tcp.timeout or DEFAULT_TIMEOUT),
            config_layer=_LAYER,
        )
    for http in config.all(HTTPProbeConfig):
        found[f"http:{http.url}"] = ProbeSpec.Spec(
            interval=http.interval or DEFAULT_INTERVAL,
            failure_threshold=http.failure_threshold,
            http=HTTPProbeSpec(url=http.url, timeout=http.timeout or DEFAULT_TIMEOUT),
            config_layer=_LAYER,
        )
    return found


class ProbeConfigController(controller.Controller):
    """Writes the layer `configuration` of ProbeSpec."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.shared(ProbeSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """One spec for each document."""
        for id, spec in plan(await _config.active(r)).items():
            await r.put(ProbeSpec(_texts.layered(_LAYER, id), spec, namespace=_merging.CONFIG_NAMESPACE))
