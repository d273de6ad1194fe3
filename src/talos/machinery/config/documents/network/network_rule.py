"""Document NetworkRuleConfig: who may reach which ports."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values

PROTOCOLS = ("tcp", "udp", "icmp", "icmpv6")


class RulePortSelector(document.Section, frozen=True, kw_only=True):
    """Which ports."""

    ports: Annotated[tuple[values.PortRange, ...], values.REPLACE, values.ALWAYS] = ()
    """Ports and ranges of ports."""
    protocol: Annotated[str, values.Choice(PROTOCOLS), values.ALWAYS] = ""
    """tcp or udp."""


class IngressRule(document.Section, frozen=True, kw_only=True):
    """Who."""

    subnet: Annotated[values.Prefix, values.ALWAYS] = ""
    """Prefix of senders."""
    except_: values.Prefix = document.named("except", "")
    """Prefix inside it that is left out."""


class NetworkRuleConfig(document.Document, frozen=True, kw_only=True):
    """A firewall rule; packets to the ports from anybody else are dropped."""

    kind: ClassVar[str] = "NetworkRuleConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name."""
    port_selector: Annotated[RulePortSelector | None, values.ALWAYS] = RulePortSelector()
    """Which ports."""
    ingress: Annotated[tuple[IngressRule, ...], values.REPLACE, values.ALWAYS] = ()
    """Who may reach them."""

    def validate(self, found: findings.Findings) -> None:
        """Ports, and prefixes of senders."""
        found.require(self.name, "name")
        ports = self.port_selector or RulePortSelector()
        found.require(ports.ports, "portSelector.ports")
        found.require(ports.protocol, "portSelector.protocol")
        for n, rule in enumerate(self.ingress):
            found.require(rule.subnet, f"ingress[{n}].subnet")

    @classmethod
    def example(cls) -> NetworkRuleConfig:
        """The kubelet, from the machines of the cluster."""
        return cls(
            name="kubelet",
            port_selector=RulePortSelector(ports=("10250",), protocol="tcp"),
            ingress=(IngressRule(subnet="172.20.0.0/24", except_="172.20.0.1/32"),),
        )
