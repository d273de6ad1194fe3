"""Name, addresses, labels and settings of a node, and how the machine finds its control plane."""

from __future__ import annotations

from typing import Any

import pytest

from talos.base import errors
from talos.machined.controllers.k8s import control_plane
from talos.machined.controllers.k8s.address_filter import AddressFilterController
from talos.machined.controllers.k8s.endpoint import addresses
from talos.machined.controllers.k8s.kubelet_config import KubeletConfigController
from talos.machined.controllers.k8s.kubelet_spec import KubeletSpecController
from talos.machined.controllers.k8s.kubelet_static_pod import settled, statuses
from talos.machined.controllers.k8s.node_cordoned_spec import NodeCordonedSpecController
from talos.machined.controllers.k8s.node_ip import NodeIPController, pick
from talos.machined.controllers.k8s.node_ip_config import NodeIPConfigController
from talos.machined.controllers.k8s.node_specs import (
    NodeAnnotationSpecController,
    NodeLabelSpecController,
    NodeTaintSpecController,
)
from talos.machined.controllers.k8s.nodename import NodenameController, from_hostname
from talos.machined.controllers.k8s.static_endpoint import StaticEndpointController
from talos.machined.modes import Mode
from talos.machinery.resources.k8s import (
    endpoint,
    kubelet_config,
    kubelet_spec,
    node_annotation_spec,
    node_cordoned_spec,
    node_ip,
    node_ip_config,
    node_label_spec,
    node_status,
    node_taint_spec,
    nodename,
    static_pod_server_status,
)
from talos.machinery.resources.network import hostname_status, node_address, node_address_filter
from talos.machinery.resources.runtime import extension_status, machine_status
from talos.machinery.types import runtime as runtime_types
from talos.machinery.types.machine import MachineType
from tests.unit.machined.controllers.cluster_node import ADDRESSES, ENDPOINT, changed, configure, node, source, there

WORKER = source(MachineType.WORKER)


@pytest.mark.feature("M019")
@pytest.mark.parametrize(
    ("hostname", "name"),
    [
        ("cp-1", "cp-1"),
        ("CP_1.Example.ORG", "cp-1.example.org"),
        ("_node-", "node"),
        ("n(1)", "n1"),
    ],
)
def test_hostnames_make_node_names(hostname: str, name: str) -> None:
    assert from_hostname(hostname) == name


@pytest.mark.feature("M019")
def test_a_hostname_of_nothing_is_no_name() -> None:
    with pytest.raises(errors.Invalid, match="___"):
        from_hostname("___")


@pytest.mark.feature("E111", "M019")
async def test_node_name_follows_the_hostname() -> None:
    async with node(NodenameController(), config=WORKER, hostname="Node-1", domain="example.org") as (store, driven):
        assert (await there(store, nodename.Nodename, nodename.NODENAME_ID)).spec.nodename == "node-1"
        await configure(store, changed(WORKER, KubeNodeConfig={"registerWithFQDN": True}))
        await driven.wait_idle()
        assert (await store.get(nodename.Nodename, nodename.NODENAME_ID)).spec.nodename == "node-1.example.org"
        host = await store.get(hostname_status.HostnameStatus, "hostname")
        await store.update(host.with_spec(hostname_status.HostnameStatus.Spec(hostname="other")))
        await driven.wait_idle()
        found = await store.get(nodename.Nodename, nodename.NODENAME_ID)
        assert found.spec.nodename == "other"
        assert (
            found.spec.hostname_version
            == (await store.get(hostname_status.HostnameStatus, "hostname")).metadata.version_text
        )


@pytest.mark.feature("E104", "M018")
@pytest.mark.parametrize(
    ("valid", "excluded", "picked"),
    [
        ((), (), ("10.5.0.2", "fd00::2")),
        (("192.168.0.0/16",), (), ("192.168.7.2",)),
        (("0.0.0.0/0",), ("10.5.0.0/24",), ("192.168.7.2",)),
        ((), ("10.0.0.0/8",), ("192.168.7.2", "fd00::2")),
        (("172.16.0.0/12",), (), ()),
    ],
)
def test_one_address_of_each_family(valid: tuple[str, ...], excluded: tuple[str, ...], picked: tuple[str, ...]) -> None:
    assert pick((*ADDRESSES, "fd00::2/64"), valid, excluded) == picked


@pytest.mark.feature("E103", "E104", "M018")
async def test_node_addresses_are_of_the_users_subnets() -> None:
    config = changed(WORKER, KubeNodeConfig={"nodeIP": {"validSubnets": ["192.168.0.0/16", "!192.168.9.0/24"]}})
    async with node(NodeIPConfigController(), NodeIPController(), config=config) as (store, driven):
        wanted = (await there(store, node_ip_config.NodeIPConfig, "kubelet")).spec
        assert wanted.valid_subnets == ("192.168.0.0/16",)
        assert wanted.exclude_subnets == ("192.168.9.0/24", "10.244.0.0/16", "10.96.0.0/12")
        assert (await there(store, node_ip.NodeIP, "kubelet")).spec.addresses == ("192.168.7.2",)
        current = await store.get(node_address.NodeAddress, "routed-no-k8s")
        await store.update(current.with_spec(node_address.NodeAddress.Spec(addresses=("10.5.0.2/24",))))
        await driven.wait_idle()
        assert (await store.get(node_ip.NodeIP, "kubelet")).spec.addresses == ("192.168.7.2",), "the last one is kept"


@pytest.mark.feature("E075")
async def test_filters_follow_what_the_cni_gives_the_node() -> None:
    async with node(AddressFilterController(), NodenameController()) as (store, driven):
        found = (await there(store, node_address_filter.NodeAddressFilter, "no-k8s")).spec
        assert found.exclude_subnets == ("10.244.0.0/16", "10.96.0.0/12")
        spec = node_status.NodeStatus.Spec(nodename="cp-1", pod_cid_rs=("172.30.1.0/24",))
        await store.create(node_status.NodeStatus("cp-1", spec))
        await driven.wait_idle()
        only = (await store.get(node_address_filter.NodeAddressFilter, "only-k8s")).spec
        assert only.include_subnets == ("10.244.0.0/16", "10.96.0.0/12", "172.30.1.0/24")


@pytest.mark.feature("E108", "M020")
async def test_labels_of_user_role_and_extensions() -> None:
    config = changed(source(), KubeNodeConfig={"labels": {"rack": "r1"}})
    async with node(NodeLabelSpecController(), config=config) as (store, driven):
        extension = extension_status.ExtensionStatus.Spec(metadata={"name": "gvisor", "version": "v1.2"})
        await store.create(extension_status.ExtensionStatus("0", extension))
        await driven.wait_idle()
        labels = {one.spec.key: one.spec.value for one in await store.list(node_label_spec.NodeLabelSpec)}
        assert labels["rack"] == "r1"
        assert labels["node-role.kubernetes.io/control-plane"] == ""
        assert labels["extensions.talos.dev/gvisor"] == "v1.2"
        await configure(store, WORKER)
        await driven.wait_idle()
        labels = {one.spec.key: one.spec.value for one in await store.list(node_label_spec.NodeLabelSpec)}
        assert set(labels) == {"extensions.talos.dev/gvisor"}


@pytest.mark.feature("E105", "E110", "M020")
async def test_annotations_and_taints_of_the_user() -> None:
    config = changed(WORKER, KubeNodeConfig={"annotations": {"a": "b"}, "taints": {"gpu": "yes:NoExecute"}})
    async with node(NodeAnnotationSpecController(), NodeTaintSpecController(), config=config) as (store, _):
        assert (await there(store, node_annotation_spec.NodeAnnotationSpec, "a")).spec.value == "b"
        taint = (await there(store, node_taint_spec.NodeTaintSpec, "gpu")).spec
        assert (taint.key, taint.value, taint.effect) == ("gpu", "yes", "NoExecute")


@pytest.mark.feature("E107", "M044")
async def test_a_machine_that_goes_down_takes_no_pods() -> None:
    async with node(NodeCordonedSpecController()) as (store, driven):
        spec = machine_status.MachineStatus.Spec(stage=runtime_types.MachineStage.RUNNING)
        await store.create(machine_status.MachineStatus(machine_status.MACHINE_STATUS_ID, spec))
        await driven.wait_idle()
        assert not await store.list(node_cordoned_spec.NodeCordonedSpec)
        for stage, cordoned in (
            (runtime_types.MachineStage.REBOOTING, True),
            (runtime_types.MachineStage.RUNNING, False),
            (runtime_types.MachineStage.RESETTING, True),
        ):
            current = await store.get(machine_status.MachineStatus, machine_status.MACHINE_STATUS_ID)
            await store.update(current.with_spec(machine_status.MachineStatus.Spec(stage=stage)))
            await driven.wait_idle()
            assert bool(await store.list(node_cordoned_spec.NodeCordonedSpec)) is cordoned, stage


@pytest.mark.feature("E114", "M023")
@pytest.mark.parametrize(
    ("url", "addresses", "hosts"),
    [(ENDPOINT, ("10.5.0.1",), ()), ("https://api.example.org:443", (), ("api.example.org",))],
)
async def test_endpoint_of_the_configuration(url: str, addresses: tuple[str, ...], hosts: tuple[str, ...]) -> None:
    config = changed(WORKER, KubeClusterConfig={"endpoint": url})
    async with node(StaticEndpointController(), config=config) as (store, _):
        found = await there(store, endpoint.Endpoint, endpoint.CONTROL_PLANE_API_SERVER_ENDPOINTS_ID)
    assert (found.spec.addresses, found.spec.hosts) == (addresses, hosts)


@pytest.mark.feature("M023")
def test_endpoints_of_slices() -> None:
    slices: list[dict[str, Any]] = [
        {"endpoints": [{"addresses": ["10.5.0.3"]}, {"addresses": ["10.5.0.2"], "conditions": {"ready": True}}]},
        {"endpoints": [{"addresses": ["10.5.0.9"], "conditions": {"ready": False}}]},
        {"endpoints": None},
    ]
    assert addresses(slices) == ("10.5.0.2", "10.5.0.3")


@pytest.mark.feature("E092", "E095", "M016")
async def test_kubelet_is_told_name_address_and_where_static_pods_are() -> None:
    config = changed(WORKER, KubeletConfig={"extraArgs": {"v": "4"}, "config": {"maxPods": 42}})
    controllers = (
        KubeletConfigController(),
        NodenameController(),
        NodeIPConfigController(),
        NodeIPController(),
        KubeletSpecController(Mode.CONTAINER),
    )
    async with node(*controllers, config=config, hostname="w-1") as (store, driven):
        await driven.wait_idle()
        assert not await store.list(kubelet_config.KubeletConfig), "it waits for the static pod server"
        server = static_pod_server_status.StaticPodServerStatus.Spec(url="http://127.0.0.1:1234/")
        id = static_pod_server_status.STATIC_POD_SERVER_STATUS_RESOURCE_ID
        await store.create(static_pod_server_status.StaticPodServerStatus(id, server))
        spec = (await there(store, kubelet_spec.KubeletSpec, "kubelet")).spec
    assert spec.image == "ghcr.io/siderolabs/kubelet:v1.37.2"
    assert spec.expected_nodename == "w-1"
    assert "--hostname-override=w-1" in spec.args
    assert "--node-ip=10.5.0.2" in spec.args
    assert "--v=4" in spec.args
    assert spec.config["staticPodURL"] == "http://127.0.0.1:1234/"
    assert spec.config["clusterDNS"] == ["10.96.0.10"]
    assert spec.config["maxPods"] == 42
    assert spec.config["failSwapOn"] is False


@pytest.mark.feature("E092")
async def test_an_external_cloud_provider_reaches_everybody() -> None:
    config = changed(source(), v1alpha1={"cluster": {"externalCloudProvider": {"enabled": True, "manifests": []}}})
    id = static_pod_server_status.STATIC_POD_SERVER_STATUS_RESOURCE_ID
    async with node(
        KubeletConfigController(), control_plane.ControlPlaneControllerManagerController(), config=config
    ) as (store, _):
        await store.create(static_pod_server_status.StaticPodServerStatus(id))
        assert (await there(store, kubelet_config.KubeletConfig, "kubelet")).spec.cloud_provider_external


@pytest.mark.feature("M015")
def test_static_pods_are_told_from_those_of_the_api() -> None:
    def pod(name: str, origin: str, ready: str) -> dict[str, object]:
        return {
            "metadata": {
                "namespace": "kube-system",
                "name": name,
                "annotations": {"kubernetes.io/config.source": origin},
            },
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]},
        }

    found = statuses([pod("a", "http", "True"), pod("b", "api", "True"), pod("c", "file", "False")])
    assert {name: settled(status) for name, status in found.items()} == {"kube-system/a": True, "kube-system/c": False}
