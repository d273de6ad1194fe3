"""The kubelet's files: written when they change, and rid of what belongs to another node, cluster or policy."""

from __future__ import annotations

import base64
import datetime
import json
import logging
from pathlib import Path

import pytest
import yaml

from talos.k8s import kubeconfig
from talos.machined.controllers.k8s import _kubelet_files
from talos.machinery.resources.k8s import kubelet_spec
from talos.machinery.resources.secrets import kubelet_secret
from talos.machinery.types import pem
from talos.pki import x509
from tests.unit.machined.controllers.cluster_node import made

LOG = logging.getLogger("test")
SPEC = kubelet_spec.KubeletSpec.Spec(
    image="i", args=("kubelet", "--kubeconfig=/etc/kubernetes/kubeconfig-kubelet"), config={"maxPods": 1}
)


def secret(endpoint: str = "https://127.0.0.1:7445", *more: bytes) -> kubelet_secret.KubeletSecret.Spec:
    return kubelet_secret.KubeletSecret.Spec(
        endpoint=endpoint,
        accepted_c_as=tuple(pem.Certificate(crt=crt) for crt in (made().k8s.crt, *more)),
        bootstrap_token_id="abcdef",
        bootstrap_token_secret="0123456789abcdef",
    )


@pytest.fixture
def places(tmp_path: Path) -> _kubelet_files.Places:
    for name in ("etc/kubernetes", "var/lib/kubelet"):
        (tmp_path / name).mkdir(parents=True)
    return _kubelet_files.Places(tmp_path)


@pytest.mark.feature("M016", "E094")
def test_only_what_differs_restarts_the_kubelet(places: _kubelet_files.Places, tmp_path: Path) -> None:
    record = tmp_path / "run/record"
    assert _kubelet_files.write(places, SPEC, secret(), record)
    assert not _kubelet_files.write(places, SPEC, secret(), record)
    for other in (
        kubelet_spec.KubeletSpec.Spec(image="i2", args=SPEC.args, config=SPEC.config),
        kubelet_spec.KubeletSpec.Spec(image="i2", args=(*SPEC.args, "--v=4"), config=SPEC.config),
        kubelet_spec.KubeletSpec.Spec(image="i2", args=(*SPEC.args, "--v=4"), config={"maxPods": 2}),
    ):
        assert _kubelet_files.write(places, other, secret(), record)
        assert not _kubelet_files.write(places, other, secret(), record)
    assert _kubelet_files.write(places, other, secret("https://10.5.0.1:6443"), record)


@pytest.mark.feature("M016", "E094")
def test_files_say_what_the_spec_says(places: _kubelet_files.Places, tmp_path: Path) -> None:
    _kubelet_files.write(places, SPEC, secret(), tmp_path / "record")
    bootstrap = kubeconfig.current((tmp_path / "etc/kubernetes/bootstrap-kubeconfig").read_text())
    assert bootstrap.user["token"] == "abcdef.0123456789abcdef"
    assert bootstrap.cluster["server"] == "https://127.0.0.1:7445"
    assert base64.b64decode(bootstrap.cluster["certificate-authority-data"]) == made().k8s.crt
    assert (tmp_path / "etc/kubernetes/pki/ca.crt").read_bytes() == made().k8s.crt
    assert yaml.safe_load((tmp_path / "etc/kubernetes/kubelet.yaml").read_text()) == {"maxPods": 1}
    assert (tmp_path / "etc/kubernetes/bootstrap-kubeconfig").stat().st_mode & 0o777 == 0o600


def test_credential_providers_come_and_go(places: _kubelet_files.Places, tmp_path: Path) -> None:
    spec = kubelet_spec.KubeletSpec.Spec(image="i", credential_provider_config={"providers": []})
    assert _kubelet_files.write(places, spec, secret(), tmp_path / "record")
    (path,) = (tmp_path / "etc/kubernetes").glob("*credential*")
    assert yaml.safe_load(path.read_text())["kind"] == "CredentialProviderConfig"
    without = kubelet_spec.KubeletSpec.Spec(image="i")
    assert _kubelet_files.write(places, without, secret(), tmp_path / "record")
    assert not path.exists()


def certificate(places: _kubelet_files.Places, name: str, ca: pem.CertificateAndKey, days: float = 365) -> None:
    authority = x509.Authority.load(ca.crt, ca.key)
    subject = x509.Subject(f"system:node:{name}", ("system:nodes",))
    pair = authority.issue(subject, x509.CLIENT, lifetime=datetime.timedelta(days=days))
    places.client.parent.mkdir(parents=True, exist_ok=True)
    places.client.write_bytes(pair.crt + pair.key)
    places.kubeconfig.write_text("of an earlier life")


@pytest.mark.feature("M016")
@pytest.mark.parametrize(
    ("name", "authority", "days", "kept"),
    [("n1", "k8s", 365, True), ("n2", "k8s", 365, False), ("n1", "etcd", 365, False), ("n1", "k8s", 1e-6, False)],
)
def test_client_certificates_of_others_are_dropped(
    places: _kubelet_files.Places, name: str, authority: str, days: float, kept: bool
) -> None:
    certificate(places, name, getattr(made(), authority), days)
    _kubelet_files.drop_foreign_certificates(places, "n1", secret(), LOG)
    assert places.client.exists() is kept
    assert places.kubeconfig.exists() is kept


def test_an_unreadable_client_certificate_is_dropped(places: _kubelet_files.Places) -> None:
    places.client.parent.mkdir(parents=True)
    places.client.write_text("junk")
    _kubelet_files.drop_foreign_certificates(places, "n1", secret(), LOG)
    assert not places.client.exists()


@pytest.mark.feature("M042")
def test_a_certificate_of_an_accepted_authority_is_kept(places: _kubelet_files.Places) -> None:
    certificate(places, "n1", made().etcd)
    _kubelet_files.drop_foreign_certificates(places, "n1", secret("https://x:1", made().etcd.crt), LOG)
    assert places.client.exists()


@pytest.mark.feature("M017")
def test_kubeconfig_follows_endpoint_and_authorities(places: _kubelet_files.Places) -> None:
    certificate(places, "n1", made().k8s)
    places.kubeconfig.unlink()
    _kubelet_files.follow_endpoint(places, secret("https://10.5.0.1:6443"))
    first = kubeconfig.current(places.kubeconfig.read_text())
    assert first.cluster["server"] == "https://10.5.0.1:6443"
    assert first.user["client-certificate"] == "/var/lib/kubelet/pki/kubelet-client-current.pem"
    _kubelet_files.follow_endpoint(places, secret("https://127.0.0.1:7445", made().etcd.crt))
    second = kubeconfig.current(places.kubeconfig.read_text())
    assert second.cluster["server"] == "https://127.0.0.1:7445"
    assert base64.b64decode(second.cluster["certificate-authority-data"]).count(b"BEGIN") == 2
    assert second.user == first.user


def test_no_kubeconfig_is_made_up_without_a_certificate(places: _kubelet_files.Places) -> None:
    _kubelet_files.follow_endpoint(places, secret())
    assert not places.kubeconfig.exists()


@pytest.mark.feature("M016")
def test_a_control_planes_kubelet_gets_its_certificate_from_the_node(places: _kubelet_files.Places) -> None:
    assert _kubelet_files.issue(places, "cp-1", made().k8s)
    (found, *_) = x509.load_certificates(places.client.read_bytes())
    found.verify_directly_issued_by(x509.load_certificates(made().k8s.crt)[0])
    assert found.subject.rfc4514_string() == "CN=system:node:cp-1,O=system:nodes"
    before = places.client.read_bytes()
    assert not _kubelet_files.issue(places, "cp-1", made().k8s), "one that is there stays"
    assert places.client.read_bytes() == before
    assert places.client.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("issuing", [None, pem.CertificateAndKey(crt=b"x", key=b"")])
def test_a_worker_has_to_ask(places: _kubelet_files.Places, issuing: pem.CertificateAndKey | None) -> None:
    assert not _kubelet_files.issue(places, "w-1", issuing)
    assert not places.client.exists()


@pytest.mark.parametrize(
    ("state", "config", "kept"),
    [
        ({"policyName": "none"}, {}, True),
        ({"policyName": "none"}, {"cpuManagerPolicy": "static"}, False),
        ({"policyName": "static"}, {"cpuManagerPolicy": "static"}, True),
        ({"policyName": "static"}, {}, False),
        ([], {}, False),
    ],
)
def test_state_of_another_cpu_policy_is_dropped(
    places: _kubelet_files.Places, tmp_path: Path, state: object, config: dict[str, str], kept: bool
) -> None:
    path = tmp_path / "var/lib/kubelet/cpu_manager_state"
    path.write_text(json.dumps(state))
    _kubelet_files.drop_manager_state(places, config)
    assert path.exists() is kept


def test_self_signed_serving_certificates_are_made_anew(places: _kubelet_files.Places, tmp_path: Path) -> None:
    folder = tmp_path / "var/lib/kubelet/pki"
    folder.mkdir(parents=True)
    for name in ("kubelet.crt", "kubelet.key", "kubelet-client-current.pem"):
        (folder / name).touch()
    _kubelet_files.drop_self_signed(places)
    assert [path.name for path in folder.iterdir()] == ["kubelet-client-current.pem"]
