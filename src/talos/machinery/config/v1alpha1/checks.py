"""Checks of the v1alpha1 document: what a machine of its type must and must not say."""

from __future__ import annotations

from urllib.parse import urlsplit

from talos.machinery.config import checks, findings, v1alpha1, values
from talos.machinery.config.documents.k8s.kubelet import PROTECTED_FIELDS
from talos.machinery.config.v1alpha1 import cluster as cluster_sections
from talos.machinery.config.v1alpha1 import machine as machine_sections
from talos.machinery.config.v1alpha1 import network_checks, storage

CONTROL_PLANE_TYPES = ("controlplane", "init")
# Old names for the present ones.
ALIASES = {"join": "worker", "": "worker"}
CNI_NAMES = ("flannel", "custom", "none")


def check(config: v1alpha1.Config, *, installs: bool, found: findings.Findings) -> None:
    """Report errors and warnings. `installs`: the system is installed on a disk by its configuration."""
    if config.version not in ("", v1alpha1.VERSION):
        found.error("version", f"expected {v1alpha1.VERSION}, got {config.version!r}")
    if config.persist is False:
        found.error("persist", "can not be switched off")
    machine = config.machine
    if machine is None:
        found.error("machine", "must be given")
        return
    kind = ALIASES.get(machine.type, machine.type)
    if kind != machine.type:
        found.warn("machine.type", f"use {kind!r} instead of {machine.type!r}")
    if kind not in (*CONTROL_PLANE_TYPES, "worker"):
        found.error("machine.type", f"expected controlplane or worker, got {machine.type!r}")
    plane = kind in CONTROL_PLANE_TYPES
    _authority(machine, found, plane=plane)
    if config.cluster is not None:
        _cluster(config.cluster, found, plane=plane)
    if installs and machine.install is not None:
        _installation(machine.install, found)
    _machine(machine, found, plane=plane)


def _authority(machine: machine_sections.MachineConfig, found: findings.Findings, *, plane: bool) -> None:
    if machine.ca is None and not machine.accepted_cas:
        found.error("machine.ca", "ca or acceptedCAs has to be given")
    if plane and machine.ca is None:
        found.error("machine.ca", "a control plane needs the authority")
    elif plane and machine.ca is not None and not machine.ca.key:
        found.error("machine.ca.key", "a control plane needs the authority's key")
    if not plane and machine.ca is not None:
        if machine.ca.key:
            found.error("machine.ca.key", "must not be on a worker")
        if not machine.ca.crt and not machine.accepted_cas:
            found.error("machine.ca.crt", "a worker needs a certificate to trust")


def _machine(machine: machine_sections.MachineConfig, found: findings.Findings, *, plane: bool) -> None:
    if machine.network is not None:
        network_checks.check(machine.network, found, plane=plane)
    for n, disk in enumerate(machine.disks):
        for m, partition in enumerate(disk.partitions):
            if not partition.size and m != len(disk.partitions) - 1:
                found.error(f"machine.disks[{n}].partitions[{m}].size", "only the last one may take what is left")
    if machine.kubelet is not None:
        _kubelet(machine.kubelet, found)
    if machine.system_disk_encryption is not None:
        for name in ("state", "ephemeral"):
            spec = getattr(machine.system_disk_encryption, name)
            if spec is not None:
                _encryption(spec, found, f"machine.systemDiskEncryption.{name}")
    if machine.install is not None:
        _install(machine.install, found)
    checks.node_labels(found, "machine.nodeLabels", machine.node_labels)
    checks.node_annotations(found, "machine.nodeAnnotations", machine.node_annotations)
    checks.node_taints(found, "machine.nodeTaints", machine.node_taints)
    if machine.features is not None:
        _features(machine.features, found, plane=plane)
    if machine.logging is not None:
        _logging(machine.logging, found)
    checks.runtime_spec(found, "machine.baseRuntimeSpecOverrides", machine.base_runtime_spec_overrides or {})


def _installation(install: machine_sections.InstallConfig, found: findings.Findings) -> None:
    if not install.disk and install.disk_selector is None:
        found.error("machine.install", "disk or diskSelector has to be given")
    if install.extra_kernel_args and install.grub_use_uki_cmdline:
        found.error("machine.install.extraKernelArgs", "can not be used together with grubUseUKICmdline")


def _install(install: machine_sections.InstallConfig, found: findings.Findings) -> None:
    seen: set[str] = set()
    for n, extension in enumerate(install.extensions):
        if extension.image in seen:
            found.error(f"machine.install.extensions[{n}]", f"{extension.image} is given twice")
        seen.add(extension.image)
    if install.extensions:
        found.warn("machine.install.extensions", "is deprecated: use an image that has the extensions inside")


def _kubelet(kubelet: machine_sections.KubeletConfig, found: findings.Findings) -> None:
    if kubelet.node_ip is not None:
        path = "machine.kubelet.nodeIP.validSubnets"
        checks.subnets_or_addresses(found, path, kubelet.node_ip.valid_subnets)
    for key in kubelet.extra_config or {}:
        if key in PROTECTED_FIELDS:
            found.error(f"machine.kubelet.extraConfig.{key}", "is set by the system and can not be changed")


def _encryption(spec: storage.EncryptionConfig, found: findings.Findings, path: str) -> None:
    found.require(spec.keys, f"{path}.keys")
    slots: set[int] = set()
    for n, key in enumerate(spec.keys):
        if key.slot in slots:
            found.error(f"{path}.keys[{n}].slot", f"slot {key.slot} is used twice")
        slots.add(key.slot)
        if all(way is None for way in (key.static, key.node_id, key.kms, key.tpm)):
            found.error(f"{path}.keys[{n}]", "static, nodeID, kms or tpm has to be given")


def _features(features: machine_sections.FeaturesConfig, found: findings.Findings, *, plane: bool) -> None:
    access = features.kubernetes_talos_api_access
    if access is not None and access.enabled:
        if not plane:
            found.error("machine.features.kubernetesTalosAPIAccess", "is for control planes only")
        for n, role in enumerate(access.allowed_roles):
            problem = checks.role(role)
            if problem:
                found.error(f"machine.features.kubernetesTalosAPIAccess.allowedRoles[{n}]", problem)
    dns = features.host_dns
    if dns is not None and dns.forward_kube_dns_to_host and not dns.enabled:
        found.error("machine.features.hostDNS.forwardKubeDNSToHost", "needs hostDNS.enabled")


def _logging(logging: machine_sections.LoggingConfig, found: findings.Findings) -> None:
    for n, destination in enumerate(logging.destinations):
        path = f"machine.logging.destinations[{n}]"
        if found.require(destination.endpoint, f"{path}.endpoint"):
            parts = urlsplit(destination.endpoint or "")
            if parts.scheme not in ("tcp", "udp") or parts.port is None:
                found.error(f"{path}.endpoint", "expected tcp://host:port or udp://host:port")
        found.require(destination.format, f"{path}.format")


def _cluster(cluster: cluster_sections.ClusterConfig, found: findings.Findings, *, plane: bool) -> None:
    endpoint = cluster.control_plane.endpoint if cluster.control_plane else None
    if endpoint and checks.endpoint_url(endpoint):
        found.error("cluster.controlPlane.endpoint", checks.endpoint_url(endpoint))
    if cluster.ca is not None and cluster.ca.key and not plane:
        found.error("cluster.ca.key", "must not be on a worker")
    if cluster.etcd is not None:
        _etcd(cluster.etcd, found, plane=plane)
    if cluster.network is not None:
        _network(cluster.network, found, plane=plane)
    _external(cluster, found)
    names: set[str] = set()
    for n, manifest in enumerate(cluster.inline_manifests):
        path = f"cluster.inlineManifests[{n}].name"
        if found.require(manifest.name.strip(), path) and manifest.name in names:
            found.error(path, f"{manifest.name!r} is given twice")
        names.add(manifest.name)
    service = cluster.discovery.registries.service if cluster.discovery and cluster.discovery.registries else None
    if cluster.discovery is not None and cluster.discovery.enabled and service and service.endpoint:
        parts = urlsplit(service.endpoint)
        if not parts.scheme or not parts.netloc or parts.path not in ("", "/"):
            path = "cluster.discovery.registries.service.endpoint"
            found.error(path, f"expected a URL without path, got {service.endpoint!r}")


def _etcd(etcd: cluster_sections.EtcdConfig, found: findings.Findings, *, plane: bool) -> None:
    if not plane:
        found.error("cluster.etcd", "is for control planes only")
        return
    found.require(etcd.ca, "cluster.etcd.ca")
    if etcd.subnet and etcd.advertised_subnets:
        found.error("cluster.etcd.subnet", "can not be used together with advertisedSubnets")
    advertised = etcd.advertised_subnets or ((etcd.subnet,) if etcd.subnet else ())
    checks.subnets_or_addresses(found, "cluster.etcd.advertisedSubnets", advertised)
    checks.subnets_or_addresses(found, "cluster.etcd.listenSubnets", etcd.listen_subnets)


def _network(network: cluster_sections.ClusterNetworkConfig, found: findings.Findings, *, plane: bool) -> None:
    for path, subnets in (("podSubnets", network.pod_subnets), ("serviceSubnets", network.service_subnets)):
        for n, text in enumerate(subnets):
            try:
                values.parse_prefix(text)
            except ValueError:
                found.error(f"cluster.network.{path}[{n}]", f"expected an address prefix, got {text!r}")
    cni = network.cni
    if cni is None or not plane:
        return
    path = "cluster.network.cni"
    if cni.name != "custom" and cni.urls:
        found.error(f"{path}.urls", f"means nothing for {cni.name!r}")
    if cni.name == "custom" and not cni.urls:
        found.warn(f"{path}.urls", "is empty: pods have no network until something else brings one")
    if cni.name in ("custom", "none") and cni.flannel is not None and cni.flannel.extra_args:
        found.error(f"{path}.flannel.extraArgs", f"means nothing for {cni.name!r}")
    for n, url in enumerate(cni.urls):
        if checks.http_url(url):
            found.error(f"{path}.urls[{n}]", checks.http_url(url))


def _external(cluster: cluster_sections.ClusterConfig, found: findings.Findings) -> None:
    provider = cluster.external_cloud_provider
    if provider is None:
        return
    if provider.manifests and not provider.enabled:
        found.error("cluster.externalCloudProvider.manifests", "need enabled")
    for n, url in enumerate(provider.manifests):
        if checks.http_url(url):
            found.error(f"cluster.externalCloudProvider.manifests[{n}]", checks.http_url(url))
