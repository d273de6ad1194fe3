"""Views of the control plane: components, their secrets and policies, add-ons and manifests."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import field

from talos.base.constants import versions
from talos.machinery.config import container
from talos.machinery.config.documents.k8s import (
    kube_admission_control,
    kube_aggregator_ca,
    kube_api_server,
    kube_api_server_ca,
    kube_audit_policy,
    kube_authentication,
    kube_authorizer,
    kube_controller_manager,
    kube_core_dns,
    kube_etcd_encryption,
    kube_external_manifest,
    kube_flannel_cni,
    kube_inline_manifest,
    kube_proxy,
    kube_scheduler,
    kube_service_account,
)
from talos.machinery.config.views import machine as views
from talos.machinery.config.views.kubernetes import args
from talos.machinery.types import pem

Args = dict[str, tuple[str, ...]]


class Component(msgspec.Struct, frozen=True):
    """One control plane component: image, arguments, environment, resources, extra volumes (name, hostPath, …)."""

    image: str
    extra_args: Args = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    requests: dict[str, str] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)
    extra_volumes: tuple[Any, ...] = ()
    enabled: bool = True
    config: dict[str, Any] = field(default_factory=dict)


class APIServer(msgspec.Struct, frozen=True):
    """The API server: the component, and what only it has."""

    component: Component
    port: int
    cert_sans: tuple[str, ...]
    startup_probes: bool


def _quantities(source: Any, name: str) -> dict[str, str]:
    found = getattr(getattr(source, "resources", None), name, None) or {}
    return {k: str(v) for k, v in found.items()}


def _component(source: Any, image: str) -> Component:
    """Read the fields all components share from a document or a section; None means all defaults."""
    if source is None:
        return Component(image)
    return Component(
        image=source.image or image,
        extra_args=args(source.extra_args),
        env=dict(getattr(source, "env", {})),
        requests=_quantities(source, "requests"),
        limits=_quantities(source, "limits"),
        extra_volumes=tuple(getattr(source, "extra_volumes", ())),
        enabled=getattr(source, "enabled", None) is not False,
        config=getattr(source, "config", None) or {},
    )


def api_server(config: container.Container) -> APIServer:
    """Settings of kube-apiserver."""
    document = config.one(kube_api_server.KubeAPIServerConfig)
    legacy = views.cluster_section(config).api_server
    sans = document.cert_extra_sans if document else (legacy.cert_sans if legacy else ())
    return APIServer(
        component=_component(document or legacy, versions.IMAGE_API_SERVER),
        port=views.cluster(config).local_api_port,
        cert_sans=sans,
        startup_probes=document is not None and document.startup_probes is True,
    )


def controller_manager(config: container.Container) -> Component:
    """Settings of kube-controller-manager."""
    document = config.one(kube_controller_manager.KubeControllerManagerConfig)
    legacy = views.cluster_section(config).controller_manager
    return _component(document or legacy, versions.IMAGE_CONTROLLER_MANAGER)


def scheduler(config: container.Container) -> Component:
    """Settings of kube-scheduler."""
    document = config.one(kube_scheduler.KubeSchedulerConfig)
    return _component(document or views.cluster_section(config).scheduler, versions.IMAGE_SCHEDULER)


class Proxy(msgspec.Struct, frozen=True):
    """kube-proxy. `mode` is nftables unless the config says otherwise."""

    component: Component
    mode: str


def proxy(config: container.Container) -> Proxy:
    """Settings of kube-proxy."""
    document = config.one(kube_proxy.KubeProxyConfig)
    legacy = views.cluster_section(config).proxy
    if document is not None:
        return Proxy(_component(document, versions.IMAGE_PROXY), document.mode or "nftables")
    if legacy is None:
        return Proxy(Component(versions.IMAGE_PROXY, enabled=config.v1alpha1 is not None), "nftables")
    component = Component(
        image=legacy.image or versions.IMAGE_PROXY,
        extra_args=args(legacy.extra_args),
        enabled=legacy.disabled is not True,
    )
    return Proxy(component, legacy.mode or "nftables")


class CoreDNS(msgspec.Struct, frozen=True):
    """The cluster's DNS."""

    enabled: bool
    image: str


def core_dns(config: container.Container) -> CoreDNS:
    """Settings of CoreDNS."""
    document = config.one(kube_core_dns.KubeCoreDNSConfig)
    if document is not None:
        return CoreDNS(document.enabled is not False, document.image or versions.IMAGE_COREDNS)
    legacy = views.cluster_section(config).core_dns
    if legacy is None:
        return CoreDNS(enabled=True, image=versions.IMAGE_COREDNS)
    return CoreDNS(legacy.disabled is not True, legacy.image or versions.IMAGE_COREDNS)


class Flannel(msgspec.Struct, frozen=True):
    """The default pod network."""

    backend_type: str = "vxlan"
    backend_port: int = 4789
    backend_mtu: int = 0
    backend_extra: dict[str, Any] = field(default_factory=dict)
    extra_args: tuple[str, ...] = ()
    requests: dict[str, str] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)
    network_policies: bool = False


def cni_name(config: container.Container) -> str:
    """`flannel`, `custom` or `none`."""
    if config.one(kube_flannel_cni.KubeFlannelCNIConfig) is not None:
        return "flannel"
    network = views.cluster_section(config).network
    if network is not None and network.cni is not None:
        return network.cni.name or "flannel"
    # A 1.14 configuration without the document wants no CNI of ours; an older one means the default.
    from talos.machinery.config.documents.k8s import kube_cluster

    return "none" if config.one(kube_cluster.KubeClusterConfig) is not None else "flannel"


def flannel(config: container.Container) -> Flannel:
    """Settings of flannel."""
    document = config.one(kube_flannel_cni.KubeFlannelCNIConfig)
    if document is not None:
        return Flannel(
            backend_type=document.backend_type or "vxlan",
            backend_port=document.backend_port or 4789,
            backend_mtu=document.backend_mtu,
            backend_extra=document.backend_extra_config or {},
            extra_args=document.extra_args,
            requests=_quantities(document, "requests"),
            limits=_quantities(document, "limits"),
            network_policies=document.kube_network_policies_enabled is True,
        )
    network = views.cluster_section(config).network
    legacy = network.cni.flannel if network and network.cni else None
    if legacy is None:
        return Flannel()
    return Flannel(extra_args=legacy.extra_args, network_policies=legacy.kube_network_policies_enabled is True)


class Etcd(msgspec.Struct, frozen=True):
    """Settings of etcd. Subnets limit which addresses it uses; `!` excludes."""

    image: str
    ca: pem.CertificateAndKey
    extra_args: Args
    advertised_subnets: tuple[str, ...]
    listen_subnets: tuple[str, ...]


def etcd(config: container.Container) -> Etcd:
    """Settings of etcd; `ca.key` is empty where the node does not run it."""
    section = views.cluster_section(config).etcd
    if section is None:
        return Etcd(versions.IMAGE_ETCD, pem.CertificateAndKey(), {}, (), ())
    advertised = section.advertised_subnets or ((section.subnet,) if section.subnet else ())
    return Etcd(
        image=section.image or versions.IMAGE_ETCD,
        ca=section.ca or pem.CertificateAndKey(),
        extra_args=args(section.extra_args),
        advertised_subnets=advertised,
        listen_subnets=section.listen_subnets,
    )


class KubernetesSecrets(msgspec.Struct, frozen=True):
    """Roots of trust of Kubernetes, all PEM. Keys are empty on workers. `bootstrap_token` is `id.secret`."""

    ca: pem.CertificateAndKey
    accepted_cas: tuple[bytes, ...]
    aggregator_ca: pem.CertificateAndKey
    accepted_aggregator_cas: tuple[bytes, ...]
    service_account_key: bytes
    accepted_service_account_keys: tuple[bytes, ...]
    issuer_url: str
    accepted_issuers: tuple[str, ...]
    audiences: tuple[str, ...]
    bootstrap_token: str

    @property
    def ca_bundle(self) -> bytes:
        """All certificates a client must accept."""
        return b"\n".join(c.strip() for c in (self.ca.crt, *self.accepted_cas) if c) + b"\n"


def _pair(found: Any) -> pem.CertificateAndKey:
    return pem.CertificateAndKey(crt=found.cert.encode(), key=found.key.encode()) if found else pem.CertificateAndKey()


def kubernetes_secrets(config: container.Container) -> KubernetesSecrets:
    """Roots of trust of Kubernetes."""
    section = views.cluster_section(config)
    ca = config.one(kube_api_server_ca.KubeAPIServerCAConfig)
    aggregator = config.one(kube_aggregator_ca.KubeAggregatorCAConfig)
    account = config.one(kube_service_account.KubeServiceAccountConfig)
    issuer, accepted = (account.issuer, account.accepted) if account else (None, None)
    legacy_key = section.service_account.key if section.service_account else b""
    return KubernetesSecrets(
        ca=_pair(ca.issuing_ca) if ca else section.ca or pem.CertificateAndKey(),
        accepted_cas=tuple(c.encode() for c in ca.accepted_cas) if ca else tuple(c.crt for c in section.accepted_cas),
        aggregator_ca=_pair(aggregator.issuing_ca) if aggregator else section.aggregator_ca or pem.CertificateAndKey(),
        accepted_aggregator_cas=tuple(c.encode() for c in aggregator.accepted_cas) if aggregator else (),
        service_account_key=issuer.private_key.encode() if issuer else legacy_key,
        accepted_service_account_keys=tuple(k.encode() for k in accepted.public_keys) if accepted else (),
        issuer_url=(issuer.issuer_url if issuer else "") or views.cluster(config).endpoint,
        accepted_issuers=accepted.issuers if accepted else (),
        audiences=accepted.audiences if accepted else (),
        bootstrap_token=section.token,
    )


def encryption_config(config: container.Container) -> dict[str, Any]:
    """EncryptionConfiguration for the API server without its head (`resources: …`); empty: nothing is encrypted."""
    document = config.one(kube_etcd_encryption.KubeEtcdEncryptionConfig)
    if document is not None:
        return document.config or {}
    section = views.cluster_section(config)
    providers: list[dict[str, Any]] = []
    if section.secretbox_encryption_secret:
        providers.append({"secretbox": {"keys": [{"name": "key2", "secret": section.secretbox_encryption_secret}]}})
    if section.aescbc_encryption_secret:
        providers.append({"aescbc": {"keys": [{"name": "key1", "secret": section.aescbc_encryption_secret}]}})
    if not providers:
        return {}
    return {"resources": [{"resources": ["secrets"], "providers": [*providers, {"identity": {}}]}]}


class AdmissionPlugin(msgspec.Struct, frozen=True):
    """Configuration of one admission plugin."""

    name: str
    configuration: dict[str, Any]


def admission_control(config: container.Container) -> tuple[AdmissionPlugin, ...]:
    """Configured admission plugins."""
    documents = config.all(kube_admission_control.KubeAdmissionControlConfig)
    if documents:
        return tuple(AdmissionPlugin(d.name, d.configuration or {}) for d in documents)
    legacy = views.cluster_section(config).api_server
    return tuple(AdmissionPlugin(p.name, p.configuration or {}) for p in (legacy.admission_control if legacy else ()))


def audit_policy(config: container.Container) -> dict[str, Any]:
    """Audit policy; the original's default logs metadata of everything."""
    document = config.one(kube_audit_policy.KubeAuditPolicyConfig)
    legacy = views.cluster_section(config).api_server
    found = document.configuration if document else (legacy.audit_policy if legacy else None)
    return found or {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}


def authentication(config: container.Container) -> dict[str, Any]:
    """AuthenticationConfiguration without its head; empty: flags decide."""
    document = config.one(kube_authentication.KubeAuthenticationConfig)
    return (document.configuration if document else None) or {}


class Authorizer(msgspec.Struct, frozen=True):
    """One entry of the API server's authorisation chain."""

    name: str
    type: str
    webhook: dict[str, Any]


def authorizers(config: container.Container) -> tuple[Authorizer, ...]:
    """The authorisation chain; Node and RBAC are always part of it."""
    documents = config.all(kube_authorizer.KubeAuthorizerConfig)
    legacy = views.cluster_section(config).api_server
    found = [Authorizer(d.name, d.type, d.webhook or {}) for d in documents] or [
        Authorizer(a.name, a.type, a.webhook or {}) for a in (legacy.authorization_config if legacy else ())
    ]
    types = {a.type for a in found}
    missing = [Authorizer(t.lower(), t, {}) for t in ("Node", "RBAC") if t not in types]
    return (*missing, *found)


class Manifest(msgspec.Struct, frozen=True):
    """A manifest to apply: inline text, or a URL with headers."""

    name: str
    text: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def inline_manifests(config: container.Container) -> tuple[Manifest, ...]:
    """Manifests written in the configuration."""
    legacy = views.cluster_section(config).inline_manifests
    documents = config.all(kube_inline_manifest.KubeInlineManifestConfig)
    return tuple(Manifest(m.name, m.contents) for m in legacy) + tuple(Manifest(d.name, d.manifest) for d in documents)


def external_manifests(config: container.Container) -> tuple[Manifest, ...]:
    """Manifests to download."""
    section = views.cluster_section(config)
    legacy = tuple(Manifest(u, url=u, headers=section.extra_manifest_headers) for u in section.extra_manifests)
    cni = section.network.cni if section.network else None
    custom = tuple(Manifest(u, url=u) for u in (cni.urls if cni and cni.name == "custom" else ()))
    documents = config.all(kube_external_manifest.KubeExternalManifestConfig)
    return custom + legacy + tuple(Manifest(d.name, url=d.url, headers=d.headers) for d in documents)
