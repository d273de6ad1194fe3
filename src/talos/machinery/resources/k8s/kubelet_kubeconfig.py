"""Resource type KubeletKubeconfigs.kubernetes.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

KUBELET_KUBECONFIG_ID = "kubelet"


class KubeletKubeconfig(resource.Resource["KubeletKubeconfig.Spec"]):
    """Version of the kubelet's kubeconfig, which changes when its certificate does."""

    definition = resource.Definition(
        type="KubeletKubeconfigs.kubernetes.talos.dev",
        namespace="k8s",
        print_columns=(resource.PrintColumn("Hash", "{.hash}"),),
        message="talos.resource.definitions.k8s.KubeletKubeconfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        hash: str = ""
