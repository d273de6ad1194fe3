"""Document WatchdogTimerConfig: a hardware timer that restarts a machine that hangs."""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values

MINIMUM = datetime.timedelta(seconds=10)


class WatchdogTimerConfig(document.Document, frozen=True, kw_only=True):
    """A watchdog of the hardware."""

    kind: ClassVar[str] = "WatchdogTimerConfig"

    device: Annotated[str, values.ALWAYS] = ""
    """Path of the device."""
    timeout: values.Duration | None = None
    """How long the machine may hang, a minute by default and 10 s at least."""

    def validate(self, found: findings.Findings) -> None:
        """A device, and a time the system can keep."""
        found.require(self.device, "device")
        if self.timeout is not None and self.timeout and self.timeout < MINIMUM:
            found.error("timeout", f"at least {values.format_duration(MINIMUM)} is needed")

    @classmethod
    def example(cls) -> WatchdogTimerConfig:
        """The first device."""
        return cls(device="/dev/watchdog0", timeout=datetime.timedelta(minutes=2))
