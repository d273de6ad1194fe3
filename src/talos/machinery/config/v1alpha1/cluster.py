"""Section `cluster` of v1alpha1: what all machines of a cluster share."""

from __future__ import annotations

from typing import Annotated

from talos.machinery.config import document, values
from talos.machinery.types import pem

# Empty lines in front mean nothing to YAML, and the original does not keep them.
_MANIFEST = values.Form("text", lambda text: text.lstrip("\n"))


class ControlPlaneConfig(document.Section, frozen=True, kw_only=True):
    """How the control plane is reached."""

    endpoint: Annotated[values.Url | None, values.ALWAYS] = None
    """URL of the Kubernetes API, of a balancer or a shared address."""
    local_api_server_port: values.U16 = document.named("localAPIServerPort", 0)
    """Port an API server listens on, 6443 by default."""


class FlannelCNIConfig(document.Section, frozen=True, kw_only=True):
    """Flannel."""

    extra_args: tuple[str, ...] = ()
    """Arguments added to flanneld."""
    kube_network_policies_enabled: bool | None = None
    """Run kube-network-policies beside it."""


class CNIConfig(document.Section, frozen=True, kw_only=True):
    """The pod network."""

    name: Annotated[str, values.Choice(("flannel", "custom", "none"))] = ""
    """Which one: flannel, custom (from `urls`), or none."""
    urls: tuple[str, ...] = ()
    """Manifests of a custom one."""
    flannel: FlannelCNIConfig | None = None
    """Options of flannel."""


class ClusterNetworkConfig(document.Section, frozen=True, kw_only=True):
    """Networks of Kubernetes."""

    cni: CNIConfig | None = None
    """The pod network."""
    dns_domain: Annotated[str, values.ALWAYS] = ""
    """Domain of services, cluster.local by default."""
    pod_subnets: Annotated[tuple[str, ...], values.REPLACE, values.ALWAYS] = ()
    """Prefixes of pods, one for each address family."""
    service_subnets: Annotated[tuple[str, ...], values.REPLACE, values.ALWAYS] = ()
    """Prefixes of services, one for each address family."""


class VolumeMountConfig(document.Section, frozen=True, kw_only=True):
    """A host path mounted into a static pod."""

    host_path: Annotated[str, values.ALWAYS] = ""
    """Path on the host."""
    mount_path: Annotated[str, values.ALWAYS] = ""
    """Path in the pod."""
    read_only: bool = document.named("readonly", False)
    """Whether the pod may only read."""


class ResourcesConfig(document.Section, frozen=True, kw_only=True):
    """Requests and limits of a static pod."""

    requests: values.Unstructured | None = None
    """What is reserved: `cpu`, `memory`."""
    limits: values.Unstructured | None = None
    """What is the most."""


class AdmissionPluginConfig(document.Section, frozen=True, kw_only=True):
    """An admission plug-in of the API server."""

    name: Annotated[str, values.ALWAYS] = ""
    """Name of the plug-in."""
    configuration: Annotated[values.Unstructured | None, values.ALWAYS] = None
    """Its configuration."""

    def merges_with(self, other: document.Section) -> bool:
        """Plug-ins have names."""
        return isinstance(other, AdmissionPluginConfig) and self.name == other.name


class AuthorizationConfigAuthorizerConfig(document.Section, frozen=True, kw_only=True):
    """An authorizer of the API server."""

    type: Annotated[str, values.ALWAYS] = ""
    """Kind: Node, RBAC or Webhook."""
    name: Annotated[str, values.ALWAYS] = ""
    """Name."""
    webhook: values.Unstructured | None = None
    """Configuration of a webhook."""


class APIServerConfig(document.Section, frozen=True, kw_only=True):
    """The API server."""

    image: str = ""
    """Image."""
    extra_args: values.Args = document.mapping()
    """Flags added to the command line."""
    extra_volumes: tuple[VolumeMountConfig, ...] = ()
    """Host paths to mount."""
    env: dict[str, str] = document.mapping()
    """Environment."""
    cert_sans: tuple[str, ...] = document.named("certSANs", ())
    """Names and addresses added to its certificate."""
    disable_pod_security_policy: bool | None = None
    """Without meaning: Kubernetes has dropped pod security policies."""
    admission_control: tuple[AdmissionPluginConfig, ...] = ()
    """Admission plug-ins."""
    audit_policy: Annotated[values.Unstructured | None, values.REPLACE] = None
    """Audit policy."""
    resources: ResourcesConfig | None = None
    """Requests and limits."""
    authorization_config: tuple[AuthorizationConfigAuthorizerConfig, ...] = ()
    """Authorizers before or instead of Node and RBAC."""


class ControllerManagerConfig(document.Section, frozen=True, kw_only=True):
    """The controller manager."""

    image: str = ""
    """Image."""
    extra_args: values.Args = document.mapping()
    """Flags added to the command line."""
    extra_volumes: tuple[VolumeMountConfig, ...] = ()
    """Host paths to mount."""
    env: dict[str, str] = document.mapping()
    """Environment."""
    resources: ResourcesConfig | None = None
    """Requests and limits."""


class ProxyConfig(document.Section, frozen=True, kw_only=True):
    """kube-proxy."""

    disabled: bool | None = None
    """Do not deploy it."""
    image: str = ""
    """Image."""
    mode: str = ""
    """iptables, ipvs or nftables."""
    extra_args: values.Args = document.mapping()
    """Flags added to the command line."""


class SchedulerConfig(document.Section, frozen=True, kw_only=True):
    """The scheduler."""

    image: str = ""
    """Image."""
    extra_args: values.Args = document.mapping()
    """Flags added to the command line."""
    extra_volumes: tuple[VolumeMountConfig, ...] = ()
    """Host paths to mount."""
    env: dict[str, str] = document.mapping()
    """Environment."""
    resources: ResourcesConfig | None = None
    """Requests and limits."""
    config: values.Unstructured | None = None
    """KubeSchedulerConfiguration."""


class RegistryKubernetesConfig(document.Section, frozen=True, kw_only=True):
    """Discovery through annotations of Kubernetes nodes."""

    disabled: bool | None = None
    """Do not use it."""


class RegistryServiceConfig(document.Section, frozen=True, kw_only=True):
    """Discovery through a service outside."""

    disabled: bool | None = None
    """Do not use it."""
    endpoint: str = ""
    """URL of the service."""


class DiscoveryRegistriesConfig(document.Section, frozen=True, kw_only=True):
    """Where members find one another."""

    kubernetes: Annotated[RegistryKubernetesConfig | None, values.ALWAYS] = RegistryKubernetesConfig()
    """Through Kubernetes."""
    service: Annotated[RegistryServiceConfig | None, values.ALWAYS] = RegistryServiceConfig()
    """Through a service."""


class ClusterDiscoveryConfig(document.Section, frozen=True, kw_only=True):
    """Members finding one another."""

    enabled: bool | None = None
    """Do it."""
    registries: Annotated[DiscoveryRegistriesConfig | None, values.ALWAYS] = DiscoveryRegistriesConfig()
    """Where."""


class EtcdConfig(document.Section, frozen=True, kw_only=True):
    """etcd."""

    image: str = ""
    """Image."""
    ca: pem.CertificateAndKey | None = None
    """Authority of etcd's certificates."""
    extra_args: values.Args = document.mapping()
    """Flags added to the command line."""
    subnet: str = ""
    """Single subnet; use `advertisedSubnets`."""
    advertised_subnets: tuple[str, ...] = ()
    """Subnets of the address told to the other members; one with `!` in front excludes."""
    listen_subnets: tuple[str, ...] = ()
    """Subnets of the addresses to listen on, `advertisedSubnets` by default."""


class CoreDNS(document.Section, frozen=True, kw_only=True):
    """CoreDNS."""

    disabled: bool | None = None
    """Do not deploy it."""
    image: str = ""
    """Image."""


class ExternalCloudProviderConfig(document.Section, frozen=True, kw_only=True):
    """A cloud controller manager from outside."""

    enabled: bool | None = None
    """Expect one."""
    manifests: tuple[str, ...] = ()
    """URLs of its manifests."""


class ClusterInlineManifest(document.Section, frozen=True, kw_only=True):
    """Manifests that stand in the configuration."""

    name: Annotated[str, values.ALWAYS] = ""
    """Name."""
    contents: Annotated[str, _MANIFEST, values.ALWAYS] = ""
    """YAML of one or more objects."""


class AdminKubeconfigConfig(document.Section, frozen=True, kw_only=True):
    """The kubeconfig `talosctl kubeconfig` gives."""

    cert_lifetime: values.Duration | None = None
    """How long its certificate is valid, a year by default."""


class ClusterConfig(document.Section, frozen=True, kw_only=True):
    """What all machines of a cluster share."""

    id: str = ""
    """Identity of the cluster, 32 bytes in URL-safe base64."""
    secret: Annotated[str, values.SECRET] = ""
    """Secret of the cluster, 32 bytes in base64."""
    control_plane: ControlPlaneConfig | None = None
    """How the control plane is reached."""
    cluster_name: str = ""
    """Name of the cluster."""
    network: ClusterNetworkConfig | None = None
    """Networks of Kubernetes."""
    token: Annotated[str, values.SECRET] = ""
    """Bootstrap token of Kubernetes."""
    aescbc_encryption_secret: Annotated[str, values.SECRET] = ""
    """Key for secrets in etcd, AES-CBC."""
    secretbox_encryption_secret: Annotated[str, values.SECRET] = ""
    """Key for secrets in etcd, secretbox."""
    ca: pem.CertificateAndKey | None = None
    """Authority of the Kubernetes API."""
    accepted_cas: tuple[pem.Certificate, ...] = document.named("acceptedCAs", ())
    """Further authorities of the Kubernetes API; for rotation."""
    aggregator_ca: pem.CertificateAndKey | None = document.named("aggregatorCA", None)
    """Authority of the API server's front proxy."""
    service_account: pem.Key | None = None
    """Key service account tokens are signed with."""
    api_server: APIServerConfig | None = None
    """The API server."""
    controller_manager: ControllerManagerConfig | None = None
    """The controller manager."""
    proxy: ProxyConfig | None = None
    """kube-proxy."""
    scheduler: SchedulerConfig | None = None
    """The scheduler."""
    discovery: ClusterDiscoveryConfig | None = None
    """Members finding one another."""
    etcd: EtcdConfig | None = None
    """etcd."""
    core_dns: CoreDNS | None = document.named("coreDNS", None)
    """CoreDNS."""
    external_cloud_provider: ExternalCloudProviderConfig | None = None
    """Cloud controller manager from outside."""
    extra_manifests: tuple[str, ...] = ()
    """URLs of manifests to apply."""
    extra_manifest_headers: dict[str, str] = document.mapping()
    """Headers sent when they are fetched."""
    inline_manifests: tuple[ClusterInlineManifest, ...] = ()
    """Manifests to apply."""
    admin_kubeconfig: AdminKubeconfigConfig | None = None
    """The kubeconfig of administrators."""
    allow_scheduling_on_masters: bool | None = None
    """Old spelling of `allowSchedulingOnControlPlanes`."""
    allow_scheduling_on_control_planes: bool | None = None
    """Run workloads on control planes too."""
