"""Resource type Infos.cluster.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

INFO_ID = "current"


class Info(resource.Resource["Info.Spec"]):
    """Identity and name of the cluster."""

    definition = resource.Definition(
        type="Infos.cluster.talos.dev",
        namespace="cluster",
        print_columns=(
            resource.PrintColumn("Cluster ID", "{.clusterId}"),
            resource.PrintColumn("Cluster Name", "{.clusterName}"),
        ),
        message="talos.resource.definitions.cluster.InfoSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        cluster_id: str = msgspec.field(default="", name="clusterId")
        cluster_name: str = msgspec.field(default="", name="clusterName")
