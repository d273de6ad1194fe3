"""Document LinkAliasConfig: a name of one's own for a link."""

from __future__ import annotations

from typing import ClassVar

from talos.machinery.config import checks, document, findings, values


class LinkSelector(document.Section, frozen=True, kw_only=True):
    """Which link."""

    match: values.Expression = ""
    """CEL expression over `link`."""


class LinkAliasConfig(document.Document, frozen=True, kw_only=True):
    """Names a link by its properties; other documents may use that name."""

    kind: ClassVar[str] = "LinkAliasConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """The name; with `%d` at its end each link that matches gets the next number."""
    selector: LinkSelector | None = None
    """Which link. A name without number needs exactly one."""

    def validate(self, found: findings.Findings) -> None:
        """A name and a way to find the link."""
        if found.require(self.name, "name") and "%" in self.name:
            prefix, _, verb = self.name.partition("%")
            if verb != "d" or not prefix:
                found.error("name", f"a number is asked for by %d at the end, got {self.name!r}")
        checks.expression(found, self.selector.match if self.selector else "", "selector.match", "link")

    @classmethod
    def example(cls) -> LinkAliasConfig:
        """A port of a card."""
        return cls(name="lan", selector=LinkSelector(match='mac(link.permanent_addr) == "00:1a:2b:3c:4d:5e"'))
