"""Document HostnameConfig: the machine's name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, ClassVar

from talos.machinery.config import document, findings, values

if TYPE_CHECKING:
    from talos.machinery.config import v1alpha1

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\Z")
MAX_NAME = 253
MAX_LABEL = 63


class HostnameConfig(document.Document, frozen=True, kw_only=True):
    """A fixed name, or one that is made for the machine."""

    kind: ClassVar[str] = "HostnameConfig"
    legacy: ClassVar[tuple[str, ...]] = ("machine.network.hostname",)

    auto: Annotated[str, values.Choice(("stable", "off"))] = ""
    """stable: made from the machine's identity; off: taken from the platform or the network only."""
    hostname: str = ""
    """Fixed name, with its domain if it has one."""

    def validate(self, found: findings.Findings) -> None:
        """One or the other."""
        if self.auto and self.hostname:
            found.error("", "auto and hostname contradict each other")
        if not self.auto and not self.hostname:
            found.error("", "auto or hostname has to be given")
        if not self.hostname:
            return
        if len(self.hostname) > MAX_NAME:
            found.error("hostname", f"at most {MAX_NAME} characters are accepted, got {len(self.hostname)}")
        first = self.hostname.partition(".")[0]
        if not _LABEL.match(first) or len(first) > MAX_LABEL:
            found.error("hostname", f"{first!r} is no host name: letters, digits and '-', at most {MAX_LABEL}")

    def conflicts(self, config: v1alpha1.Config) -> list[str]:
        """A made name contradicts the old switch for one as well."""
        features = config.machine.features if config.machine else None
        stable = ["machine.features.stableHostname"] if features and features.stable_hostname else []
        return super().conflicts(config) + stable

    @classmethod
    def example(cls) -> HostnameConfig:
        """A fixed name."""
        return cls(hostname="worker-33.example.org")
