"""A real API server on real etcd, started from rendered pods, and what the controllers make of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import images

ROOT = Path(__file__).resolve().parents[3]
BOX = ROOT / "tests/privileged/box.py"
pytestmark = [
    pytest.mark.needs_root,
    pytest.mark.needs_netns,
    pytest.mark.needs_artifacts,
    pytest.mark.timeout(150),
]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the script of in_box.py once, in a machine of its own."""
    work = tmp_path_factory.mktemp("control-plane")
    for name in ("scratch", "out", "var"):
        (work / name).mkdir()
    for name in ("etcd", "kube-apiserver"):
        images.unpack(name, work / "programs" / name)
    binds = {work / "out": "/out", work / "var": "/var", work / "programs": "/programs", ROOT: ROOT}
    arguments = [word for source, target in binds.items() for word in ("--bind", f"{source}:{target}")]
    arguments += ["--address", "10.5.0.2/24", "--gateway", "10.5.0.1", "--hostname", "cp-1"]
    arguments += ["--env", f"PYTHONPATH={ROOT}:{ROOT}/src"]
    inside = [sys.executable, "-m", "tests.privileged.k8s.in_box"]
    done = subprocess.run(
        [sys.executable, str(BOX), "--scratch", str(work / "scratch"), *arguments, "--", *inside],
        capture_output=True,
        text=True,
        timeout=140,
        check=False,
    )
    log = work / "out/kube-apiserver.log"
    assert done.returncode == 0, done.stdout + done.stderr + (log.read_text()[-3000:] if log.exists() else "")
    found: dict[str, Any] = json.loads((work / "out/seen.json").read_text())
    return found


@pytest.mark.feature("E101", "M024", "M025", "M010")
def test_manifests_are_applied_on_the_servers_side(seen: dict[str, Any]) -> None:
    assert seen["applied"] == sorted(seen["applied"])
    assert len(seen["applied"]) >= 8
    assert seen["field_managers"] == ["talos"]
    assert any("coredns" in key for key in seen["inventory"])


@pytest.mark.feature("M025")
def test_what_the_administrator_changed_is_left_alone(seen: dict[str, Any]) -> None:
    assert seen["kept_change"] == "changed"
    assert seen["removed_stays_removed"] is True


@pytest.mark.feature("E061", "M005")
def test_member_id_is_published(seen: dict[str, Any]) -> None:
    published, real = seen["member_id"]
    assert published == real


@pytest.mark.feature("E057", "M006")
def test_wrong_peer_urls_are_corrected(seen: dict[str, Any]) -> None:
    assert seen["peer_urls"] == ["https://10.5.0.2:2380"]


@pytest.mark.feature("L016")
def test_one_candidate_leads_at_a_time(seen: dict[str, Any]) -> None:
    assert seen["election"] == ["a", "kept", "a left", "b", "b left", "c", "c lost"]


@pytest.mark.feature("E106", "M020")
def test_labels_and_taints_are_laid_over_the_node_and_taken_back(seen: dict[str, Any]) -> None:
    assert seen["labels"]["rack"] == "r1"
    assert seen["labels"]["node-role.kubernetes.io/control-plane"] == ""
    assert "rack" in seen["owned"]
    assert ["gpu", "NoSchedule"] in seen["taints"]
    assert "rack" not in seen["labels_after"]
    assert seen["labels_after"]["mine"] == "yes", "a label of somebody else stays"


@pytest.mark.feature("E109", "E093", "M017", "M021")
def test_node_status_follows_the_node(seen: dict[str, Any]) -> None:
    assert seen["node_ready"] is True
    assert seen["followed_over_restart"] is True


@pytest.mark.feature("M016")
def test_serving_certificates_for_own_addresses_only(seen: dict[str, Any]) -> None:
    assert seen["own_csr"] == ["Approved"]
    assert seen["foreign_csr"] == []


@pytest.mark.feature("E089", "M023")
def test_api_servers_are_found_through_kubernetes(seen: dict[str, Any]) -> None:
    assert seen["endpoints"] == ["10.5.0.2"]


@pytest.mark.feature("M028")
def test_secrets_are_encrypted(seen: dict[str, Any]) -> None:
    start, plain = seen["stored_secret"]
    assert start.startswith("k8s:enc:secretbox:v1:")
    assert plain is False


@pytest.mark.feature("M029")
def test_privileged_pods_stay_in_kube_system(seen: dict[str, Any]) -> None:
    assert "violates PodSecurity" in seen["privileged_pod"]["default"]
    assert "PodSecurity" not in seen["privileged_pod"]["kube-system"]


@pytest.mark.feature("M028")
def test_anonymous_sees_health_only(seen: dict[str, Any]) -> None:
    assert seen["anonymous"] == {"/livez": 200, "/readyz": 200, "/healthz": 200, "/version": 401, "/api": 401}


@pytest.mark.feature("M028")
def test_audit_log_has_metadata_and_no_contents(seen: dict[str, Any]) -> None:
    assert seen["audit_levels"] == ["Metadata"]
    assert seen["audit_secret"] is True
    assert seen["audit_leaks"] is False
