"""TCP and UDP ports of a node."""

from __future__ import annotations

from typing import Final

APID: Final = 50000
TRUSTD: Final = 50001
KUBERNETES_API: Final = 6443
KUBE_PRISM: Final = 7445
ETCD_CLIENT: Final = 2379
ETCD_PEER: Final = 2380
ETCD_CLIENT_HTTP: Final = 2383
KUBELET: Final = 10250
KUBELET_HEALTH: Final = 10248
CONTROLLER_MANAGER: Final = 10257
SCHEDULER: Final = 10259
KUBESPAN: Final = 51820
REGISTRYD: Final = 3172
FLANNEL_VXLAN: Final = 4789
