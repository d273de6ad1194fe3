"""get: types by alias, tables by the node's own columns, documents, watching."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from talos.machinery.api._generated.cosi import meta_pb2, resource_pb2, state_pb2
from talos.machinery.rpc import status
from tests.unit.talosctl.commands.conftest import Cluster

STATE = "/cosi.resource.State/"
DEFINITIONS = "ResourceDefinitions.meta.cosi.dev"
MEMBERS = "Members.cluster.talos.dev"
MACHINE_STATUSES, MOUNT_STATUSES = "MachineStatuses.runtime.talos.dev", "MountStatuses.block.talos.dev"
CONFIGS = "MachineConfigs.config.talos.dev"


def _definition(type: str, namespace: str, aliases: list[str], columns: dict[str, str]) -> resource_pb2.Resource:
    spec = meta_pb2.ResourceDefinitionSpec(
        resource_type=type,
        display_type=type.partition(".")[0].removesuffix("s"),
        default_namespace=namespace,
        aliases=aliases[:1],
        all_aliases=aliases,
        print_columns=[
            meta_pb2.ResourceDefinitionSpec.PrintColumn(name=name, json_path=path) for name, path in columns.items()
        ],
    )
    found = resource_pb2.Resource()
    found.metadata.id, found.metadata.namespace = type.lower(), "meta"
    found.spec.proto_spec = spec.SerializeToString()
    return found


_COLUMNS = {"Hostname": "{.hostname}", "Addresses": "{.addresses}"}
KNOWN = [
    _definition(MEMBERS, "cluster", ["member", "members", "members.cluster", "m"], _COLUMNS),
    _definition(MACHINE_STATUSES, "runtime", ["machinestatus", "ms", "machinestatuses"], {}),
    _definition(MOUNT_STATUSES, "runtime", ["mountstatus", "ms", "mountstatuses"], {}),
    _definition(CONFIGS, "config", ["machineconfig", "mc"], {}),
]


def _resource(
    type: str, id: str, spec: str, *, version: str = "1", annotations: dict[str, str] | None = None
) -> resource_pb2.Resource:
    found = resource_pb2.Resource()
    m = found.metadata
    m.namespace, m.type, m.id, m.version, m.owner, m.phase = "cluster", type, id, version, "c.Owner", "running"
    m.created.FromJsonString("2026-01-02T03:04:05Z")
    m.updated.FromJsonString("2026-01-02T03:04:06Z")
    m.labels["a"] = "b"
    m.annotations.update(annotations or {})
    found.spec.yaml_spec = spec
    return found


ONE = _resource(MEMBERS, "cp-1", "hostname: cp-1.lan\naddresses:\n    - 10.5.0.2\n    - fd00::2\n")
TWO = _resource(MEMBERS, "worker-1", "hostname: w\n", version="12")


@pytest.fixture
def state(cluster: Cluster) -> Cluster:
    def listing(request: Any, node: str) -> list[state_pb2.ListResponse]:
        found = {DEFINITIONS: KNOWN, MEMBERS: [ONE, TWO]}.get(request.type, [])
        return [state_pb2.ListResponse(resource=one) for one in found]

    def get(request: Any, node: str) -> state_pb2.GetResponse:
        if request.id != "cp-1":
            raise status.RpcError(status.Code.NOT_FOUND, "resource doesn't exist")
        return state_pb2.GetResponse(resource=ONE)

    cluster.serve(f"{STATE}List", listing)
    cluster.serve(f"{STATE}Get", get)
    return cluster


@pytest.mark.feature("G007", "D002", "D004")
@pytest.mark.parametrize("alias", ["members", "Member", "m", "members.cluster", MEMBERS, MEMBERS.lower()])
def test_a_table_has_the_columns_of_the_definition(state: Cluster, alias: str) -> None:
    ran = state.run("get", alias)
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines == [
        "NODE       NAMESPACE   TYPE     ID         VERSION   HOSTNAME   ADDRESSES",
        '10.5.0.2   cluster     Member   cp-1       1         cp-1.lan   ["10.5.0.2","fd00::2"]',
        "10.5.0.2   cluster     Member   worker-1   12        w",
    ]
    listed = state.requests(f"{STATE}List")
    assert [(r.namespace, r.type) for r in listed] == [("meta", DEFINITIONS), ("cluster", MEMBERS)]


@pytest.mark.feature("D006")
def test_an_ambiguous_alias_names_the_candidates(state: Cluster) -> None:
    ran = state.run("get", "ms")
    assert (ran.code, ran.out) == (2, "")
    assert MACHINE_STATUSES in ran.err and MOUNT_STATUSES in ran.err


def test_an_unknown_type_has_a_suggestion(state: Cluster) -> None:
    ran = state.run("get", "membrs")
    assert (ran.code, ran.out) == (3, "")
    assert "'members'" in ran.err


def test_another_namespace(state: Cluster) -> None:
    state.run("get", "members", "--namespace", "cluster-raw")
    assert state.requests(f"{STATE}List")[-1].namespace == "cluster-raw"


def test_one_resource(state: Cluster) -> None:
    assert [line.split()[3] for line in state.run("get", "members", "cp-1").lines] == ["ID", "cp-1"]
    (request,) = state.requests(f"{STATE}Get")
    assert (request.namespace, request.type, request.id) == ("cluster", MEMBERS, "cp-1")
    ran = state.run("get", "members", "nobody")
    assert ran.code == 3
    assert "NotFound" in ran.err


def test_yaml(state: Cluster) -> None:
    ran = state.run("get", "members", "-o", "yaml")
    assert ran.out.startswith(
        "node: 10.5.0.2\n"
        "metadata:\n"
        "    namespace: cluster\n"
        f"    type: {MEMBERS}\n"
        "    id: cp-1\n"
        "    version: 1\n"
        "    owner: c.Owner\n"
        "    phase: running\n"
        "    created: 2026-01-02T03:04:05Z\n"
        "    updated: 2026-01-02T03:04:06Z\n"
        "    labels:\n"
        "        a: b\n"
        "spec:\n"
        "    hostname: cp-1.lan\n"
        "    addresses:\n"
        "        - 10.5.0.2\n"
        "        - fd00::2\n"
        "---\n"
        "node: 10.5.0.2\n"
    )
    first, second = yaml.safe_load_all(ran.out)
    assert first["spec"] == {"hostname": "cp-1.lan", "addresses": ["10.5.0.2", "fd00::2"]}
    assert first["metadata"]["labels"] == {"a": "b"}
    assert second["metadata"]["id"] == "worker-1"


@pytest.mark.parametrize(
    ("spec", "data"),
    [
        ("{}\n", {}),
        ("[]\n", []),
        ("{a: 1}\n", {"a": 1}),
        ("- a\n- b:\n    c: 1\n", ["a", {"b": {"c": 1}}]),
        ("a: |\n    one\n\n    two\nb: 2026-01-02T03:04:05Z\n", {"a": "one\n\ntwo\n", "b": "2026-01-02T03:04:05Z"}),
        ("|\n    one # not a comment\n    two\n", "one # not a comment\ntwo\n"),
        ('"two\n\n  lines"\n', "two\nlines"),
        ("text\n", "text"),
        ("", None),
    ],
)
def test_a_spec_of_any_shape_stays_what_it_is(cluster: Cluster, spec: str, data: Any) -> None:
    def listing(request: Any, node: str) -> list[state_pb2.ListResponse]:
        found = KNOWN if request.type == DEFINITIONS else [_resource(MEMBERS, "x", spec)]
        return [state_pb2.ListResponse(resource=one) for one in found]

    cluster.serve(f"{STATE}List", listing)
    found = yaml.load(cluster.run("get", "members", "-o", "yaml").out, Loader=yaml.BaseLoader)["spec"]
    expected = yaml.load(spec, Loader=yaml.BaseLoader)
    assert found == ("" if expected is None else expected)
    assert json.loads(cluster.run("get", "members", "-o", "json").out)["spec"] == data
    assert cluster.run("get", "members").code == 0


def test_json(state: Cluster) -> None:
    found = json.loads(state.run("get", "members", "cp-1", "-o", "json").out)
    assert (found["node"], found["metadata"]["version"]) == ("10.5.0.2", 1)
    assert found["metadata"]["created"] == "2026-01-02T03:04:05Z"
    assert found["spec"]["hostname"] == "cp-1.lan"


def test_jsonpath(state: Cluster) -> None:
    ran = state.run("get", "members", "-o", "jsonpath={.metadata.id}={.spec.addresses[*]}")
    assert ran.out == "cp-1=10.5.0.2 fd00::2\nworker-1=\n"


@pytest.mark.parametrize("style", ["xml", "jsonpath", "jsonpath="])
def test_unknown_styles(state: Cluster, style: str) -> None:
    assert state.run("get", "members", "-o", style).code == 2


@pytest.mark.feature("D003")
def test_a_configuration_is_one_string(cluster: Cluster) -> None:
    config = "version: v1alpha1\nmachine:\n    type: worker # a comment\n"
    mc = _resource(CONFIGS, "v1alpha1", json.dumps(config), annotations={"talos.dev/yaml-spec": "1"})

    def listing(request: Any, node: str) -> list[state_pb2.ListResponse]:
        found = KNOWN if request.type == DEFINITIONS else [mc]
        return [state_pb2.ListResponse(resource=one) for one in found]

    cluster.serve(f"{STATE}List", listing)
    assert cluster.run("get", "mc", "-o", "jsonpath={.spec}").out == config + "\n"
    shown = cluster.run("get", "mc", "-o", "yaml").out
    assert yaml.safe_load(shown)["spec"] == config
    assert shown.endswith("spec: |\n    version: v1alpha1\n    machine:\n        type: worker # a comment\n")
    assert len(cluster.run("get", "mc").lines) == 2


def _events(*found: tuple[int, resource_pb2.Resource | None]) -> Callable[[Any, str], list[state_pb2.WatchResponse]]:
    def answer(request: Any, node: str) -> list[state_pb2.WatchResponse]:
        sent = [state_pb2.WatchResponse()]
        for kind, resource in found:
            sent.append(state_pb2.WatchResponse(event=[state_pb2.Event(event_type=kind, resource=resource)]))
        return sent

    return answer


@pytest.mark.feature("D008")
def test_watching_marks_what_happened(state: Cluster) -> None:
    changed = _resource(MEMBERS, "cp-1", "hostname: renamed\n", version="2")
    happened = [
        (state_pb2.CREATED, ONE),
        (state_pb2.BOOTSTRAPPED, None),
        (state_pb2.UPDATED, changed),
        (state_pb2.DESTROYED, changed),
    ]
    state.serve(f"{STATE}Watch", _events(*happened))
    ran = state.run("get", "members", "--watch")
    assert ran.lines[0].split() == ["NODE", "*", "NAMESPACE", "TYPE", "ID", "VERSION", "HOSTNAME", "ADDRESSES"]
    assert [line.split()[1] for line in ran.lines[1:]] == ["+", "cluster", "-"]
    assert [line.split()[-1] for line in ran.lines[2:]] == ["renamed", "renamed"]
    (request,) = state.requests(f"{STATE}Watch")
    assert (request.options.bootstrap_contents, request.api_version, request.HasField("id")) == (True, 1, False)
    documents = list(yaml.safe_load_all(state.run("get", "members", "-w", "-o", "yaml").out))
    assert [one["event"] for one in documents] == ["created", "updated", "destroyed"]


@pytest.mark.feature("D009")
def test_watching_one_resource(state: Cluster) -> None:
    state.serve(f"{STATE}Watch", _events((state_pb2.CREATED, ONE)))
    assert len(state.run("get", "members", "cp-1", "-w").lines) == 2
    (request,) = state.requests(f"{STATE}Watch")
    assert (request.id, request.options.bootstrap_contents) == ("cp-1", False)


def test_an_error_in_a_watch_ends_it(state: Cluster) -> None:
    def answer(request: Any, node: str) -> list[state_pb2.WatchResponse]:
        return [state_pb2.WatchResponse(event=[state_pb2.Event(event_type=state_pb2.ERRORED, error="too slow")])]

    state.serve(f"{STATE}Watch", answer)
    ran = state.run("get", "members", "-w")
    assert ran.code == 1
    assert "too slow" in ran.err


def test_a_node_that_is_down_does_not_hide_the_others(state: Cluster) -> None:
    inner = state.rpc._handlers[f"{STATE}List"][1]

    async def listing(request: Any, call: Any) -> Any:
        if call.first("node") == "10.5.0.9":
            raise status.RpcError(status.Code.UNAVAILABLE, "no route to host")
        async for one in inner(request, call):
            yield one

    state.rpc._handlers[f"{STATE}List"] = (state.rpc._handlers[f"{STATE}List"][0], listing)
    ran = state.run("get", "members", nodes="10.5.0.9,10.5.0.2")
    assert ran.code == 1
    assert "10.5.0.9" in ran.err
    assert [line.split()[0] for line in ran.lines] == ["NODE", "10.5.0.2", "10.5.0.2"]
