"""Kernel parameters are given to the kernel; the value of before comes back when nobody asks for another any more."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from talos.cosi import controller
from talos.cosi.resource import Phase
from talos.linux import sysctl
from talos.machinery.resources.runtime.kernel_param_default_spec import KernelParamDefaultSpec
from talos.machinery.resources.runtime.kernel_param_spec import KernelParamSpec
from talos.machinery.resources.runtime.kernel_param_status import KernelParamStatus

_TREES = (("proc.sys.", Path("/proc/sys")), ("sys.", Path("/sys")))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A value for a parameter; `ignore_errors` when the machine may do without."""

    value: str
    ignore_errors: bool


def locate(id: str) -> tuple[str, Path] | None:
    """Return name and root of the tree for a resource id, None for an id of no tree."""
    for prefix, root in _TREES:
        if id.startswith(prefix):
            return id.removeprefix(prefix), root
    return None


class KernelParamSpecController(controller.Controller):
    """Specs of the configuration win over defaults."""

    inputs = (controller.weak(KernelParamDefaultSpec), controller.strong(KernelParamSpec))
    outputs = (controller.exclusive(KernelParamStatus),)

    def __init__(self) -> None:
        self._before: dict[str, str] = {}

    async def reconcile(self, r: controller.Handle) -> None:
        """Apply all, report all, restore the rest; the first failure that matters is raised at the end."""
        wanted = {
            one.metadata.id: Wanted(one.spec.value, one.spec.ignore_errors)
            for one in await r.list(KernelParamDefaultSpec)
        }
        gone: list[str] = []
        for one in await r.list(KernelParamSpec):
            if one.metadata.phase is Phase.RUNNING:
                await r.add_finalizer(KernelParamSpec, one.metadata.id)
                wanted[one.metadata.id] = Wanted(one.spec.value, one.spec.ignore_errors)
            else:
                gone.append(one.metadata.id)
        failed: OSError | None = None
        for id, spec in wanted.items():
            try:
                await r.put(KernelParamStatus(id, self._apply(id, spec)))
            except OSError as error:
                failed = failed or error
        for id in set(self._before) - set(wanted):
            self._restore(id)
        for id in gone:
            await r.remove_finalizer(KernelParamSpec, id)
        if failed is not None:
            raise failed

    def _apply(self, id: str, spec: Wanted) -> KernelParamStatus.Spec:
        place = locate(id)
        if place is None:
            return KernelParamStatus.Spec(unsupported=True)
        name, root = place
        try:
            current = sysctl.read(name, root)
            before = self._before.setdefault(id, current)
            if current.split() != spec.value.split():
                sysctl.write(name, spec.value, root)
        except FileNotFoundError:
            return KernelParamStatus.Spec(unsupported=True)
        except OSError:
            if spec.ignore_errors:
                return KernelParamStatus.Spec(unsupported=True)
            raise
        return KernelParamStatus.Spec(current=spec.value, default=before)

    def _restore(self, id: str) -> None:
        place = locate(id)
        if place is not None:
            sysctl.write(place[0], self._before[id], place[1])
        del self._before[id]
