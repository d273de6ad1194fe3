"""Versions this release stands for and the images it runs by default."""

from __future__ import annotations

from typing import Final

TALOS: Final = "v1.14.0"
RELEASE: Final = TALOS  # what this build calls itself: os-release, image version; the API says the same
KUBERNETES: Final = "v1.37.2"
ETCD: Final = "v3.7.3"
CONTAINERD: Final = "v2.4.2"
RUNC: Final = "v1.5.2"
COREDNS: Final = "v1.15.0"
FLANNEL: Final = "v0.28.10"
PAUSE: Final = "3.10"

IMAGE_KUBELET: Final = f"ghcr.io/siderolabs/kubelet:{KUBERNETES}"
IMAGE_API_SERVER: Final = f"registry.k8s.io/kube-apiserver:{KUBERNETES}"
IMAGE_CONTROLLER_MANAGER: Final = f"registry.k8s.io/kube-controller-manager:{KUBERNETES}"
IMAGE_SCHEDULER: Final = f"registry.k8s.io/kube-scheduler:{KUBERNETES}"
IMAGE_PROXY: Final = f"registry.k8s.io/kube-proxy:{KUBERNETES}"
IMAGE_ETCD: Final = f"registry.k8s.io/etcd:{ETCD}"
IMAGE_COREDNS: Final = f"registry.k8s.io/coredns/coredns:{COREDNS}"
IMAGE_FLANNEL: Final = f"ghcr.io/siderolabs/flannel:{FLANNEL}"
IMAGE_PAUSE: Final = f"registry.k8s.io/pause:{PAUSE}"

CONTAINERD_NAMESPACE_SYSTEM: Final = "system"
CONTAINERD_NAMESPACE_K8S: Final = "k8s.io"
