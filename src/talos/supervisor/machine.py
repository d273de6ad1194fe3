"""The life of a service as a table: states × events.

The supervisor's loop only fires events; what may follow what is decided here and nowhere else. State names are the
original's, as they go over the wire and into the Service events.
"""

from __future__ import annotations

import enum


class State(enum.StrEnum):
    """Where a service is in its life."""

    INITIALIZED = "Initialized"
    STARTING = "Starting"
    WAITING = "Waiting"
    PREPARING = "Preparing"
    RUNNING = "Running"
    STOPPING = "Stopping"
    FINISHED = "Finished"
    FAILED = "Failed"
    SKIPPED = "Skipped"

    @property
    def resting(self) -> bool:
        """True when nothing runs and nothing is about to."""
        return self in _RESTING


class Event(enum.Enum):
    """What happens to a service."""

    START = enum.auto()  # somebody wants it to run
    BLOCK = enum.auto()  # a dependency or condition is missing
    PREPARE = enum.auto()  # everything is there, prepare() begins
    LAUNCH = enum.auto()  # an instance runs
    ADOPT = enum.auto()  # an instance of an earlier machined runs
    RETRY = enum.auto()  # it ended or failed to start, and is started again
    END = enum.auto()  # it ended well and stays so
    FAIL = enum.auto()  # it ended badly and stays so
    STOP = enum.auto()  # somebody wants it to end
    SKIP = enum.auto()  # there is nothing to run here


_RESTING = frozenset({State.INITIALIZED, State.FINISHED, State.FAILED, State.SKIPPED})

TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.INITIALIZED, Event.START): State.STARTING,
    (State.FINISHED, Event.START): State.STARTING,
    (State.FAILED, Event.START): State.STARTING,
    (State.SKIPPED, Event.START): State.STARTING,
    (State.STARTING, Event.BLOCK): State.WAITING,
    (State.STARTING, Event.PREPARE): State.PREPARING,
    (State.STARTING, Event.ADOPT): State.RUNNING,
    (State.STARTING, Event.STOP): State.STOPPING,
    (State.STARTING, Event.RETRY): State.WAITING,
    (State.STARTING, Event.FAIL): State.FAILED,
    (State.STARTING, Event.SKIP): State.SKIPPED,
    (State.WAITING, Event.BLOCK): State.WAITING,
    (State.WAITING, Event.PREPARE): State.PREPARING,
    (State.WAITING, Event.LAUNCH): State.RUNNING,
    (State.WAITING, Event.RETRY): State.WAITING,
    (State.WAITING, Event.FAIL): State.FAILED,
    (State.WAITING, Event.STOP): State.STOPPING,
    (State.PREPARING, Event.LAUNCH): State.RUNNING,
    (State.PREPARING, Event.RETRY): State.WAITING,
    (State.PREPARING, Event.FAIL): State.FAILED,
    (State.PREPARING, Event.STOP): State.STOPPING,
    (State.PREPARING, Event.SKIP): State.SKIPPED,
    (State.RUNNING, Event.RETRY): State.WAITING,
    (State.RUNNING, Event.END): State.FINISHED,
    (State.RUNNING, Event.FAIL): State.FAILED,
    (State.RUNNING, Event.STOP): State.STOPPING,
    (State.STOPPING, Event.END): State.FINISHED,
    (State.STOPPING, Event.FAIL): State.FAILED,
}
"""Everything not listed is a programming error: `step` raises."""


def step(state: State, event: Event) -> State:
    """Return the state after `event`. Raises ValueError for an event that makes no sense in this state."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ValueError(f"{event.name} cannot happen to a service that is {state}") from None
