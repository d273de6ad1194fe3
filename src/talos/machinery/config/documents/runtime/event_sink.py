"""Document EventSinkConfig: where machine events are sent."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import checks, document, findings, values


class EventSinkConfig(document.Document, frozen=True, kw_only=True):
    """Sends the machine's events to a gRPC server."""

    kind: ClassVar[str] = "EventSinkConfig"

    endpoint: Annotated[str, values.ALWAYS] = ""
    """`host:port` of the server."""

    def validate(self, found: findings.Findings) -> None:
        """A host and a port."""
        problem = checks.host_port(self.endpoint)
        if problem:
            found.error("endpoint", problem)

    @classmethod
    def example(cls) -> EventSinkConfig:
        """A collector."""
        return cls(endpoint="192.168.10.3:3247")
