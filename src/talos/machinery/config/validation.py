"""Whether a configuration makes sense: each document, documents with the v1alpha1 one, and all together.

Errors carry the place in the file when the configuration was loaded from one; it is looked up only when needed.
"""

from __future__ import annotations

import enum
import graphlib
from collections import Counter
from collections.abc import Iterator

from talos.base import errors
from talos.machinery.config import container, document, findings, views
from talos.machinery.config.documents.container import container as container_document
from talos.machinery.config.documents.network import kubespan, resolver, veth


class Mode(enum.Enum):
    """Where the machine runs."""

    METAL = "metal"
    CLOUD = "cloud"
    CONTAINER = "container"
    METAL_AGENT = "metal-agent"

    @property
    def installs(self) -> bool:
        """Whether the system is installed on a disk by its configuration."""
        return self is Mode.METAL


def validate(config: container.Container, mode: Mode, *, strict: bool = False) -> list[str]:
    """Return warnings. Raises Invalid with every error; `strict` makes warnings errors."""
    found, warnings = check(config, mode)
    if strict:
        found, warnings = [*found, *warnings], []
    if found:
        raise errors.Invalid(found)
    return [str(problem) for problem in warnings]


def check(config: container.Container, mode: Mode) -> tuple[list[errors.Problem], list[errors.Problem]]:
    """Return (errors, warnings), each with its place where that is known."""
    problems: list[errors.Problem] = []
    warnings: list[errors.Problem] = []
    places = _Places(config)
    if config.v1alpha1 is not None:
        from talos.machinery.config.v1alpha1 import checks

        whole = findings.Findings()
        checks.check(config.v1alpha1, installs=mode.installs, found=whole)
        problems += places.add(0, "", whole.errors)
        warnings += places.add(0, "", whole.warnings)
    offset = 1 if config.v1alpha1 is not None else 0
    for n, one in enumerate(config.documents):
        own = findings.Findings()
        one.validate(own)
        if config.v1alpha1 is not None:
            for path in one.conflicts(config.v1alpha1):
                own.error("", f"v1alpha1 says the same in {path}; remove it there, the document is enough")
        problems += places.add(n + offset, one.title, own.errors)
        warnings += places.add(n + offset, one.title, own.warnings)
    problems += _names(config)
    problems += _whole(config, mode)
    return problems, warnings


class _Places:
    """Finds the place of a problem in the file a configuration came from."""

    def __init__(self, config: container.Container) -> None:
        self.config = config

    def add(self, index: int, title: str, found: list[errors.Problem]) -> Iterator[errors.Problem]:
        for problem in found:
            where = self.config.place(index, problem.path)
            path = " ".join(part for part in (title, problem.path) if part)
            yield errors.Problem(problem.message, path, where)


def _names(config: container.Container) -> Iterator[errors.Problem]:
    """Documents that claim the name of a document of another kind."""
    taken: dict[tuple[str, str], document.Document] = {}
    for one in config.documents:
        kind, name = one.identity
        claims = [name] if name else []
        if isinstance(one, veth.VethConfig) and one.peer is not None:
            claims.append(one.peer.name)
        for claim in claims:
            for rival in (*one.rivals, *([kind] if claim != name else [])):
                other = taken.get((rival, claim))
                if other is not None:
                    yield errors.Problem(f"the name {claim!r} is taken by {other.title}", one.title)
        for claim in claims:
            taken.setdefault((kind, claim), one)


def _whole(config: container.Container, mode: Mode) -> Iterator[errors.Problem]:
    dns = views.host_dns(config)
    if mode is Mode.CONTAINER and not (dns.enabled and dns.forward_kube_dns):
        yield errors.Problem(
            "a machine that is a container needs hostDNS.enabled and hostDNS.forwardKubeDNSToHost", "ResolverConfig"
        )
    found = config.one(resolver.ResolverConfig)
    if found is not None and not dns.enabled and any(s.protocol in ("DoT", "DoH") for s in found.nameservers):
        yield errors.Problem("DNS over TLS or HTTPS needs hostDNS.enabled", "ResolverConfig nameservers")
    yield from _discovery(config)
    yield from _machine_type(config)
    yield from _container_order(config)


def _discovery(config: container.Container) -> Iterator[errors.Problem]:
    cluster = views.cluster(config)
    known = bool(cluster.id and cluster.secret)
    if views.discovery(config).enabled and not known:
        yield errors.Problem(
            "discovery needs the cluster's id and secret: a DiscoveryIdentityConfig", "DiscoveryServiceConfig"
        )
    span = config.one(kubespan.KubeSpanConfig)
    legacy = config.v1alpha1.machine.network if config.v1alpha1 and config.v1alpha1.machine else None
    old = legacy.kubespan.enabled if legacy and legacy.kubespan else False
    if not (span.enabled if span is not None else old):
        return
    if not known:
        yield errors.Problem("KubeSpan needs the cluster's id and secret: a DiscoveryIdentityConfig", "KubeSpanConfig")
    if not views.discovery(config).enabled:
        yield errors.Problem("KubeSpan needs discovery: a DiscoveryServiceConfig", "KubeSpanConfig")


def _machine_type(config: container.Container) -> Iterator[errors.Problem]:
    machine = views.machine(config)
    if machine.is_control_plane:
        if views.kubernetes_secrets(config).ca.key and not views.encryption_config(config):
            yield errors.Problem("a control plane needs a KubeEtcdEncryptionConfig")
        return
    kinds = Counter(one.kind for one in config.documents if one.control_plane_only)
    for kind in sorted(kinds):
        yield errors.Problem("is for control planes only", kind)


def _container_order(config: container.Container) -> Iterator[errors.Problem]:
    """Containers that wait for one another in a circle, or for one that is not there."""
    waits = {
        one.name: (one.depends_on.containers if one.depends_on else ())
        for one in config.all(container_document.ContainerConfig)
    }
    for name, others in waits.items():
        for other in others:
            if other not in waits:
                yield errors.Problem(
                    f"waits for container {other!r}, which is not configured", f"ContainerConfig/{name}"
                )
    try:
        graphlib.TopologicalSorter(waits).prepare()
    except graphlib.CycleError as error:
        circle = list(reversed(error.args[1]))
        yield errors.Problem(f"containers wait for one another: {' -> '.join(circle)}", f"ContainerConfig/{circle[0]}")
