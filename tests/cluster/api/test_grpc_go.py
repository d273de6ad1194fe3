"""The API as grpc-go sees it: the library under the original's clients, which forgives less than ours."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message

from talos.machinery.api._generated.common import common_pb2
from talos.machinery.api._generated.cosi import state_pb2
from talos.machinery.api._generated.machine import image_pb2, machine_pb2
from talos.machinery.config import secrets
from talos.pki import bundle
from tests import capabilities
from tests.cluster.driver import LocalCluster

Probe = Callable[..., dict[str, Any]]
MACHINE = "/machine.MachineService/"


@pytest.fixture(scope="module")
def probe(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Probe:
    """Call a method as administrator: `probe(METHOD, *requests, node=…, flags…)` -> the outcome."""
    made = secrets.Bundle.load((cluster.folder / "configs/secrets.yaml").read_bytes())
    pair, folder = bundle.admin_certificate(made), tmp_path_factory.mktemp("pki")
    for name, content in (("ca", made.os.crt), ("cert", pair.crt), ("key", pair.key)):
        (folder / name).write_bytes(content)

    def run(method: str, *requests: Message, to: str = "", flags: tuple[str, ...] = (), anonymous: bool = False) -> Any:
        program = capabilities.artifacts_dir() / "bin/grpcprobe"
        identity = [] if anonymous else ["-cert", str(folder / "cert"), "-key", str(folder / "key")]
        argv = [str(program), "-ca", str(folder / "ca"), *identity, *flags, f"{to or cluster.planes[0]}:50000", method]
        argv += [request.SerializeToString().hex() or "" for request in requests]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        outcome = json.loads(done.stdout)
        outcome["responses"] = [bytes.fromhex(response) for response in outcome["responses"]]
        return outcome

    return run


@pytest.mark.feature("A060", "B010")
def test_unary_call(probe: Probe) -> None:
    outcome = probe(MACHINE + "Version")
    assert outcome["code"] == "OK", outcome
    (response,) = outcome["responses"]
    (message,) = machine_pb2.VersionResponse.FromString(response).messages
    assert message.version.tag.startswith("v1.14")
    assert not message.HasField("metadata")
    assert outcome["header"]["content-type"][0].startswith("application/grpc")


@pytest.mark.parametrize("method", [MACHINE + "Nonsense", "/machine.Nonsense/Version", "/storage.StorageService/Nope"])
def test_unknown_methods_are_unimplemented(probe: Probe, method: str) -> None:
    """grpc-go says Unknown instead when headers of the answer are incomplete."""
    outcome = probe(method)
    assert outcome["code"] == "Unimplemented", outcome
    assert method.split("/")[1] in outcome["message"] or method.split("/")[2] in outcome["message"]


def test_calls_side_by_side_on_one_connection(probe: Probe) -> None:
    assert probe(MACHINE + "Version", flags=("-times", "64"))["code"] == "OK"


@pytest.mark.feature("A036", "B011", "B012", "B018", "B020")
def test_many_nodes(probe: Probe, cluster: LocalCluster) -> None:
    asked = [cluster.planes[0], cluster.worker_nodes[0], f"{cluster.prefix}.200"]
    flags = tuple(part for node in asked for part in ("-meta", f"nodes={node}"))
    outcome = probe(MACHINE + "Hostname", flags=(*flags, "-timeout", "20s"))
    assert outcome["code"] == "OK", outcome
    found = {m.metadata.hostname: m for m in machine_pb2.HostnameResponse.FromString(outcome["responses"][0]).messages}
    assert set(found) == set(asked)
    assert found[asked[0]].hostname == cluster.node_name(asked[0])
    assert found[asked[1]].hostname == cluster.node_name(asked[1])
    assert found[asked[2]].metadata.error
    one = probe(MACHINE + "Hostname", flags=("-meta", f"node={asked[1]}"))
    (message,) = machine_pb2.HostnameResponse.FromString(one["responses"][0]).messages
    assert message.hostname == cluster.node_name(asked[1])


@pytest.mark.feature("B016")
def test_worker_passes_nothing_on(probe: Probe, cluster: LocalCluster) -> None:
    outcome = probe(MACHINE + "Version", to=cluster.worker_nodes[0], flags=("-meta", f"node={cluster.planes[0]}"))
    assert outcome["code"] != "OK", outcome
    assert not outcome["responses"]


@pytest.mark.feature("A041")
def test_streams_end_when_the_client_has_enough(probe: Probe) -> None:
    request = machine_pb2.LogsRequest(namespace="system", id="kubelet", follow=True, tail_lines=50)
    outcome = probe(MACHINE + "Logs", request, flags=("-most", "1"))
    assert outcome["code"] == "Canceled", outcome
    assert any(common_pb2.Data.FromString(response).bytes for response in outcome["responses"])


@pytest.mark.feature("A017")
def test_large_streams_arrive_whole(probe: Probe) -> None:
    """Many windows of flow control: a directory tree of several MiB as one archive."""
    import io
    import tarfile

    outcome = probe(MACHINE + "Copy", machine_pb2.CopyRequest(root_path="/usr/lib/python3.13"))
    assert outcome["code"] == "OK", outcome["message"]
    data = b"".join(common_pb2.Data.FromString(response).bytes for response in outcome["responses"])
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        assert sum(member.size for member in archive) > 4 << 20


def test_uploads(probe: Probe) -> None:
    """Refused in the middle of sending: the reason comes through."""
    first = image_pb2.ImageServiceImportRequest()
    first.containerd.driver, first.containerd.namespace = common_pb2.CRI, common_pb2.NS_CRI
    chunks = [image_pb2.ImageServiceImportRequest() for _ in range(4)]
    for chunk in chunks:
        chunk.image_chunk.bytes = b"no archive" * 500
    outcome = probe("/machine.ImageService/Import", first, *chunks)
    assert outcome["code"] == "InvalidArgument", outcome


@pytest.mark.feature("A083", "D008")
def test_resources_are_watched(probe: Probe) -> None:
    request = state_pb2.WatchRequest(namespace="runtime", type="Services.v1alpha1.talos.dev", api_version=1)
    request.options.bootstrap_contents = True
    outcome = probe("/cosi.resource.State/Watch", request, flags=("-most", "5"))
    assert outcome["code"] == "Canceled", outcome
    assert outcome["responses"][0] == b""
    events = [
        event for response in outcome["responses"] for event in state_pb2.WatchResponse.FromString(response).event
    ]
    assert "apid" in {event.resource.metadata.id for event in events}


def test_deadlines_are_kept(probe: Probe) -> None:
    request = machine_pb2.LogsRequest(namespace="system", id="trustd", follow=True)
    assert probe(MACHINE + "Logs", request, flags=("-timeout", "1s"))["code"] == "DeadlineExceeded"


def test_compressed_requests_have_a_defined_end(probe: Probe) -> None:
    """A server may not know gzip, but has to say so."""
    assert probe(MACHINE + "Version", flags=("-gzip",))["code"] in ("OK", "Unimplemented")


def test_without_certificate_nothing_is_answered(probe: Probe) -> None:
    outcome = probe(MACHINE + "Version", anonymous=True, flags=("-timeout", "5s"))
    assert outcome["code"] in ("Unavailable", "DeadlineExceeded"), outcome
    assert not outcome["responses"]
