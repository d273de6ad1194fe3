import pytest

from talos.base import errors
from talos.linux import uts
from talos.machined import wiring
from talos.machined.modes import Mode


class Thing:
    pass


class NeedsThing:
    def __init__(self, thing: Thing, count: int = 3) -> None:
        self.thing, self.count = thing, count


class NeedsMaybe:
    def __init__(self, thing: Thing | None = None) -> None:
        self.thing = thing


class NeedsNames:
    def __init__(self, names: uts.UtsName) -> None:
        self.names = names


def test_components_by_annotation_and_defaults() -> None:
    parts, thing = wiring.Components(), Thing()
    parts.provide(Thing, thing)
    made = parts.build(NeedsThing)
    assert (made.thing, made.count) == (thing, 3)
    assert parts.build(NeedsMaybe).thing is thing


def test_lazy_components_are_made_once() -> None:
    parts = wiring.Components()
    made: list[int] = []

    def make() -> Thing:
        made.append(1)
        return Thing()

    parts.provide_lazily(Thing, make)
    assert parts.build(NeedsThing).thing is parts.build(NeedsThing).thing
    assert made == [1]


def test_a_protocol_of_linux_gets_the_adapter_beside_it() -> None:
    parts = wiring.Components()
    first, second = parts.build(NeedsNames), parts.build(NeedsNames)
    assert isinstance(first.names, uts.Uts)
    assert first.names is second.names


def test_a_missing_component_is_named() -> None:
    with pytest.raises(errors.Permanent, match=r"NeedsThing\(thing\): nothing provides Thing"):
        wiring.Components().build(NeedsThing)
    assert wiring.Components().build(NeedsMaybe).thing is None


async def test_everything_in_the_indexes_can_be_built(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The composition root offers what every controller, service and handler of container mode asks for."""
    import os

    from talos.machined import main
    from talos.machined.api import _generated_index as handlers
    from talos.machined.services import _generated_index as services

    os.environ["PLATFORM"] = "container"
    try:
        made = main.Machined()
    finally:
        del os.environ["PLATFORM"]
    made.register_controllers()
    assert len(made.controllers._handles) > 80
    for reference in services.SERVICES.values():
        assert made.components.build(wiring.load(reference)).id in services.SERVICES
    served = made.machine_server().server.paths
    assert "/machine.MachineService/ServiceList" in served
    assert len(handlers.HANDLERS) > 8
    assert made.mode is Mode.CONTAINER
