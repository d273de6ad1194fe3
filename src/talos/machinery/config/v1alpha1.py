"""The v1alpha1 document, still the home of machine identity and, before 1.14, of everything else."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec

from talos.machinery.types import pem


class KubernetesTalosAPIAccessConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    enabled: bool | None = None
    allowed_roles: tuple[str, ...] = msgspec.field(default=(), name="allowedRoles")
    allowed_kubernetes_namespaces: tuple[str, ...] = msgspec.field(default=(), name="allowedKubernetesNamespaces")


class KubePrism(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    enabled: bool | None = None
    port: int = 0


class HostDNSConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    enabled: bool | None = None
    forward_kube_dns_to_host: bool | None = msgspec.field(default=None, name="forwardKubeDNSToHost")
    resolve_member_names: bool | None = msgspec.field(default=None, name="resolveMemberNames")


class ImageCacheConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    local_enabled: bool | None = msgspec.field(default=None, name="localEnabled")


class FeaturesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    disk_quota_support: bool | None = msgspec.field(default=None, name="diskQuotaSupport")
    node_address_sort_algorithm: str = msgspec.field(default="", name="nodeAddressSortAlgorithm")
    rbac: bool | None = None
    stable_hostname: bool | None = msgspec.field(default=None, name="stableHostname")
    kubernetes_talos_api_access: KubernetesTalosAPIAccessConfig | None = msgspec.field(
        default=None, name="kubernetesTalosAPIAccess"
    )
    apid_check_ext_key_usage: bool | None = msgspec.field(default=None, name="apidCheckExtKeyUsage")
    kube_prism: KubePrism | None = msgspec.field(default=None, name="kubePrism")
    host_dns: HostDNSConfig | None = msgspec.field(default=None, name="hostDNS")
    image_cache: ImageCacheConfig | None = msgspec.field(default=None, name="imageCache")


class LoggingDestination(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    endpoint: dict[str, Any] | None = None
    format: str = ""
    extra_tags: dict[str, str] = msgspec.field(default_factory=dict, name="extraTags")


class LoggingConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    destinations: tuple[LoggingDestination, ...] = ()


class MachineSeccompProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    name: str = ""
    value: dict[str, Any] | None = None


class MachineControllerManagerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    disabled: bool | None = None


class MachineSchedulerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    disabled: bool | None = None


class MachineControlPlaneConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    controller_manager: MachineControllerManagerConfig | None = msgspec.field(default=None, name="controllerManager")
    scheduler: MachineSchedulerConfig | None = None


class LinuxIDMapping(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    container_id: int = msgspec.field(default=0, name="containerID")
    host_id: int = msgspec.field(default=0, name="hostID")
    size: int = 0


class ExtraMount(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    destination: str = ""
    type: str = ""
    source: str = ""
    options: tuple[str, ...] = ()
    uid_mappings: tuple[LinuxIDMapping, ...] = msgspec.field(default=(), name="uidMappings")
    gid_mappings: tuple[LinuxIDMapping, ...] = msgspec.field(default=(), name="gidMappings")


class KubeletNodeIPConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    valid_subnets: tuple[str, ...] = msgspec.field(default=(), name="validSubnets")


class KubeletConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    image: str = ""
    cluster_dns: tuple[str, ...] = msgspec.field(default=(), name="clusterDNS")
    extra_args: dict[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict, name="extraArgs")
    extra_mounts: tuple[ExtraMount, ...] = msgspec.field(default=(), name="extraMounts")
    extra_config: dict[str, Any] | None = msgspec.field(default=None, name="extraConfig")
    credential_provider_config: dict[str, Any] | None = msgspec.field(default=None, name="credentialProviderConfig")
    default_runtime_seccomp_profile_enabled: bool | None = msgspec.field(
        default=None, name="defaultRuntimeSeccompProfileEnabled"
    )
    register_with_fqdn: bool | None = msgspec.field(default=None, name="registerWithFQDN")
    node_ip: KubeletNodeIPConfig | None = msgspec.field(default=None, name="nodeIP")
    skip_node_registration: bool | None = msgspec.field(default=None, name="skipNodeRegistration")
    disable_manifests_directory: bool | None = msgspec.field(default=None, name="disableManifestsDirectory")


class NetworkDeviceSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    bus_path: str = msgspec.field(default="", name="busPath")
    hardware_addr: str = msgspec.field(default="", name="hardwareAddr")
    permanent_addr: str = msgspec.field(default="", name="permanentAddr")
    pci_id: str = msgspec.field(default="", name="pciID")
    driver: str = ""
    physical: bool | None = None


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    network: str = ""
    gateway: str = ""
    source: str = ""
    metric: int = 0
    mtu: int = 0


class Bond(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    interfaces: tuple[str, ...] = ()
    device_selectors: tuple[NetworkDeviceSelector, ...] = msgspec.field(default=(), name="deviceSelectors")
    arp_ip_target: tuple[str, ...] = msgspec.field(default=(), name="arpIPTarget")
    mode: str = ""
    xmit_hash_policy: str = msgspec.field(default="", name="xmitHashPolicy")
    lacp_rate: str = msgspec.field(default="", name="lacpRate")
    ad_actor_system: str = msgspec.field(default="", name="adActorSystem")
    arp_validate: str = msgspec.field(default="", name="arpValidate")
    arp_all_targets: str = msgspec.field(default="", name="arpAllTargets")
    primary: str = ""
    primary_reselect: str = msgspec.field(default="", name="primaryReselect")
    fail_over_mac: str = msgspec.field(default="", name="failOverMac")
    ad_select: str = msgspec.field(default="", name="adSelect")
    miimon: int = 0
    updelay: int = 0
    downdelay: int = 0
    arp_interval: int = msgspec.field(default=0, name="arpInterval")
    resend_igmp: int = msgspec.field(default=0, name="resendIgmp")
    min_links: int = msgspec.field(default=0, name="minLinks")
    lp_interval: int = msgspec.field(default=0, name="lpInterval")
    packets_per_slave: int = msgspec.field(default=0, name="packetsPerSlave")
    num_peer_notif: int = msgspec.field(default=0, name="numPeerNotif")
    tlb_dynamic_lb: int = msgspec.field(default=0, name="tlbDynamicLb")
    all_slaves_active: int = msgspec.field(default=0, name="allSlavesActive")
    use_carrier: bool | None = msgspec.field(default=None, name="useCarrier")
    ad_actor_sys_prio: int = msgspec.field(default=0, name="adActorSysPrio")
    ad_user_port_key: int = msgspec.field(default=0, name="adUserPortKey")
    peer_notify_delay: int = msgspec.field(default=0, name="peerNotifyDelay")


class STP(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    enabled: bool | None = None


class BridgeVLAN(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    vlan_filtering: bool | None = msgspec.field(default=None, name="vlanFiltering")


class Bridge(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    interfaces: tuple[str, ...] = ()
    stp: STP | None = None
    vlan: BridgeVLAN | None = None


class BridgePort(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    master: str = ""


class VIPEquinixMetalConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    api_token: str = msgspec.field(default="", name="apiToken")


class VIPHCloudConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    api_token: str = msgspec.field(default="", name="apiToken")


class DeviceVIPConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    ip: str = ""
    equinix_metal: VIPEquinixMetalConfig | None = msgspec.field(default=None, name="equinixMetal")
    hcloud: VIPHCloudConfig | None = None


class DHCPOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    route_metric: int = msgspec.field(default=0, name="routeMetric")
    ipv4: bool | None = None
    ipv6: bool | None = None
    duidv6: str = ""


class VlanList(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    addresses: tuple[str, ...] = ()
    cidr: str = ""
    routes: tuple[Route, ...] = ()
    dhcp: bool | None = None
    vlan_id: int = msgspec.field(default=0, name="vlanId")
    mtu: int = 0
    vip: DeviceVIPConfig | None = None
    dhcp_options: DHCPOptions | None = msgspec.field(default=None, name="dhcpOptions")


class DeviceWireguardPeer(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    public_key: str = msgspec.field(default="", name="publicKey")
    endpoint: str = ""
    persistent_keepalive_interval: datetime.timedelta | None = msgspec.field(
        default=None, name="persistentKeepaliveInterval"
    )
    allowed_ips: tuple[str, ...] = msgspec.field(default=(), name="allowedIPs")


class DeviceWireguardConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    private_key: str = msgspec.field(default="", name="privateKey")
    listen_port: int = msgspec.field(default=0, name="listenPort")
    firewall_mark: int = msgspec.field(default=0, name="firewallMark")
    peers: tuple[DeviceWireguardPeer, ...] = ()


class NetworkDeviceList(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    interface: str = ""
    device_selector: NetworkDeviceSelector | None = msgspec.field(default=None, name="deviceSelector")
    addresses: tuple[str, ...] = ()
    cidr: str = ""
    routes: tuple[Route, ...] = ()
    bond: Bond | None = None
    bridge: Bridge | None = None
    bridge_port: BridgePort | None = msgspec.field(default=None, name="bridgePort")
    vlans: tuple[VlanList, ...] = ()
    mtu: int = 0
    dhcp: bool | None = None
    ignore: bool | None = None
    dummy: bool | None = None
    dhcp_options: DHCPOptions | None = msgspec.field(default=None, name="dhcpOptions")
    wireguard: DeviceWireguardConfig | None = None
    vip: DeviceVIPConfig | None = None


class ExtraHost(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    ip: str = ""
    aliases: tuple[str, ...] = ()


class KubeSpanFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    endpoints: tuple[str, ...] = ()
    exclude_advertised_networks: tuple[str, ...] = msgspec.field(default=(), name="excludeAdvertisedNetworks")


class NetworkKubeSpan(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    enabled: bool | None = None
    advertise_kubernetes_networks: bool | None = msgspec.field(default=None, name="advertiseKubernetesNetworks")
    allow_down_peer_bypass: bool | None = msgspec.field(default=None, name="allowDownPeerBypass")
    harvest_extra_endpoints: bool | None = msgspec.field(default=None, name="harvestExtraEndpoints")
    mtu: int | None = None
    filters: KubeSpanFilters | None = None


class NetworkConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    hostname: str = ""
    interfaces: tuple[NetworkDeviceList, ...] = ()
    nameservers: tuple[str, ...] = ()
    search_domains: tuple[str, ...] = msgspec.field(default=(), name="searchDomains")
    extra_host_entries: tuple[ExtraHost, ...] = msgspec.field(default=(), name="extraHostEntries")
    kubespan: NetworkKubeSpan | None = None
    disable_search_domain: bool | None = msgspec.field(default=None, name="disableSearchDomain")


class DiskPartition(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    size: str = ""
    mountpoint: str = ""


class MachineDisk(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    device: str = ""
    partitions: tuple[DiskPartition, ...] = ()


class InstallDiskSelector(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    size: str = ""
    name: str = ""
    model: str = ""
    serial: str = ""
    modalias: str = ""
    uuid: str = ""
    wwid: str = ""
    type: str = ""
    bus_path: str = msgspec.field(default="", name="busPath")


class InstallExtensionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    image: str = ""


class InstallConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    disk: str = ""
    disk_selector: InstallDiskSelector | None = msgspec.field(default=None, name="diskSelector")
    extra_kernel_args: tuple[str, ...] = msgspec.field(default=(), name="extraKernelArgs")
    image: str = ""
    extensions: tuple[InstallExtensionConfig, ...] = ()
    bootloader: bool | None = None
    wipe: bool | None = None
    legacy_bios_support: bool | None = msgspec.field(default=None, name="legacyBIOSSupport")
    grub_use_uki_cmdline: bool | None = msgspec.field(default=None, name="grubUseUKICmdline")


class MachineFile(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    content: str = ""
    permissions: int | None = None
    path: str = ""
    op: str = ""


class TimeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    disabled: bool | None = None
    servers: tuple[str, ...] = ()
    boot_timeout: datetime.timedelta | None = msgspec.field(default=None, name="bootTimeout")


class Mirrors(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    endpoints: tuple[str, ...] = ()
    override_path: bool | None = msgspec.field(default=None, name="overridePath")
    skip_fallback: bool | None = msgspec.field(default=None, name="skipFallback")


class RegistryTLSConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    client_identity: pem.CertificateAndKey | None = msgspec.field(default=None, name="clientIdentity")
    ca: str = ""
    insecure_skip_verify: bool | None = msgspec.field(default=None, name="insecureSkipVerify")


class RegistryAuthConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    username: str = ""
    password: str = ""
    auth: str = ""
    identity_token: str = msgspec.field(default="", name="identityToken")


class ConfigOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    tls: RegistryTLSConfig | None = None
    auth: RegistryAuthConfig | None = None


class RegistriesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    mirrors: dict[str, Mirrors] = msgspec.field(default_factory=dict)
    config: dict[str, ConfigOptions] = msgspec.field(default_factory=dict)


class EncryptionKeyStatic(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    passphrase: str = ""


class EncryptionKeyKMS(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    endpoint: str = ""


class EncryptionKeyTPM(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    check_secureboot_status_on_enroll: bool | None = msgspec.field(default=None, name="checkSecurebootStatusOnEnroll")


class EncryptionKey(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    static: EncryptionKeyStatic | None = None
    node_id: str = msgspec.field(default="", name="nodeID")
    kms: EncryptionKeyKMS | None = None
    slot: int = 0
    tpm: EncryptionKeyTPM | None = None


class EncryptionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    provider: str = ""
    keys: tuple[EncryptionKey, ...] = ()
    cipher: str = ""
    key_size: int = msgspec.field(default=0, name="keySize")
    block_size: int = msgspec.field(default=0, name="blockSize")
    options: tuple[str, ...] = ()


class SystemDiskEncryptionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    state: EncryptionConfig | None = None
    ephemeral: EncryptionConfig | None = None


class UdevConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    rules: tuple[str, ...] = ()


class KernelModuleConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    name: str = ""
    parameters: tuple[str, ...] = ()


class KernelConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    modules: tuple[KernelModuleConfig, ...] = ()


class MachineConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    type: str = ""
    token: str = ""
    ca: pem.CertificateAndKey | None = None
    accepted_cas: tuple[pem.Certificate, ...] = msgspec.field(default=(), name="acceptedCAs")
    cert_sans: tuple[str, ...] = msgspec.field(default=(), name="certSANs")
    features: FeaturesConfig | None = None
    logging: LoggingConfig | None = None
    seccomp_profiles: tuple[MachineSeccompProfile, ...] = msgspec.field(default=(), name="seccompProfiles")
    control_plane: MachineControlPlaneConfig | None = msgspec.field(default=None, name="controlPlane")
    kubelet: KubeletConfig | None = None
    pods: tuple[dict[str, Any], ...] = ()
    network: NetworkConfig | None = None
    disks: tuple[MachineDisk, ...] = ()
    install: InstallConfig | None = None
    files: tuple[MachineFile, ...] = ()
    env: dict[str, str] = msgspec.field(default_factory=dict)
    time: TimeConfig | None = None
    sysctls: dict[str, str] = msgspec.field(default_factory=dict)
    sysfs: dict[str, str] = msgspec.field(default_factory=dict)
    registries: RegistriesConfig | None = None
    system_disk_encryption: SystemDiskEncryptionConfig | None = msgspec.field(default=None, name="systemDiskEncryption")
    udev: UdevConfig | None = None
    kernel: KernelConfig | None = None
    base_runtime_spec_overrides: dict[str, Any] | None = msgspec.field(default=None, name="baseRuntimeSpecOverrides")
    node_labels: dict[str, str] = msgspec.field(default_factory=dict, name="nodeLabels")
    node_annotations: dict[str, str] = msgspec.field(default_factory=dict, name="nodeAnnotations")
    node_taints: dict[str, str] = msgspec.field(default_factory=dict, name="nodeTaints")


class EtcdConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    image: str = ""
    ca: pem.CertificateAndKey | None = None
    extra_args: dict[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict, name="extraArgs")
    advertised_subnets: tuple[str, ...] = msgspec.field(default=(), name="advertisedSubnets")
    listen_subnets: tuple[str, ...] = msgspec.field(default=(), name="listenSubnets")
    subnet: str = ""


class ExternalCloudProviderConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    enabled: bool | None = None
    manifests: tuple[str, ...] = ()


class AdminKubeconfigConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    cert_lifetime: datetime.timedelta | None = msgspec.field(default=None, name="certLifetime")


class ControlPlaneConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    endpoint: str = ""
    local_api_server_port: int = msgspec.field(default=0, name="localAPIServerPort")


class FlannelCNIConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    extra_args: tuple[str, ...] = msgspec.field(default=(), name="extraArgs")
    kube_network_policies_enabled: bool | None = msgspec.field(default=None, name="kubeNetworkPoliciesEnabled")


class CNIConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    name: str = ""
    urls: tuple[str, ...] = ()
    flannel: FlannelCNIConfig | None = None


class ClusterNetworkConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    cni: CNIConfig | None = None
    dns_domain: str = msgspec.field(default="", name="dnsDomain")
    pod_subnets: tuple[str, ...] = msgspec.field(default=(), name="podSubnets")
    service_subnets: tuple[str, ...] = msgspec.field(default=(), name="serviceSubnets")


class VolumeMountConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    host_path: str = msgspec.field(default="", name="hostPath")
    mount_path: str = msgspec.field(default="", name="mountPath")
    readonly: bool = False


class AdmissionPluginConfigList(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    name: str = ""
    configuration: dict[str, Any] | None = None


class ResourcesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    requests: dict[str, Any] | None = None
    limits: dict[str, Any] | None = None


class AuthorizationConfigAuthorizerConfigList(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    type: str = ""
    name: str = ""
    webhook: dict[str, Any] | None = None


class APIServerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    image: str = ""
    extra_args: dict[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict, name="extraArgs")
    extra_volumes: tuple[VolumeMountConfig, ...] = msgspec.field(default=(), name="extraVolumes")
    env: dict[str, str] = msgspec.field(default_factory=dict)
    cert_sans: tuple[str, ...] = msgspec.field(default=(), name="certSANs")
    disable_pod_security_policy: bool | None = msgspec.field(default=None, name="disablePodSecurityPolicy")
    admission_control: tuple[AdmissionPluginConfigList, ...] = msgspec.field(default=(), name="admissionControl")
    audit_policy: dict[str, Any] | None = msgspec.field(default=None, name="auditPolicy")
    resources: ResourcesConfig | None = None
    authorization_config: tuple[AuthorizationConfigAuthorizerConfigList, ...] = msgspec.field(
        default=(), name="authorizationConfig"
    )


class ControllerManagerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    image: str = ""
    extra_args: dict[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict, name="extraArgs")
    extra_volumes: tuple[VolumeMountConfig, ...] = msgspec.field(default=(), name="extraVolumes")
    env: dict[str, str] = msgspec.field(default_factory=dict)
    resources: ResourcesConfig | None = None


class ProxyConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    disabled: bool | None = None
    image: str = ""
    mode: str = ""
    extra_args: dict[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict, name="extraArgs")


class SchedulerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    image: str = ""
    extra_args: dict[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict, name="extraArgs")
    extra_volumes: tuple[VolumeMountConfig, ...] = msgspec.field(default=(), name="extraVolumes")
    env: dict[str, str] = msgspec.field(default_factory=dict)
    resources: ResourcesConfig | None = None
    config: dict[str, Any] | None = None


class RegistryKubernetesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    disabled: bool | None = None


class RegistryServiceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    disabled: bool | None = None
    endpoint: str = ""


class DiscoveryRegistriesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    kubernetes: RegistryKubernetesConfig | None = None
    service: RegistryServiceConfig | None = None


class ClusterDiscoveryConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    enabled: bool | None = None
    registries: DiscoveryRegistriesConfig | None = None


class CoreDNS(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    disabled: bool | None = None
    image: str = ""


class ClusterInlineManifests(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    name: str = ""
    contents: str = ""


class ClusterConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Section of v1alpha1."""

    token: str = ""
    etcd: EtcdConfig | None = None
    external_cloud_provider: ExternalCloudProviderConfig | None = msgspec.field(
        default=None, name="externalCloudProvider"
    )
    admin_kubeconfig: AdminKubeconfigConfig | None = msgspec.field(default=None, name="adminKubeconfig")
    id: str = ""
    secret: str = ""
    control_plane: ControlPlaneConfig | None = msgspec.field(default=None, name="controlPlane")
    cluster_name: str = msgspec.field(default="", name="clusterName")
    network: ClusterNetworkConfig | None = None
    aescbc_encryption_secret: str = msgspec.field(default="", name="aescbcEncryptionSecret")
    secretbox_encryption_secret: str = msgspec.field(default="", name="secretboxEncryptionSecret")
    ca: pem.CertificateAndKey | None = None
    accepted_cas: tuple[pem.Certificate, ...] = msgspec.field(default=(), name="acceptedCAs")
    aggregator_ca: pem.CertificateAndKey | None = msgspec.field(default=None, name="aggregatorCA")
    service_account: pem.Key | None = msgspec.field(default=None, name="serviceAccount")
    api_server: APIServerConfig | None = msgspec.field(default=None, name="apiServer")
    controller_manager: ControllerManagerConfig | None = msgspec.field(default=None, name="controllerManager")
    proxy: ProxyConfig | None = None
    scheduler: SchedulerConfig | None = None
    discovery: ClusterDiscoveryConfig | None = None
    core_dns: CoreDNS | None = msgspec.field(default=None, name="coreDNS")
    extra_manifests: tuple[str, ...] = msgspec.field(default=(), name="extraManifests")
    extra_manifest_headers: dict[str, str] = msgspec.field(default_factory=dict, name="extraManifestHeaders")
    inline_manifests: tuple[ClusterInlineManifests, ...] = msgspec.field(default=(), name="inlineManifests")
    allow_scheduling_on_masters: bool | None = msgspec.field(default=None, name="allowSchedulingOnMasters")
    allow_scheduling_on_control_planes: bool | None = msgspec.field(default=None, name="allowSchedulingOnControlPlanes")


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The v1alpha1 document: machine and cluster in one."""

    version: str = ""
    debug: bool | None = None
    persist: bool | None = None
    machine: MachineConfig | None = None
    cluster: ClusterConfig | None = None
