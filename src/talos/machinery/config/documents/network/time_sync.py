"""Document TimeSyncConfig: where the machine's clock is set from."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, ClassVar

from talos.machinery.config import checks, document, findings, values

if TYPE_CHECKING:
    from talos.machinery.config import v1alpha1


class NTPConfig(document.Section, frozen=True, kw_only=True):
    """Time over the network."""

    servers: tuple[str, ...] = ()
    """Servers."""
    use_nts: bool | None = document.named("useNTS", None)
    """Ask them with authentication; they need names then."""


class PTPConfig(document.Section, frozen=True, kw_only=True):
    """Time from a clock device."""

    devices: tuple[str, ...] = ()
    """Devices, such as /dev/ptp0."""


class TimeSyncConfig(document.Document, frozen=True, kw_only=True):
    """Time synchronisation."""

    kind: ClassVar[str] = "TimeSyncConfig"

    enabled: bool | None = None
    """Do it; on by default."""
    boot_timeout: values.Duration | None = None
    """How long boot waits for the clock; without it, a minute if the clock could be right."""
    ntp: NTPConfig | None = None
    """Over the network."""
    ptp: PTPConfig | None = None
    """From a device."""

    def validate(self, found: findings.Findings) -> None:
        """One source."""
        checks.not_negative(found, "bootTimeout", self.boot_timeout)
        if self.ntp is not None and self.ptp is not None:
            found.error("ptp", "ntp and ptp can not be used at once")
        for n, server in enumerate(self.ntp.servers if self.ntp is not None and self.ntp.use_nts else ()):
            try:
                ipaddress.ip_address(server)
            except ValueError:
                continue
            found.error(f"ntp.servers[{n}]", f"authentication needs a name, got {server}")

    def conflicts(self, config: v1alpha1.Config) -> list[str]:
        """Each setting contradicts its old place only."""
        old = config.machine.time if config.machine else None
        if old is None:
            return []
        both = {
            "machine.time.disabled": self.enabled is not None and old.disabled is not None,
            "machine.time.servers": (self.ntp is not None or self.ptp is not None) and old.servers,
            "machine.time.bootTimeout": self.boot_timeout is not None and old.boot_timeout is not None,
        }
        return [path for path, at_once in both.items() if at_once]

    @classmethod
    def example(cls) -> TimeSyncConfig:
        """A public server."""
        return cls(ntp=NTPConfig(servers=("time.cloudflare.com",)))
