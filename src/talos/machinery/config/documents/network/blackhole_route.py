"""Document BlackholeRouteConfig: packets that go nowhere."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import document, findings, values


class BlackholeRouteConfig(document.Document, frozen=True, kw_only=True):
    """Drops packets to a prefix."""

    kind: ClassVar[str] = "BlackholeRouteConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """The prefix."""
    metric: values.U32 = 0
    """Priority; lower wins."""

    def validate(self, found: findings.Findings) -> None:
        """The name is a prefix."""
        if found.require(self.name, "name"):
            try:
                values.parse_prefix(self.name)
            except ValueError:
                found.error("name", f"expected an address prefix such as 10.0.0.0/8, got {self.name!r}")

    @classmethod
    def example(cls) -> BlackholeRouteConfig:
        """A private prefix that must not leave by the default route."""
        return cls(name="10.0.0.0/8", metric=4000)
