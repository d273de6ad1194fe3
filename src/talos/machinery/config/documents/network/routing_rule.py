"""Document RoutingRuleConfig: which routing table a packet goes by."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values

# Taken by the kernel's own rules and by KubeSpan.
RESERVED = (0, 32500, 32501, 32766, 32767)
MAX_PRIORITY = 32765
ACTIONS = ("unicast", "blackhole", "unreachable", "prohibit")


class RoutingRuleConfig(document.Document, frozen=True, kw_only=True):
    """A rule of policy routing."""

    kind: ClassVar[str] = "RoutingRuleConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Priority, a number from 1 to 32765; lower comes first."""
    src: values.Prefix = ""
    """Prefix of senders."""
    dst: values.Prefix = ""
    """Prefix of destinations."""
    table: Annotated[values.RoutingTable, values.ALWAYS] = ""
    """Table to look the route up in."""
    action: Annotated[str, values.Choice(ACTIONS)] = ""
    """What to do: unicast, the default, looks up; the others drop in their ways."""
    iif_name: str = ""
    """Link the packet came by."""
    oif_name: str = ""
    """Link the packet is bound to."""
    fw_mark: values.U32 = 0
    """Mark of the packet."""
    fw_mask: values.U32 = 0
    """Bits of the mark that count."""

    def validate(self, found: findings.Findings) -> None:
        """The name is a free priority, and there is something to do."""
        if found.require(self.name, "name"):
            number = int(self.name) if self.name.isascii() and self.name.isdigit() else -1
            if not 0 < number <= MAX_PRIORITY or number in RESERVED:
                taken = ", ".join(str(n) for n in RESERVED if n)
                found.error("name", f"expected a priority from 1 to {MAX_PRIORITY} but {taken}, got {self.name!r}")
        if self.table in ("", "unspec") and self.action in ("", "unicast"):
            found.error("table", "a table, or another action than unicast, has to be given")
        if self.fw_mask and not self.fw_mark:
            found.error("fwMask", "needs fwMark")

    @classmethod
    def example(cls) -> RoutingRuleConfig:
        """A prefix with a table of its own."""
        return cls(name="1000", src="10.0.0.0/8", table="100")
