"""Resource type NodeStatuses.kubernetes.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource


class NodeStatus(resource.Resource["NodeStatus.Spec"]):
    """This node as Kubernetes sees it: ready, unschedulable, labels, pod subnets."""

    definition = resource.Definition(
        type="NodeStatuses.kubernetes.talos.dev",
        namespace="k8s",
        print_columns=(
            resource.PrintColumn("Ready", "{.nodeReady}"),
            resource.PrintColumn("Unschedulable", "{.unschedulable}"),
        ),
        message="talos.resource.definitions.k8s.NodeStatusSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        nodename: str = ""
        node_ready: bool = msgspec.field(default=False, name="nodeReady")
        unschedulable: bool = False
        labels: dict[str, str] = msgspec.field(default_factory=dict)
        annotations: dict[str, str] = msgspec.field(default_factory=dict)
        pod_cid_rs: tuple[str, ...] = msgspec.field(default=(), name="podCIDRs")
