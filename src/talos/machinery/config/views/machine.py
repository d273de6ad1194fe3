"""Views of the machine: identity, cluster, discovery, names and time."""

from __future__ import annotations

import datetime
from urllib.parse import urlsplit

import msgspec

from talos.machinery.config import container, v1alpha1
from talos.machinery.config.documents.cluster import discovery_identity, discovery_service
from talos.machinery.config.documents.k8s import kube_api_server, kube_cluster
from talos.machinery.config.documents.network import hostname as hostname_document
from talos.machinery.config.documents.network import layer2_vip, resolver, static_host
from talos.machinery.config.documents.network import time_sync as time_sync_document
from talos.machinery.config.documents.runtime import sysctl
from talos.machinery.config.documents.runtime import sysfs as sysfs_document
from talos.machinery.types import pem
from talos.machinery.types.machine import MachineType

DEFAULT_API_PORT = 6443
DEFAULT_NAMESERVERS = ("1.1.1.1", "8.8.8.8")
DEFAULT_TIME_SERVERS = ("time.cloudflare.com",)
_TYPES = {"controlplane": MachineType.CONTROL_PLANE, "init": MachineType.INIT, "worker": MachineType.WORKER}
_TYPES |= {"join": MachineType.WORKER, "": MachineType.WORKER}


def machine_section(config: container.Container) -> v1alpha1.MachineConfig:
    """The v1alpha1 machine section, empty if there is none."""
    legacy = config.v1alpha1
    return (legacy.machine if legacy else None) or v1alpha1.MachineConfig()


def cluster_section(config: container.Container) -> v1alpha1.ClusterConfig:
    """The v1alpha1 cluster section, empty if there is none."""
    legacy = config.v1alpha1
    return (legacy.cluster if legacy else None) or v1alpha1.ClusterConfig()


class Machine(msgspec.Struct, frozen=True):
    """Identity of the machine. `ca.key` is empty on workers."""

    type: MachineType
    token: str
    ca: pem.CertificateAndKey
    accepted_cas: tuple[pem.Certificate, ...]
    cert_sans: tuple[str, ...]

    @property
    def is_control_plane(self) -> bool:
        """Whether the machine runs the control plane."""
        return self.type in (MachineType.CONTROL_PLANE, MachineType.INIT)


def machine(config: container.Container) -> Machine:
    """Identity of the machine."""
    section = machine_section(config)
    known = config.v1alpha1 is not None and config.v1alpha1.machine is not None
    return Machine(
        type=_TYPES.get(section.type, MachineType.UNKNOWN) if known else MachineType.UNKNOWN,
        token=section.token,
        ca=section.ca or pem.CertificateAndKey(),
        accepted_cas=section.accepted_cas,
        cert_sans=section.cert_sans,
    )


class Cluster(msgspec.Struct, frozen=True):
    """The cluster as its members know it. `endpoint`: URL of the Kubernetes API; `local_api_port`: of each node."""

    name: str
    endpoint: str
    id: str
    secret: str
    local_api_port: int

    @property
    def endpoint_host(self) -> str:
        """Host of the endpoint."""
        return urlsplit(self.endpoint).hostname or ""

    @property
    def endpoint_port(self) -> int:
        """Port of the endpoint; 443 if the URL has none, as for any https URL."""
        return urlsplit(self.endpoint).port or 443


def cluster(config: container.Container) -> Cluster:
    """Name, endpoint and discovery identity of the cluster."""
    section = cluster_section(config)
    named = config.one(kube_cluster.KubeClusterConfig)
    identity = config.one(discovery_identity.DiscoveryIdentityConfig)
    api = config.one(kube_api_server.KubeAPIServerConfig)
    plane = section.control_plane
    endpoint = named.endpoint if named else (plane.endpoint if plane else "") or ""
    port = (api.api_port if api else None) or (plane.local_api_server_port if plane else None) or DEFAULT_API_PORT
    return Cluster(
        name=named.cluster_name if named else section.cluster_name,
        endpoint=endpoint,
        id=identity.cluster_id if identity else section.id,
        secret=identity.cluster_secret if identity else section.secret,
        local_api_port=port,
    )


class Discovery(msgspec.Struct, frozen=True):
    """Where members find each other. `services`: (name, endpoint URL)."""

    services: tuple[tuple[str, str], ...]
    kubernetes_registry: bool

    @property
    def enabled(self) -> bool:
        """Whether any registry is in use."""
        return bool(self.services) or self.kubernetes_registry


def discovery(config: container.Container) -> Discovery:
    """Registries of cluster discovery. Of both, which no valid configuration has, the v1alpha1 section counts."""
    documents = config.all(discovery_service.DiscoveryServiceConfig)
    legacy = cluster_section(config).discovery
    if legacy is None:
        return Discovery(tuple((d.name, d.endpoint) for d in documents), kubernetes_registry=False)
    if legacy.enabled is not True:
        return Discovery((), kubernetes_registry=False)
    registries = legacy.registries
    service = registries.service if registries else None
    kubernetes = registries.kubernetes if registries else None
    services: tuple[tuple[str, str], ...] = ()
    if service is None or not service.disabled:
        services = (("default", (service.endpoint if service else "") or "https://discovery.talos.dev/"),)
    return Discovery(services, kubernetes_registry=kubernetes is None or kubernetes.disabled is not True)


class Hostname(msgspec.Struct, frozen=True):
    """Static name, and how to make one: `stable` (from the node identity), `talos-addr` (from the address), `off`."""

    name: str
    auto: str


def hostname(config: container.Container) -> Hostname:
    """Hostname wanted by the configuration."""
    document = config.one(hostname_document.HostnameConfig)
    if document is not None:
        return Hostname(document.hostname, document.auto or ("off" if document.hostname else "talos-addr"))
    section = machine_section(config)
    legacy = section.network.hostname if section.network else ""
    stable = section.features is not None and section.features.stable_hostname is True
    return Hostname(legacy, "stable" if stable else "talos-addr")


class Resolvers(msgspec.Struct, frozen=True):
    """DNS servers; `servers` empty means the default ones apply."""

    servers: tuple[str, ...]
    search_domains: tuple[str, ...]
    disable_search_domain: bool


def resolvers(config: container.Container) -> Resolvers:
    """DNS servers and search domains."""
    document = config.one(resolver.ResolverConfig)
    network = machine_section(config).network
    if document is not None and (document.nameservers or document.search_domains):
        domains = document.search_domains
        return Resolvers(
            tuple(n.address for n in document.nameservers),
            domains.domains if domains else (),
            bool(domains and domains.disable_default),
        )
    if network is None:
        return Resolvers((), (), disable_search_domain=False)
    return Resolvers(network.nameservers, network.search_domains, bool(network.disable_search_domain))


class HostDNS(msgspec.Struct, frozen=True):
    """The node's own DNS forwarder."""

    enabled: bool
    forward_kube_dns: bool
    resolve_members: bool


def host_dns(config: container.Container) -> HostDNS:
    """Settings of the DNS forwarder; off unless asked for."""
    document = config.one(resolver.ResolverConfig)
    features = machine_section(config).features
    found = document.host_dns if document and document.host_dns else (features.host_dns if features else None)
    if found is None:
        return HostDNS(enabled=False, forward_kube_dns=False, resolve_members=False)
    on = found.enabled is True
    return HostDNS(
        enabled=on,
        forward_kube_dns=on and found.forward_kube_dns_to_host is True,
        resolve_members=on and found.resolve_member_names is True,
    )


def static_hosts(config: container.Container) -> dict[str, tuple[str, ...]]:
    """Extra lines of /etc/hosts: address -> names."""
    network = machine_section(config).network
    found = {h.ip: tuple(h.aliases) for h in (network.extra_host_entries if network else ())}
    for document in config.all(static_host.StaticHostConfig):
        found[document.name] = (*found.get(document.name, ()), *document.hostnames)
    return found


class TimeSync(msgspec.Struct, frozen=True):
    """Time synchronisation; `servers` empty means the default ones apply."""

    enabled: bool
    servers: tuple[str, ...]
    boot_timeout: datetime.timedelta | None


def time_sync(config: container.Container) -> TimeSync:
    """Time servers or clock devices, and whether to use them."""
    document = config.one(time_sync_document.TimeSyncConfig)
    if document is not None:
        servers = document.ntp.servers if document.ntp else document.ptp.devices if document.ptp else ()
        return TimeSync(document.enabled is not False, servers, document.boot_timeout)
    legacy = machine_section(config).time
    if legacy is None:
        return TimeSync(enabled=True, servers=(), boot_timeout=None)
    return TimeSync(legacy.disabled is not True, legacy.servers, legacy.boot_timeout)


def shared_addresses(config: container.Container) -> tuple[str, ...]:
    """Addresses one control plane node at a time holds; none of them tells where a node is."""
    found = [one.name for one in config.all(layer2_vip.Layer2VIPConfig)]
    section = machine_section(config).network
    for device in section.interfaces if section is not None else ():
        sections = [device.vip, *(vlan.vip for vlan in device.vlans)]
        found += [one.ip for one in sections if one is not None and one.ip]
    return tuple(dict.fromkeys(found))


def sysfs(config: container.Container) -> dict[str, str]:
    """Attributes below /sys: dotted name -> value."""
    document = config.one(sysfs_document.SysfsConfig)
    return {**(machine_section(config).sysfs or {}), **(document.params if document else {})}


def sysctls(config: container.Container) -> dict[str, str]:
    """Kernel parameters: name -> value."""
    document = config.one(sysctl.SysctlConfig)
    return {**machine_section(config).sysctls, **(document.params if document else {})}
