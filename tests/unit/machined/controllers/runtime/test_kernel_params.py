from pathlib import Path

import pytest

from talos.cosi import state
from talos.machined.controllers.runtime import kernel_param_defaults, kernel_param_spec
from talos.machined.controllers.runtime.kernel_param_config import KernelParamConfigController
from talos.machined.modes import Mode
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.runtime.kernel_param_default_spec import KernelParamDefaultSpec
from talos.machinery.resources.runtime.kernel_param_spec import KernelParamSpec
from talos.machinery.resources.runtime.kernel_param_status import KernelParamStatus
from tests.unit.machined.controllers.running import running


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "proc"
    (root / "kernel").mkdir(parents=True)
    (root / "kernel/panic").write_text("0\n")
    (root / "kernel/pid_max").write_text("100\n")
    monkeypatch.setattr(kernel_param_spec, "_TREES", (("proc.sys.", root), ("sys.", tmp_path / "sys")))
    return root


@pytest.mark.feature("R008")
def test_a_container_leaves_the_machine_alone() -> None:
    mine = kernel_param_defaults.defaults(Mode.CONTAINER, ipv6=True)
    metal = kernel_param_defaults.defaults(Mode.METAL, ipv6=True)
    assert mine["net.ipv4.ip_forward"] == "1"
    assert "net.ipv6.conf.default.forwarding" in mine
    assert not {"kernel.ctrl-alt-del", "net.bridge.bridge-nf-call-iptables", "kernel.kptr_restrict"} & set(mine)
    assert len(metal) - len(mine) == 20
    assert "net.ipv6.conf.default.forwarding" not in kernel_param_defaults.defaults(Mode.METAL, ipv6=False)


def test_a_machine_has_what_kubelet_insists_on() -> None:
    # pkg/kubelet/cm: what protectKernelDefaults compares, and the kernel's own defaults do not give.
    metal = kernel_param_defaults.defaults(Mode.METAL, ipv6=True)
    assert {"vm.overcommit_memory": "1", "kernel.panic": "10", "kernel.panic_on_oops": "1"}.items() <= metal.items()


async def test_specs_win_over_defaults_and_the_default_comes_back(proc: Path) -> None:
    async with running(kernel_param_spec.KernelParamSpecController()) as (store, runtime):
        default = KernelParamDefaultSpec.Spec(value="10")
        await store.create(KernelParamDefaultSpec("proc.sys.kernel.panic", default))
        await runtime.wait_idle()
        assert (proc / "kernel/panic").read_text().startswith("10")
        await store.create(KernelParamSpec("proc.sys.kernel.panic", KernelParamSpec.Spec(value="5")))
        await runtime.wait_idle()
        assert (proc / "kernel/panic").read_text().startswith("5")
        status = (await store.get(KernelParamStatus, "proc.sys.kernel.panic")).spec
        assert (status.current, status.default, status.unsupported) == ("5", "0", False)
        await store.teardown(KernelParamSpec, "proc.sys.kernel.panic")
        await runtime.wait_idle()
        await store.destroy(KernelParamSpec, "proc.sys.kernel.panic")
        await runtime.wait_idle()
        assert (proc / "kernel/panic").read_text().startswith("10")


async def test_a_spec_that_goes_restores_what_was_before(proc: Path) -> None:
    async with running(kernel_param_spec.KernelParamSpecController()) as (store, runtime):
        await store.create(KernelParamSpec("proc.sys.kernel.pid_max", KernelParamSpec.Spec(value="999")))
        await runtime.wait_idle()
        assert (proc / "kernel/pid_max").read_text().startswith("999")
        await store.teardown(KernelParamSpec, "proc.sys.kernel.pid_max")
        await runtime.wait_idle()
        assert (proc / "kernel/pid_max").read_text().startswith("100")
        assert await state.find(store, KernelParamStatus, "proc.sys.kernel.pid_max") is None


@pytest.mark.feature("R008")
async def test_what_the_kernel_lacks_is_reported_not_fatal(proc: Path) -> None:
    async with running(kernel_param_spec.KernelParamSpecController()) as (store, runtime):
        await store.create(KernelParamSpec("proc.sys.kernel.nothing", KernelParamSpec.Spec(value="1")))
        await store.create(KernelParamSpec("proc.sys.kernel.panic", KernelParamSpec.Spec(value="7")))
        await runtime.wait_idle()
        assert (await store.get(KernelParamStatus, "proc.sys.kernel.nothing")).spec.unsupported
        assert (await store.get(KernelParamStatus, "proc.sys.kernel.panic")).spec.current == "7"


async def test_the_configuration_becomes_specs() -> None:
    source = b"version: v1alpha1\nmachine:\n  type: worker\n  sysctls:\n    net.x: '1'\n  sysfs:\n    devices.y: '2'\n"
    async with running(KernelParamConfigController()) as (store, runtime):
        await store.create(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=source)))
        await runtime.wait_idle()
        found = {one.metadata.id: one.spec.value for one in await store.list(KernelParamSpec)}
        assert found == {"proc.sys.net.x": "1", "sys.devices.y": "2"}
