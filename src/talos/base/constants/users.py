"""User and group ids of what a node runs."""

from __future__ import annotations

from typing import Final

ROOT: Final = 0
APID: Final = 50
TRUSTD: Final = 51
ETCD: Final = 60
API_SERVER: Final = 65534
CONTROLLER_MANAGER: Final = 65535
SCHEDULER: Final = 65536
KUBELET_OOM_SCORE_ADJ: Final = -450
