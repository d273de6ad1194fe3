"""Tells whoever stands before the machine how it is: stage, addresses, where its API is, what it waits for."""

from __future__ import annotations

import contextlib
import time

from talos.base.constants import versions
from talos.cosi import controller
from talos.linux import console
from talos.machined.modes import Mode
from talos.machinery.resources.network.node_address import NODE_ADDRESS_ROUTED_ID, NodeAddress
from talos.machinery.resources.runtime.machine_status import MACHINE_STATUS_ID, MachineStatus
from talos.machinery.resources.v1alpha1.service import Service
from talos.machinery.types.runtime import MachineStage

_API = "apid"
_API_PORT = 50000
_ADDRESSES, _REASONS = 2, 2
PAUSE_S = 2.0
"""No line follows another sooner than this: what flickers shows its last state."""


def summary(status: MachineStatus.Spec | None, addresses: tuple[str, ...], *, api: bool) -> str:
    """The line; pure."""
    stage = status.stage if status is not None else MachineStage.BOOTING
    shown = addresses[:_ADDRESSES]
    parts = [f"PyTalos {versions.RELEASE}", str(stage.value), " ".join(shown) or "no address yet"]
    if not api:
        parts.append("API not up yet")
    elif shown:
        host = f"[{shown[0]}]" if ":" in shown[0] else shown[0]
        parts.append(f"API {host}:{_API_PORT}")
    if stage is MachineStage.MAINTENANCE:
        parts.append("waits for a configuration")
    elif status is not None and status.status.ready:
        parts.append("ready")
    elif status is not None and status.status.unmet_conditions:
        unmet = status.status.unmet_conditions
        more = f" and {len(unmet) - _REASONS} more" if len(unmet) > _REASONS else ""
        parts.append("waits for " + ", ".join(f"{c.name} ({c.reason})" for c in unmet[:_REASONS]) + more)
    return " | ".join(parts)


class ConsoleStatusController(controller.Controller):
    """Writes the line when it has changed, to the consoles and nowhere else."""

    modes = Mode.MACHINE
    inputs = (
        controller.weak(MachineStatus, id=MACHINE_STATUS_ID),
        controller.weak(NodeAddress, id=NODE_ADDRESS_ROUTED_ID),
        controller.weak(Service, id=_API),
    )

    def __init__(self) -> None:
        self._show = console.show
        self._told = ""
        self._told_at = float("-inf")

    async def reconcile(self, r: controller.Handle) -> None:
        """Show what is true now, unless it is shown already or something was a moment ago."""
        status = await r.find(MachineStatus, MACHINE_STATUS_ID)
        routed = await r.find(NodeAddress, NODE_ADDRESS_ROUTED_ID)
        api = await r.find(Service, _API)
        addresses = tuple(a.partition("/")[0] for a in routed.spec.addresses) if routed is not None else ()
        text = summary(status.spec if status is not None else None, addresses, api=api is not None and api.spec.healthy)
        if text == self._told:
            return
        waited_s = time.monotonic() - self._told_at
        if waited_s < PAUSE_S:
            r.wake_after(PAUSE_S - waited_s)
            return
        self._told, self._told_at = text, time.monotonic()
        # A machine without a console is a machine still.
        with contextlib.suppress(OSError):
            self._show(text)
