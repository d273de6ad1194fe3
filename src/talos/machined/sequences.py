"""Sequences by name, and the wish for one: what the API knows of the sequencer."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol


class Name(enum.StrEnum):
    """Sequences; values are their names in events."""

    INITIALIZE = "initialize"
    BOOT = "boot"
    REBOOT = "reboot"
    SHUTDOWN = "shutdown"
    RESET = "reset"
    UPGRADE = "upgrade"
    MAINTENANCE_UPGRADE = "maintenanceUpgrade"
    STAGE_UPGRADE = "stageUpgrade"
    INSTALL = "install"


@dataclass(frozen=True, slots=True)
class Reset:
    """What a reset request asks for beyond shutting down."""

    graceful: bool = False
    reboot: bool = False
    partitions: tuple[str, ...] = ()
    """Labels of volumes whose directories a container empties."""
    devices: tuple[str, ...] = ()
    """/dev names a machine wipes."""


Change = Callable[[], Awaitable[None]]
"""What a sequence that installs or upgrades is about."""


class Starter(Protocol):
    """Begins sequences."""

    def begin(
        self, name: Name, *, force: bool = False, reset: Reset | None = None, change: Change | None = None
    ) -> str:
        """Begin a sequence and return the actor id of its events.

        Raises Conflict when another one runs that may not be interrupted, Unsupported when this mode has none.
        """
