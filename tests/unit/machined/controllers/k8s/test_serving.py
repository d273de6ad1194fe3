"""Which serving certificates kubelets are granted."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from talos.machined.controllers.k8s import _serving
from talos.pki import x509

NODE = {
    "metadata": {"name": "w-1"},
    "status": {
        "addresses": [
            {"type": "InternalIP", "address": "10.5.0.3"},
            {"type": "InternalIP", "address": "fd00::3"},
            {"type": "Hostname", "address": "w-1"},
            {"type": "ExternalDNS", "address": "w-1.example.org"},
        ]
    },
}
USER = "system:node:w-1"


def request(
    subject: x509.Subject | None = None,
    *,
    user: str = USER,
    groups: tuple[str, ...] = ("system:nodes", "system:authenticated"),
    usages: tuple[str, ...] = ("digital signature", "server auth"),
    signer: str = _serving.SIGNER,
    conditions: tuple[Any, ...] = (),
    encoded: bytes | None = None,
) -> dict[str, Any]:
    wanted = subject or x509.Subject(USER, ("system:nodes",), ("w-1",), ("10.5.0.3",))
    csr = x509.make_request(x509.new_ecdsa_key(), wanted) if encoded is None else encoded
    return {
        "metadata": {"name": "csr-1"},
        "spec": {
            "signerName": signer, "username": user, "groups": list(groups), "usages": list(usages),
            "request": base64.b64encode(csr).decode(),
        },
        "status": {"conditions": list(conditions)},
    }  # fmt: skip


@pytest.mark.feature("M016")
@pytest.mark.parametrize(
    "subject",
    [
        x509.Subject(USER, ("system:nodes",), ("w-1",), ("10.5.0.3",)),
        x509.Subject(USER, ("system:nodes",), (), ("10.5.0.3", "fd00:0::3")),
        x509.Subject(USER, ("system:nodes",), ("w-1.example.org",), ()),
    ],
)
def test_names_of_the_node_are_granted(subject: x509.Subject) -> None:
    assert _serving.refusal(request(subject), NODE) == ""


@pytest.mark.feature("M016")
@pytest.mark.parametrize(
    ("csr", "reason"),
    [
        (request(x509.Subject(USER, ("system:nodes",), ("other",), ("10.5.0.3",))), "other does not belong"),
        (request(x509.Subject(USER, ("system:nodes",), (), ("10.5.0.9",))), "10.5.0.9 does not belong"),
        (request(x509.Subject(USER, ("system:nodes",))), "names no address"),
        (request(x509.Subject("admin", ("system:nodes",), ("w-1",))), "its subject"),
        (request(x509.Subject(USER, ("system:masters",), ("w-1",))), "its subject"),
        (request(user="system:node:w-2"), "not made by the node"),
        (request(user="somebody"), "not made by the node"),
        (request(groups=("system:authenticated",)), "not made by the node"),
        (request(usages=("digital signature", "client auth")), "other usages"),
        (request(usages=("digital signature", "server auth", "client auth")), "other usages"),
    ],
)
def test_anything_else_is_refused_with_its_reason(csr: dict[str, Any], reason: str) -> None:
    assert reason in _serving.refusal(csr, NODE)


def test_a_broken_request_is_refused() -> None:
    assert _serving.refusal(request(encoded=b"junk"), NODE)


def test_pending_means_undecided_and_ours() -> None:
    assert _serving.pending(request())
    assert not _serving.pending(request(signer="kubernetes.io/kube-apiserver-client-kubelet"))
    assert not _serving.pending(request(conditions=({"type": "Denied"},)))


def test_approval_keeps_the_request() -> None:
    csr = request()
    approved = _serving.approval(csr, "2026-01-01T00:00:00Z")
    assert approved["spec"] == csr["spec"]
    (condition,) = approved["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("Approved", "True")
    assert not _serving.pending(approved)
