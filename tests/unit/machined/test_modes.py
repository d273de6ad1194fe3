"""Container mode and machine mode run the same programs: what differs is said on controllers, and only there."""

from __future__ import annotations

import importlib

import pytest

from talos.cosi import controller
from talos.machined.controllers import _generated_index
from talos.machined.modes import Mode

# Domains about what a container does not have, or has from its host: disks, boards, firmware, the kernel, its clock.
_OF_THE_MACHINE = {"block", "hardware", "runtime", "network", "time", "cluster", "perf", "files"}

# The provisioner of a container says in its environment what a machine hears from DHCP and its firmware.
_FROM_THE_STARTER = {"PlatformConfigs.net.talos.dev"}


def _classes() -> dict[str, type[controller.Controller]]:
    found = {}
    for reference, _ in _generated_index.CONTROLLERS:
        module, _, name = reference.partition(":")
        found[reference.removeprefix("talos.machined.controllers.")] = getattr(importlib.import_module(module), name)
    return found


CLASSES = _classes()


def _modes(cls: type[controller.Controller]) -> Mode:
    return getattr(cls, "modes", Mode.ALL)


def _written(cls: type[controller.Controller]) -> set[str]:
    return {output.cls.definition.type for output in cls.outputs}


def _in(mode: Mode) -> dict[str, type[controller.Controller]]:
    return {name: cls for name, cls in CLASSES.items() if _modes(cls) & mode}


@pytest.mark.feature("R008")
def test_what_runs_is_what_the_classes_say() -> None:
    for reference, modes in _generated_index.CONTROLLERS:
        name = reference.removeprefix("talos.machined.controllers.")
        assert Mode(modes) == _modes(CLASSES[name]), name


def test_every_machine_runs_the_same() -> None:
    """A controller is for containers, for machines, or for both; kinds of machines do not differ in it."""
    for name, cls in CLASSES.items():
        assert _modes(cls) & Mode.MACHINE in (Mode(0), Mode.MACHINE), name


def test_a_controller_of_containers_only_stands_in_for_one_of_machines() -> None:
    """So nothing that reads resources can tell which of both made them."""
    machines, containers = _in(Mode.METAL), _in(Mode.CONTAINER)
    made = set().union(*(_written(cls) for cls in machines.values()))
    stands_in = (_written(CLASSES[name]) for name in containers.keys() - machines.keys())
    assert set().union(*stands_in) - made == _FROM_THE_STARTER


@pytest.mark.feature("R008")
def test_what_machines_only_have_is_about_the_machine() -> None:
    machines, containers = _in(Mode.METAL), _in(Mode.CONTAINER)
    # A container is given its images; a machine finds them on a disk.
    only = machines.keys() - containers.keys() - {"cri.image_cache_config:ImageCacheConfigController"}
    assert {name.partition(".")[0] for name in only} <= _OF_THE_MACHINE
    assert "runtime.kernel_module_spec:KernelModuleSpecController" in only
    # Most of a node is the same in both.
    assert len(only) < len(containers)
