import pytest

from talos.supervisor import machine
from talos.supervisor.machine import Event, State


@pytest.mark.feature("H030")
def test_names_are_those_of_the_wire() -> None:
    from talos.machinery.api._generated.machine import machine_pb2

    wire = set(machine_pb2.ServiceStateEvent.Action.keys())
    assert {state.value.upper() for state in State} == wire


@pytest.mark.parametrize("state", list(State))
def test_every_state_can_be_left_and_reached(state: State) -> None:
    assert any(origin is state for origin, _ in machine.TRANSITIONS)
    assert state is State.INITIALIZED or state in machine.TRANSITIONS.values()


@pytest.mark.parametrize("state", [s for s in State if not s.resting])
def test_every_active_state_can_be_stopped_or_ended(state: State) -> None:
    assert {(state, Event.STOP), (state, Event.END)} & set(machine.TRANSITIONS)


@pytest.mark.parametrize("state", list(State))
def test_start_only_from_rest(state: State) -> None:
    assert ((state, Event.START) in machine.TRANSITIONS) == state.resting


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="STOP cannot happen to a service that is Finished"):
        machine.step(State.FINISHED, Event.STOP)
