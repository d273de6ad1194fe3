"""Paths, sockets and file names of a node."""

from __future__ import annotations

from pathlib import Path
from typing import Final

RUN: Final = Path("/run")
SYSTEM: Final = Path("/system")
SYSTEM_RUN: Final = Path("/system/run")
SYSTEM_ETC: Final = Path("/system/etc")
SYSTEM_VAR: Final = Path("/system/var")
SYSTEM_LIBEXEC: Final = Path("/system/libexec")
SYSTEM_SECRETS: Final = Path("/system/secrets")
SYSTEM_CONFIG: Final = Path("/system/config")
STATE: Final = Path("/system/state")
EPHEMERAL: Final = Path("/var")
LOG: Final = Path("/var/log")
IMAGE_CACHE: Final = Path("/system/imagecache")
IMAGE_CACHE_DISK: Final = Path("/system/imagecache/disk")
IMAGE_CACHE_ISO: Final = Path("/system/imagecache/iso")

MACHINE_SOCKET: Final = Path("/system/run/machined/machine.sock")
APID_RUNTIME_SOCKET: Final = Path("/system/run/apid/runtime.sock")
APID_SOCKET: Final = Path("/system/run/apid/apid.sock")
TRUSTD_RUNTIME_SOCKET: Final = Path("/system/run/trustd/runtime.sock")
CONTAINERD_SOCKET: Final = Path("/run/containerd/containerd.sock")
SYSTEM_CONTAINERD_SOCKET: Final = Path("/system/run/containerd/containerd.sock")
DBUS_SERVICE_SOCKET: Final = Path("/system/run/dbus/service.socket")
DBUS_CLIENT_SOCKET: Final = Path("/run/dbus/system_bus_socket")

SERVICE_LOG_FIFOS: Final = Path("/run/machined/log")
SERVICE_RECORDS: Final = Path("/run/machined/services")

CONFIG_FILENAME: Final = "config.yaml"
NODE_IDENTITY_FILENAME: Final = "node-identity.yaml"
CONTAINER_MARKER: Final = Path("/usr/etc/in-container")

CRI_CONFIG: Final = Path("/etc/cri/containerd.toml")
CRI_CONF_D: Final = Path("/etc/cri/conf.d")
CRI_HOSTS: Final = Path("/etc/cri/conf.d/hosts")
CONTAINERD_ROOT: Final = Path("/var/lib/containerd")
CONTAINERD_STATE: Final = Path("/run/containerd")
CNI_CONFIG: Final = Path("/etc/cni/net.d")
CNI_BINARIES: Final = Path("/opt/cni/bin")

ETCD_DATA: Final = Path("/var/lib/etcd")
ETCD_PKI: Final = Path("/system/secrets/etcd")
ETCD_RECOVERY_SNAPSHOT: Final = Path("/var/lib/etcd.snapshot")

KUBERNETES_CONFIG: Final = Path("/etc/kubernetes")
KUBERNETES_PKI: Final = Path("/etc/kubernetes/pki")
KUBERNETES_CA: Final = Path("/etc/kubernetes/pki/ca.crt")
KUBERNETES_MANIFESTS: Final = Path("/etc/kubernetes/manifests")
KUBERNETES_STATIC_SECRETS: Final = Path("/system/secrets/kubernetes")
KUBERNETES_STATIC_CONFIG: Final = Path("/system/config/kubernetes")
KUBERNETES_AUDIT_LOG: Final = Path("/var/log/audit/kube")
KUBELET_KUBECONFIG: Final = Path("/etc/kubernetes/kubeconfig-kubelet")
KUBELET_BOOTSTRAP_KUBECONFIG: Final = Path("/etc/kubernetes/bootstrap-kubeconfig")
KUBELET_DATA: Final = Path("/var/lib/kubelet")
KUBELET_PKI: Final = Path("/var/lib/kubelet/pki")
SYSTEM_KUBELET_PKI: Final = Path("/system/secrets/kubelet")
SECCOMP_PROFILES: Final = Path("/var/lib/kubelet/seccomp/profiles")

SYSTEM_RESOLVED: Final = Path("/system/resolved")
POD_RESOLV_CONF: Final = Path("/system/resolved/resolv.conf")
TRUSTED_ROOTS: Final = Path("/etc/ssl/certs/ca-certificates.crt")
