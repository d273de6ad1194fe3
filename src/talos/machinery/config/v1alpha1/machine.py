"""Section `machine` of v1alpha1: what concerns one machine alone."""

from __future__ import annotations

from typing import Annotated

from talos.machinery.config import document, values
from talos.machinery.config.v1alpha1 import network, registries, storage
from talos.machinery.types import pem


class MachineControllerManagerConfig(document.Section, frozen=True, kw_only=True):
    """The controller manager on this machine."""

    disabled: bool | None = None
    """Run no controller manager here."""


class MachineSchedulerConfig(document.Section, frozen=True, kw_only=True):
    """The scheduler on this machine."""

    disabled: bool | None = None
    """Run no scheduler here."""


class MachineControlPlaneConfig(document.Section, frozen=True, kw_only=True):
    """Control plane components on this machine."""

    controller_manager: MachineControllerManagerConfig | None = None
    """The controller manager."""
    scheduler: MachineSchedulerConfig | None = None
    """The scheduler."""


class LinuxIDMapping(document.Section, frozen=True, kw_only=True):
    """A range of ids of a mount that is shifted."""

    container_id: Annotated[values.U32, values.ALWAYS] = document.named("containerID", 0)
    """First id inside the container."""
    host_id: Annotated[values.U32, values.ALWAYS] = document.named("hostID", 0)
    """First id on the host."""
    size: Annotated[values.U32, values.ALWAYS] = 0
    """How many ids follow one another."""


class ExtraMount(document.Section, frozen=True, kw_only=True):
    """A mount added to the kubelet's container, as in the OCI runtime specification."""

    destination: Annotated[str, values.ALWAYS] = ""
    """Absolute path inside the container."""
    type: str = ""
    """Kind of mount, such as bind."""
    source: str = ""
    """Path on the host, or a device."""
    options: tuple[str, ...] = ()
    """Mount options."""
    uid_mappings: tuple[LinuxIDMapping, ...] = ()
    """How user ids of the source appear in the container."""
    gid_mappings: tuple[LinuxIDMapping, ...] = ()
    """How group ids of the source appear in the container."""


class KubeletNodeIPConfig(document.Section, frozen=True, kw_only=True):
    """Which of the machine's addresses the kubelet reports."""

    valid_subnets: tuple[str, ...] = ()
    """Subnets the address may come from; one with `!` in front excludes."""


class KubeletConfig(document.Section, frozen=True, kw_only=True):
    """The kubelet."""

    image: str = ""
    """Image the kubelet runs from."""
    cluster_dns: tuple[str, ...] = document.named("clusterDNS", ())
    """Resolvers of pods, when it is not the cluster's own."""
    extra_args: values.Args = document.mapping()
    """Flags added to the kubelet's command line; a list repeats the flag."""
    extra_mounts: tuple[ExtraMount, ...] = ()
    """Mounts added to the kubelet's container."""
    extra_config: values.Unstructured | None = None
    """KubeletConfiguration that is merged over what the system sets."""
    credential_provider_config: values.Unstructured | None = None
    """CredentialProviderConfig: programs that give credentials for image pulls."""
    default_runtime_seccomp_profile_enabled: bool | None = None
    """Give containers the runtime's seccomp profile unless they ask for another."""
    register_with_fqdn: bool | None = document.named("registerWithFQDN", None)
    """Register the node under its fully qualified name."""
    node_ip: KubeletNodeIPConfig | None = document.named("nodeIP", None)
    """Which address the kubelet reports."""
    skip_node_registration: bool | None = None
    """Run the kubelet without joining it to the API server: only static pods run."""
    disable_manifests_directory: bool | None = None
    """Take no static pods from /etc/kubernetes/manifests."""


class InstallDiskSelector(document.Section, frozen=True, kw_only=True):
    """Properties the disk to install on must have; all given ones must match, `*` stands for anything."""

    size: str = ""
    """Size, with a comparison if wanted: `4GB`, `>= 1TB`."""
    name: str = ""
    """Name."""
    model: str = ""
    """Model."""
    serial: str = ""
    """Serial number."""
    modalias: str = ""
    """Driver alias in sysfs."""
    uuid: str = ""
    """UUID in sysfs."""
    wwid: str = ""
    """World wide identifier."""
    type: Annotated[str, values.Choice(("ssd", "hdd", "nvme", "sd"))] = ""
    """Kind of disk."""
    bus_path: str = ""
    """Path in sysfs, without /sys/devices in front."""


class InstallExtensionConfig(document.Section, frozen=True, kw_only=True):
    """A system extension; extensions belong into the boot image now."""

    image: Annotated[str, values.ALWAYS] = ""
    """Image of the extension."""


class InstallConfig(document.Section, frozen=True, kw_only=True):
    """Installation on a disk."""

    disk: str = ""
    """Device to install on."""
    disk_selector: InstallDiskSelector | None = None
    """Finds the device by its properties instead; wins over `disk`."""
    extra_kernel_args: tuple[str, ...] = ()
    """Arguments added to the kernel's command line; one with `-` in front is removed."""
    image: str = ""
    """Installer image."""
    extensions: tuple[InstallExtensionConfig, ...] = ()
    """System extensions to install; replaced by images that have them inside."""
    bootloader: bool | None = None
    """Whether to install a boot loader; always done now."""
    wipe: Annotated[bool | None, values.ALWAYS] = None
    """Erase the whole disk first."""
    legacy_bios_support: bool | None = document.named("legacyBIOSSupport", None)
    """Mark the partition bootable for firmware that insists on it."""
    grub_use_uki_cmdline: bool | None = document.named("grubUseUKICmdline", None)
    """Let GRUB take the kernel arguments from the unified kernel image."""


class MachineFile(document.Section, frozen=True, kw_only=True):
    """A file to write at boot."""

    content: Annotated[str, values.ALWAYS] = ""
    """Text of the file."""
    permissions: Annotated[values.Octal, values.ALWAYS] = 0
    """Mode, in octal."""
    path: Annotated[str, values.ALWAYS] = ""
    """Where, below /var or a CRI customisation."""
    op: Annotated[str, values.Choice(("create", "append", "overwrite")), values.ALWAYS] = ""
    """What to do with a file that is there."""


class TimeConfig(document.Section, frozen=True, kw_only=True):
    """Time synchronisation."""

    disabled: bool | None = None
    """Do not synchronise."""
    servers: tuple[str, ...] = ()
    """NTP servers, or a PTP device such as /dev/ptp0."""
    boot_timeout: values.Duration | None = None
    """How long boot waits for the clock; without it, for ever."""


class UdevConfig(document.Section, frozen=True, kw_only=True):
    """Device manager."""

    rules: tuple[str, ...] = ()
    """Rules in the format of udev."""


class LoggingDestination(document.Section, frozen=True, kw_only=True):
    """Where the logs of services are sent."""

    endpoint: values.Url | None = None
    """`tcp://host:port` or `udp://host:port`."""
    format: Annotated[str, values.Choice(("json_lines",)), values.ALWAYS] = ""
    """Format of a line; `json_lines` is the only one."""
    extra_tags: dict[str, str] = document.mapping()
    """Keys and values added to every line."""


class LoggingConfig(document.Section, frozen=True, kw_only=True):
    """Sending logs away."""

    destinations: Annotated[tuple[LoggingDestination, ...], values.ALWAYS] = ()
    """Receivers; each gets everything."""


class KernelModuleConfig(document.Section, frozen=True, kw_only=True):
    """A kernel module to load."""

    name: Annotated[str, values.ALWAYS] = ""
    """Name of the module."""
    parameters: tuple[str, ...] = ()
    """Parameters as `name=value`."""


class KernelConfig(document.Section, frozen=True, kw_only=True):
    """The kernel."""

    modules: tuple[KernelModuleConfig, ...] = ()
    """Modules to load at boot."""


class MachineSeccompProfile(document.Section, frozen=True, kw_only=True):
    """A seccomp profile pods can name."""

    name: Annotated[str, values.ALWAYS] = ""
    """File name of the profile."""
    value: Annotated[values.Unstructured | None, values.ALWAYS] = None
    """The profile, in the OCI runtime's format."""


class KubernetesTalosAPIAccessConfig(document.Section, frozen=True, kw_only=True):
    """Access to the machine API from pods."""

    enabled: bool | None = None
    """Switch it on; control plane only."""
    allowed_roles: tuple[str, ...] = ()
    """Roles pods may get, such as os:reader."""
    allowed_kubernetes_namespaces: tuple[str, ...] = ()
    """Namespaces pods may ask from."""


class KubePrism(document.Section, frozen=True, kw_only=True):
    """Local balancer over all API servers."""

    enabled: bool | None = None
    """Run it."""
    port: values.U16 = 0
    """Port on 127.0.0.1, 7445 by default."""


class HostDNSConfig(document.Section, frozen=True, kw_only=True):
    """Caching resolver of the machine."""

    enabled: bool | None = None
    """Run it."""
    forward_kube_dns_to_host: bool | None = document.named("forwardKubeDNSToHost", None)
    """Let CoreDNS ask it."""
    resolve_member_names: bool | None = None
    """Answer for the names of cluster members."""


class ImageCacheConfig(document.Section, frozen=True, kw_only=True):
    """Images shipped with the boot medium."""

    local_enabled: bool | None = None
    """Keep a copy on the machine and serve pulls from it."""


class FeaturesConfig(document.Section, frozen=True, kw_only=True):
    """Switches of single features."""

    rbac: bool | None = None
    """Roles in client certificates; always on."""
    stable_hostname: bool | None = None
    """Derive the host name from the machine's identity."""
    kubernetes_talos_api_access: KubernetesTalosAPIAccessConfig | None = document.named(
        "kubernetesTalosAPIAccess", None
    )
    """Machine API for pods."""
    apid_check_ext_key_usage: bool | None = None
    """Take client certificates for clients only; always on."""
    disk_quota_support: bool | None = None
    """Mount the ephemeral volume with project quotas, so that pod storage limits are cheap."""
    kube_prism: KubePrism | None = None
    """Balancer over API servers."""
    host_dns: HostDNSConfig | None = document.named("hostDNS", None)
    """Resolver of the machine."""
    image_cache: ImageCacheConfig | None = None
    """Image cache."""
    node_address_sort_algorithm: Annotated[str, values.Choice(("v1", "v2"))] = ""
    """Order of a node's addresses: v1 (by text) or v2 (by prefix length, the default of new clusters)."""


class MachineConfig(document.Section, frozen=True, kw_only=True):
    """What concerns one machine alone."""

    type: Annotated[str, values.ALWAYS] = ""
    """Role of the machine: controlplane or worker."""
    token: Annotated[str, values.ALWAYS, values.SECRET] = ""
    """Secret a machine shows to get its certificate from a control plane."""
    ca: pem.CertificateAndKey | None = None
    """Authority of the machine API. Its key is on control planes only."""
    accepted_cas: tuple[pem.Certificate, ...] = document.named("acceptedCAs", ())
    """Further authorities whose certificates are accepted; for rotation."""
    cert_sans: Annotated[tuple[str, ...], values.ALWAYS] = document.named("certSANs", ())
    """Names and addresses added to the machine's certificate."""
    control_plane: MachineControlPlaneConfig | None = None
    """Control plane components here."""
    kubelet: KubeletConfig | None = None
    """The kubelet."""
    pods: tuple[values.Unstructured, ...] = ()
    """Static pods."""
    network: network.NetworkConfig | None = None
    """Links, addresses, names."""
    disks: tuple[storage.MachineDisk, ...] = ()
    """Disks to partition and mount."""
    install: InstallConfig | None = None
    """Installation on a disk."""
    files: tuple[MachineFile, ...] = ()
    """Files to write."""
    env: dict[str, str] = document.mapping()
    """Environment of the system's services."""
    time: TimeConfig | None = None
    """Clock."""
    sysctls: dict[str, str] = document.mapping()
    """Kernel parameters below /proc/sys."""
    sysfs: dict[str, str] = document.mapping()
    """Values below /sys, with dots for slashes."""
    registries: registries.RegistriesConfig | None = None
    """Image registries: mirrors, credentials, TLS."""
    system_disk_encryption: storage.SystemDiskEncryptionConfig | None = None
    """Encryption of the system's own partitions."""
    features: FeaturesConfig | None = None
    """Switches."""
    udev: UdevConfig | None = None
    """Device rules."""
    logging: LoggingConfig | None = None
    """Sending logs away."""
    kernel: KernelConfig | None = None
    """Kernel modules."""
    seccomp_profiles: tuple[MachineSeccompProfile, ...] = ()
    """Seccomp profiles for pods."""
    base_runtime_spec_overrides: values.Unstructured | None = None
    """Changes to the OCI specification every container starts from."""
    node_labels: dict[str, str] = document.mapping()
    """Labels of the Kubernetes node."""
    node_annotations: dict[str, str] = document.mapping()
    """Annotations of the Kubernetes node."""
    node_taints: dict[str, str] = document.mapping()
    """Taints of the Kubernetes node: `key: value:Effect`."""
