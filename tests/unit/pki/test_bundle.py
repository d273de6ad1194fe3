"""Secrets of a cluster: what is checked, and the talosconfig made from them."""

from __future__ import annotations

import dataclasses

import pytest

from talos.base import errors
from talos.machinery.client import talosconfig
from talos.machinery.config import contract, secrets
from talos.machinery.types import pem
from talos.pki import bundle, x509
from tests import capabilities

OLD = bundle.generate(contract=contract.Contract(1, 0))


def test_what_was_made_is_right() -> None:
    bundle.check(OLD)


def test_check_names_every_pair_that_is_wrong() -> None:
    broken = dataclasses.replace(
        OLD,
        os=pem.CertificateAndKey(crt=OLD.os.crt, key=OLD.etcd.key),
        aggregator=pem.CertificateAndKey(
            crt=b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key=b"x"
        ),
        service_account=b"nothing",
    )
    with pytest.raises(errors.Invalid) as caught:
        bundle.check(broken, name="s.yaml")
    found = {problem.path: problem.message for problem in caught.value.problems}
    assert set(found) == {"certs.os", "certs.k8saggregator", "certs.k8sserviceaccount.key"}
    assert "does not belong" in found["certs.os"]
    assert all(problem.where == "s.yaml" for problem in caught.value.problems)


def test_talosconfig_has_one_context_named_as_the_cluster() -> None:
    made = bundle.talosconfig("c", OLD, endpoints=["10.5.0.2"], roles=["os:reader"])
    again = talosconfig.parse(talosconfig.encode(made))
    name, context = again.get()
    assert (name, list(again.contexts)) == ("c", ["c"])
    assert (context.ca, context.endpoints) == (OLD.os.crt, ("10.5.0.2",))
    certificate = x509.load_certificates(context.crt)[0]
    certificate.verify_directly_issued_by(x509.load_certificates(OLD.os.crt)[0])
    assert certificate.subject.rfc4514_string() == "O=os:reader"


@pytest.mark.feature("F023")
@pytest.mark.needs_original_fixtures
def test_secrets_of_the_original() -> None:
    folder = capabilities.original_fixtures_dir() / "config/generate/secrets/testdata"
    text = (folder / "secrets.yaml").read_bytes()
    loaded = secrets.Bundle.load(text)
    bundle.check(loaded)
    assert loaded.encode() == text
    with pytest.raises(errors.Invalid) as caught:
        secrets.Bundle.load((folder / "invalid-secrets.yaml").read_bytes())
    assert {problem.path for problem in caught.value.problems} == {
        "cluster.secret", "secrets", "trustdinfo.token", "certs.etcd.key", "certs.k8saggregator.crt",
        "certs.k8saggregator.key", "certs.os.crt",
    }  # fmt: skip
