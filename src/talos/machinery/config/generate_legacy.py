"""Configurations for releases before 1.14: everything in v1alpha1, a document or two since 1.12."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from talos.machinery.config import container, defaults, document, v1alpha1
from talos.machinery.config import generate as input_
from talos.machinery.config.documents.cri import registry_mirror, registry_tls
from talos.machinery.config.documents.network import hostname
from talos.machinery.config.v1alpha1 import cluster, machine, network, registries
from talos.machinery.types import pem
from talos.machinery.types.machine import MachineType


def generate(wanted: input_.GenerateInput, machine_type: MachineType) -> container.Container:
    """Return the configuration of one kind of machine."""
    plane = machine_type in (MachineType.CONTROL_PLANE, MachineType.INIT)
    config = v1alpha1.Config(
        version=v1alpha1.VERSION,
        debug=wanted.debug,
        persist=True,
        machine=_machine(wanted, str(machine_type), plane=plane),
        cluster=_cluster(wanted, plane=plane),
    )
    return container.Container(config, _documents(wanted))


def _documents(wanted: input_.GenerateInput) -> list[document.Document]:
    if not wanted.contract.after(1, 11):
        return []
    found: list[document.Document] = []
    for host, urls in sorted(wanted.registry_mirrors.items()):
        endpoints = tuple(registry_mirror.RegistryEndpoint(url=u) for u in urls)
        found.append(registry_mirror.RegistryMirrorConfig(name=host, endpoints=endpoints))
    insecure = sorted(wanted.registry_insecure)
    found += [registry_tls.RegistryTLSConfig(name=host, insecure_skip_verify=True) for host in insecure]
    found.append(hostname.HostnameConfig(auto="stable"))
    return found


def _machine(wanted: input_.GenerateInput, kind: str, *, plane: bool) -> machine.MachineConfig:
    bundle, contract = wanted.secrets, wanted.contract
    labels = {defaults.EXCLUDE_BALANCERS_LABEL: ""} if plane and contract.after(1, 7) else {}
    links = network.NetworkConfig() if not contract.after(1, 12) or wanted.kubespan else None
    if links is not None and wanted.kubespan:
        links = network.NetworkConfig(kubespan=network.NetworkKubeSpan(enabled=True))
    return machine.MachineConfig(
        type=kind,
        token=bundle.trustd_token,
        ca=bundle.os if plane else pem.CertificateAndKey(crt=bundle.os.crt),
        cert_sans=wanted.additional_sans,
        kubelet=machine.KubeletConfig(
            image=f"ghcr.io/siderolabs/kubelet:{wanted.version}",
            cluster_dns=wanted.cluster_dns,
            default_runtime_seccomp_profile_enabled=True if contract.after(1, 1) else None,
            disable_manifests_directory=True if contract.after(1, 2) else None,
        ),
        network=links,
        install=machine.InstallConfig(
            disk=wanted.install_disk,
            image=wanted.install_image,
            extra_kernel_args=wanted.install_extra_kernel_args,
            wipe=False,
            grub_use_uki_cmdline=True if contract.after(1, 11) else None,
        ),
        sysctls=wanted.sysctls,
        registries=_registries(wanted),
        features=_features(wanted),
        node_labels=labels,
    )


def _registries(wanted: input_.GenerateInput) -> registries.RegistriesConfig | None:
    if wanted.contract.after(1, 11):
        return None
    mirrors = {
        host: registries.RegistryMirrorConfig(endpoints=tuple(urls)) for host, urls in wanted.registry_mirrors.items()
    }
    if not wanted.contract.after(1, 1) and "k8s.gcr.io" not in mirrors:
        # The registry Kubernetes left.
        moved = ("https://registry.k8s.io", "https://k8s.gcr.io")
        mirrors["k8s.gcr.io"] = registries.RegistryMirrorConfig(endpoints=moved)
    tls = registries.RegistryTLSConfig(insecure_skip_verify=True)
    config = {host: registries.RegistryConfig(tls=tls) for host in wanted.registry_insecure}
    return registries.RegistriesConfig(mirrors=mirrors, config=config) if mirrors or config else None


def _features(wanted: input_.GenerateInput) -> machine.FeaturesConfig:
    contract = wanted.contract
    spoken = not contract.after(1, 11)
    prism = wanted.kube_prism_port if contract.after(1, 5) else 0
    dns = machine.HostDNSConfig(enabled=True, forward_kube_dns_to_host=wanted.forwards_dns)
    return machine.FeaturesConfig(
        rbac=True if spoken else None,
        stable_hostname=True if spoken and contract.after(1, 1) else None,
        apid_check_ext_key_usage=True if spoken and contract.after(1, 2) else None,
        disk_quota_support=True if contract.after(1, 4) else None,
        kube_prism=machine.KubePrism(enabled=True, port=prism) if prism else None,
        host_dns=dns if contract.after(1, 6) else None,
    )


def _cluster(wanted: input_.GenerateInput, *, plane: bool) -> cluster.ClusterConfig:
    bundle, contract = wanted.secrets, wanted.contract
    pods, services = wanted.networks
    kubernetes = cluster.RegistryKubernetesConfig(disabled=True if contract.after(1, 1) else None)
    endpoint = "" if wanted.discovery_endpoint == defaults.DISCOVERY_ENDPOINT else wanted.discovery_endpoint
    service = cluster.RegistryServiceConfig(endpoint=endpoint)
    shared: dict[str, Any] = {
        "id": bundle.cluster_id,
        "secret": bundle.cluster_secret,
        "control_plane": cluster.ControlPlaneConfig(
            endpoint=wanted.endpoint, local_api_server_port=(wanted.local_api_port or 0) if plane else 0
        ),
        "cluster_name": wanted.cluster_name if plane or contract.after(1, 7) else "",
        "network": cluster.ClusterNetworkConfig(
            cni=_cni(wanted), dns_domain=wanted.dns_domain, pod_subnets=pods, service_subnets=services
        ),
        "token": bundle.bootstrap_token,
        "ca": bundle.k8s if plane else pem.CertificateAndKey(crt=bundle.k8s.crt),
        "discovery": cluster.ClusterDiscoveryConfig(
            enabled=wanted.cluster_discovery,
            registries=cluster.DiscoveryRegistriesConfig(kubernetes=kubernetes, service=service),
        ),
    }
    return cluster.ClusterConfig(**shared, **(_control_plane(wanted) if plane else {}))


def _cni(wanted: input_.GenerateInput) -> cluster.CNIConfig | None:
    if wanted.cni_urls:
        return cluster.CNIConfig(name="custom", urls=wanted.cni_urls)
    return cluster.CNIConfig(name="none") if wanted.no_cni else None


def _control_plane(wanted: input_.GenerateInput) -> dict[str, Any]:
    bundle, contract, version = wanted.secrets, wanted.contract, wanted.version
    sans = wanted.additional_sans
    if not contract.after(1, 11):
        sans = (urlsplit(wanted.endpoint).hostname or "", *sans)
    plugin = cluster.AdmissionPluginConfig(name="PodSecurity", configuration=defaults.POD_SECURITY)
    schedules = True if wanted.allow_scheduling_on_control_planes else None
    return {
        "secretbox_encryption_secret": bundle.secretbox if contract.after(1, 2) else "",
        "aescbc_encryption_secret": "" if contract.after(1, 2) and bundle.secretbox else bundle.aescbc,
        "aggregator_ca": bundle.aggregator,
        "service_account": pem.Key(key=bundle.service_account),
        "api_server": cluster.APIServerConfig(
            image=f"registry.k8s.io/kube-apiserver:{version}",
            cert_sans=sans,
            disable_pod_security_policy=None if contract.after(1, 11) else True,
            admission_control=(plugin,) if contract.after(1, 0) else (),
            audit_policy=defaults.AUDIT_POLICY if contract.after(1, 2) else None,
        ),
        "controller_manager": cluster.ControllerManagerConfig(
            image=f"registry.k8s.io/kube-controller-manager:{version}"
        ),
        "proxy": cluster.ProxyConfig(image=f"registry.k8s.io/kube-proxy:{version}"),
        "scheduler": cluster.SchedulerConfig(image=f"registry.k8s.io/kube-scheduler:{version}"),
        "etcd": cluster.EtcdConfig(ca=bundle.etcd),
        "allow_scheduling_on_control_planes": schedules if contract.after(1, 1) else None,
        "allow_scheduling_on_masters": None if contract.after(1, 1) else schedules,
    }
