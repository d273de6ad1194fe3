"""Document TCPProbeConfig: whether a port can be reached."""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, values


class TCPProbeConfig(document.Document, frozen=True, kw_only=True):
    """A connection tried again and again."""

    kind: ClassVar[str] = "TCPProbeConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name."""
    interval: values.Duration | None = None
    """Time between tries, a second by default."""
    failure_threshold: int = 0
    """Failures in a row that count; the first does by default."""
    endpoint: Annotated[str, values.ALWAYS] = ""
    """`host:port`."""
    timeout: values.Duration | None = None
    """How long a try may take, 10 s by default."""

    def validate(self, found: findings.Findings) -> None:
        """A host and a port."""
        found.require(self.name, "name")
        if found.require(self.endpoint, "endpoint"):
            problem = checks.host_port(self.endpoint)
            if problem:
                found.error("endpoint", problem)
        checks.not_negative(found, "timeout", self.timeout)
        checks.not_negative(found, "interval", self.interval)
        if self.failure_threshold < 0:
            found.error("failureThreshold", "must not be negative")

    @classmethod
    def example(cls) -> TCPProbeConfig:
        """A gateway."""
        return cls(name="gateway", interval=datetime.timedelta(seconds=5), endpoint="10.5.0.1:53")
