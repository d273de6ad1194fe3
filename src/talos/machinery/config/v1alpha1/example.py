"""What else the v1alpha1 document of today may say, for comments. Keys that documents replace are not shown."""

from __future__ import annotations

import datetime

from talos.machinery.config import v1alpha1, values
from talos.machinery.config.v1alpha1 import cluster, machine


def config(*, plane: bool) -> v1alpha1.Config:
    """Return an example for a control plane or a worker."""
    target = values.Url("udp://10.5.0.1:5170")
    logging = machine.LoggingConfig(destinations=(machine.LoggingDestination(endpoint=target, format="json_lines"),))
    profile = machine.MachineSeccompProfile(name="audit.json", value={"defaultAction": "SCMP_ACT_LOG"})
    etcd = cluster.EtcdConfig(extra_args={"election-timeout": "5000"}, advertised_subnets=("10.5.0.0/24",))
    provider = cluster.ExternalCloudProviderConfig(enabled=True, manifests=("https://example.com/ccm.yaml",))
    lifetime = cluster.AdminKubeconfigConfig(cert_lifetime=datetime.timedelta(hours=1))
    return v1alpha1.Config(
        machine=v1alpha1.MachineConfig(
            cert_sans=("10.5.0.100", "machine.example.com"),
            features=v1alpha1.FeaturesConfig(node_address_sort_algorithm="v2"),
            logging=logging,
            seccomp_profiles=(profile,),
        ),
        cluster=v1alpha1.ClusterConfig(
            etcd=etcd if plane else None,
            external_cloud_provider=provider if plane else None,
            admin_kubeconfig=lifetime if plane else None,
        ),
    )
