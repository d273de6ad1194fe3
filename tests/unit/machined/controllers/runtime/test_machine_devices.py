"""Kernel modules and the watchdog."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Sequence
from pathlib import Path

import pytest

from talos.base import errors
from talos.linux import modules, watchdog
from talos.machined.controllers.runtime import kernel_module_config, kernel_module_spec, kernel_module_status
from talos.machined.controllers.runtime.watchdog_timer import WatchdogTimerController
from talos.machined.controllers.runtime.watchdog_timer_config import WatchdogTimerConfigController
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.link_spec import LinkSpec
from talos.machinery.resources.runtime.kernel_module_spec import KernelModuleSpec
from talos.machinery.resources.runtime.kernel_module_status import KernelModuleStatus
from talos.machinery.resources.runtime.loaded_kernel_module import LoadedKernelModule
from talos.machinery.resources.runtime.watchdog_timer_config import WATCHDOG_TIMER_CONFIG_ID
from talos.machinery.resources.runtime.watchdog_timer_status import WatchdogTimerStatus
from talos.testing import ctest

CONFIG = b"""version: v1alpha1
machine:
  type: worker
  kernel:
    modules:
      - name: zfs
        parameters: [old=1]
      - name: btrfs
---
apiVersion: v1alpha1
kind: KernelModuleConfig
name: zfs
parameters: [zfs_arc_max=1, x=2]
"""


@pytest.mark.feature("E201")
async def test_modules_of_the_configuration_and_of_links() -> None:
    async with ctest.bench(kernel_module_config.KernelModuleConfigController()) as b:
        await b.put(
            MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=CONFIG)),
            LinkSpec("bond0", LinkSpec.Spec(name="bond0", kind="bond", logical=True)),
            LinkSpec("eth0", LinkSpec.Spec(name="eth0")),
        )
        assert await b.ids(KernelModuleSpec) == ["bonding", "btrfs", "zfs"]
        assert (await b.expect(KernelModuleSpec, "zfs")).spec.parameters == ("zfs_arc_max=1", "x=2")


@pytest.mark.feature("E202")
async def test_each_module_is_loaded_once_and_a_bad_one_holds_up_nobody() -> None:
    asked: list[tuple[str, tuple[str, ...]]] = []

    def load(name: str, parameters: Sequence[str]) -> None:
        asked.append((name, tuple(parameters)))
        if name == "bad":
            raise errors.NotFound("no such module")

    loader = kernel_module_spec.KernelModuleSpecController()
    loader._load = load
    async with ctest.bench(loader) as b:
        await b.put(KernelModuleSpec("bad", KernelModuleSpec.Spec(name="bad")))
        await b.put(KernelModuleSpec("good", KernelModuleSpec.Spec(name="good", parameters=("a=1",))))
        async with asyncio.timeout(10):
            while ("good", ("a=1",)) not in asked:
                await asyncio.sleep(0.01)
        await b.put(KernelModuleSpec("more", KernelModuleSpec.Spec(name="more")))
    assert [name for name, _ in asked].count("good") == 1


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    (tmp_path / "modules.dep").write_text("kernel/zfs.ko.xz: kernel/spl.ko.xz\nkernel/spl.ko.xz:\n")
    (tmp_path / "modules.builtin").write_text("kernel/fs/ext4/ext4.ko\nkernel/drivers/8021q.ko\n")
    return tmp_path


def test_parameters_go_to_the_module_itself(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in: list[tuple[str, str]] = []
    monkeypatch.setattr("talos.init.modules.insert", lambda path, text="": put_in.append((Path(path).name, text)))
    modules.load("zfs", ["a=1", "b=2"], tables)
    assert put_in == [("spl.ko.xz", ""), ("zfs.ko.xz", "a=1 b=2")]
    modules.load("ext4", (), tables)
    assert len(put_in) == 2
    with pytest.raises(errors.NotFound, match="no module 'nothing'"):
        modules.load("nothing", (), tables)


@pytest.mark.feature("E210")
async def test_loaded_and_builtin_modules(tables: Path) -> None:
    proc = tables / "proc"
    proc.write_text("nf_nat 57344 2 xt_nat,nft_nat, Live 0xffffffffc0a00000\nspl 100 0 - Loading 0x0 (OE)\n")
    status = kernel_module_status.KernelModuleStatusController()
    status._proc, status._folder = proc, tables
    async with ctest.bench(status) as b:
        assert await b.ids(KernelModuleStatus) == ["8021q", "ext4", "nf_nat", "spl"]
        assert await b.ids(LoadedKernelModule) == ["nf_nat", "spl"]
        found = (await b.expect(KernelModuleStatus, "nf_nat")).spec
        assert (found.size, found.reference_count, found.dependencies) == (57344, 2, ("xt_nat", "nft_nat"))
        assert str((await b.expect(KernelModuleStatus, "ext4")).spec.type) == "built-in"
        assert (await b.expect(LoadedKernelModule, "spl")).spec.state == "Loading"


class Device(watchdog.Watchdog):
    """Counts what is done to it."""

    def __init__(self, path: str) -> None:
        self.path, self.meals, self.armed = path, 0, True

    def set_timeout(self, seconds: int) -> int:
        self.timeout_s = seconds
        return seconds

    def feed(self) -> None:
        self.meals += 1

    def disarm(self) -> None:
        self.armed = False


@pytest.mark.feature("E220", "E221")
async def test_the_watchdog_is_armed_fed_and_disarmed() -> None:
    made: list[Device] = []

    def open_device(path: str) -> Device:
        made.append(Device(path))
        return made[-1]

    feeder = WatchdogTimerController()
    feeder._open = open_device
    document = "apiVersion: v1alpha1\nkind: WatchdogTimerConfig\ndevice: /dev/watchdog0\ntimeout: %s\n"
    async with ctest.bench(WatchdogTimerConfigController(), feeder) as b:
        assert made == []
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=(document % "30s").encode())))
        status = (await b.expect(WatchdogTimerStatus, WATCHDOG_TIMER_CONFIG_ID)).spec
        assert (status.device, status.feed_interval) == ("/dev/watchdog0", datetime.timedelta(seconds=10))
        assert (made[0].timeout_s, made[0].meals) == (30, 1)
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=(document % "1m").encode())))
        await b.expect(WatchdogTimerStatus, WATCHDOG_TIMER_CONFIG_ID, lambda one: one.spec.timeout.seconds == 60)
        assert [one.armed for one in made] == [False, True]
        await b.destroy(MachineConfig, ACTIVE_ID)
        await b.expect_none(WatchdogTimerStatus, WATCHDOG_TIMER_CONFIG_ID)
        assert not made[1].armed


@pytest.mark.feature("E221")
async def test_the_watchdog_is_fed_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talos.machined.controllers.runtime.watchdog_timer.MEALS", 1000)
    made = Device("")
    feeder = WatchdogTimerController()
    feeder._open = lambda _: made
    async with ctest.bench(WatchdogTimerConfigController(), feeder) as b:
        document = b"apiVersion: v1alpha1\nkind: WatchdogTimerConfig\ndevice: /dev/watchdog0\ntimeout: 10s\n"
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=document)))
        async with asyncio.timeout(5):
            while made.meals < 5:
                await asyncio.sleep(0.01)
