"""Swap in use, looked at when a volume is mounted, and every now and then."""

from __future__ import annotations

from talos.cosi import controller
from talos.linux import swap_area
from talos.machined.controllers.block import _sizes
from talos.machined.modes import Mode
from talos.machinery.resources.block.mount_status import MountStatus
from talos.machinery.resources.block.swap_status import SwapStatus

INTERVAL_S = 30.0


class SwapStatusController(controller.Controller):
    """One SwapStatus per area; without swap there is nothing to look at again."""

    inputs = (controller.weak(MountStatus),)
    outputs = (controller.exclusive(SwapStatus),)
    modes = Mode.MACHINE

    async def reconcile(self, r: controller.Handle) -> None:
        """Read /proc/swaps."""
        areas = swap_area.active()
        for area in areas:
            spec = SwapStatus.Spec(
                device=area.device,
                type=area.type,
                size_bytes=area.size_bytes,
                size_human=_sizes.pretty(area.size_bytes),
                used_bytes=area.used_bytes,
                used_human=_sizes.pretty(area.used_bytes),
                priority=area.priority,
            )
            await r.put(SwapStatus(area.device, spec))
        if areas:
            r.wake_after(INTERVAL_S)
