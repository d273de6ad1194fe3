"""Document NetworkDefaultActionConfig: what happens to packets no firewall rule is about."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, values


class NetworkDefaultActionConfig(document.Document, frozen=True, kw_only=True):
    """The firewall's last word."""

    kind: ClassVar[str] = "NetworkDefaultActionConfig"

    ingress: Annotated[str, values.Choice(("accept", "block")), values.ALWAYS] = "accept"
    """accept or block."""

    @classmethod
    def example(cls) -> NetworkDefaultActionConfig:
        """Only what rules allow."""
        return cls(ingress="block")
