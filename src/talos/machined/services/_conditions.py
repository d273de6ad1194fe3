"""What more than one service waits for."""

from __future__ import annotations

from talos.cosi import state
from talos.machinery.resources.network import network_status
from talos.machinery.resources.time import time_status
from talos.supervisor import condition


def time_synced(store: state.State) -> condition.Condition:
    """Certificates of a wrong hour are refused everywhere."""
    return condition.Ready(
        store, time_status.TimeStatus, time_status.STATUS_ID, lambda t: t.spec.synced, text="time to be in sync"
    )


def network_ready(store: state.State) -> condition.Condition:
    """An address and a name of the node's own."""
    return condition.Ready(
        store,
        network_status.NetworkStatus,
        network_status.STATUS_ID,
        lambda n: n.spec.address_ready and n.spec.hostname_ready,
        text="network to be ready",
    )
