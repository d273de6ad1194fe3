"""The secrets bundle of a cluster, `secrets.yaml`: everything random that its configurations are made from.

The file format is the original's: PEM in base64, tokens as `<6>.<16>` of lower-case letters and digits. Making new
certificates is the job of `talos.pki`; this module only holds, reads and writes them.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from talos.base import errors
from talos.machinery.config import _yaml, encoder
from talos.machinery.types import pem

if TYPE_CHECKING:
    from talos.machinery.config import container

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_TOKEN = re.compile(r"[a-z0-9]{6}\.[a-z0-9]{16}\Z")
_TOKEN_FORM = "expected 6 and 16 lower-case letters or digits with a dot between"


def new_token() -> str:
    """Make a bootstrap or trustd token."""
    import secrets

    letters = [secrets.choice(_ALPHABET) for _ in range(22)]
    return "".join(letters[:6]) + "." + "".join(letters[6:])


def check_token(text: str) -> None:
    """Raise Invalid for a text that is no bootstrap token."""
    if not _TOKEN.match(text):
        raise errors.Invalid([errors.Problem(_TOKEN_FORM, "bootstrap token")])


def new_key() -> str:
    """Make 32 random bytes, base64."""
    return base64.b64encode(os.urandom(32)).decode()


@dataclass(frozen=True, slots=True)
class Bundle:
    """Secrets of one cluster. `aescbc` is set only in bundles of old clusters."""

    cluster_id: str
    cluster_secret: str
    bootstrap_token: str
    trustd_token: str
    etcd: pem.CertificateAndKey
    k8s: pem.CertificateAndKey
    aggregator: pem.CertificateAndKey
    service_account: bytes
    os: pem.CertificateAndKey
    secretbox: str = ""
    aescbc: str = ""

    @classmethod
    def load(cls, text: bytes, *, name: str = "secrets.yaml") -> Bundle:
        """Parse a bundle. Raises Invalid with every problem."""
        source, nodes = _yaml.compose(text, name)
        if len(nodes) != 1 or not isinstance(nodes[0], yaml.MappingNode):
            raise errors.Invalid(f"{source.name}: expected one document with keys")
        reader = _Reader(_yaml.data(nodes[0]), source.name)
        bundle = cls(
            cluster_id=reader.text("cluster.id"),
            cluster_secret=reader.text("cluster.secret"),
            bootstrap_token=reader.token("secrets.bootstraptoken"),
            trustd_token=reader.text("trustdinfo.token"),
            etcd=reader.pair("certs.etcd"),
            k8s=reader.pair("certs.k8s"),
            aggregator=reader.pair("certs.k8saggregator"),
            service_account=reader.decoded("certs.k8sserviceaccount.key"),
            os=reader.pair("certs.os"),
            secretbox=reader.optional("secrets.secretboxencryptionsecret"),
            aescbc=reader.optional("secrets.aescbcencryptionsecret"),
        )
        if bool(bundle.secretbox) == bool(bundle.aescbc):
            which = "only one" if bundle.secretbox else "one"
            expected = f"expected {which} of secretboxencryptionsecret and aescbcencryptionsecret"
            reader.problems.append(errors.Problem(expected, "secrets", source.name))
        if reader.problems:
            raise errors.Invalid(reader.problems)
        return bundle

    @classmethod
    def from_container(cls, config: container.Container) -> Bundle:
        """Take the secrets of a cluster from the configuration of one of its control planes. Raises Invalid."""
        from talos.machinery.config import views
        from talos.machinery.config.views.machine import cluster_section

        machine, cluster = views.machine(config), views.cluster(config)
        if not machine.is_control_plane:
            expected = "the secrets of a cluster are in the configurations of its control planes, this is none"
            raise errors.Invalid([errors.Problem(expected, "machine.type", config.name)])
        kubernetes, section = views.kubernetes_secrets(config), cluster_section(config)
        bundle = cls(
            cluster_id=cluster.id,
            cluster_secret=cluster.secret,
            bootstrap_token=kubernetes.bootstrap_token,
            trustd_token=machine.token,
            etcd=views.etcd(config).ca,
            k8s=kubernetes.ca,
            aggregator=kubernetes.aggregator_ca,
            service_account=kubernetes.service_account_key,
            os=machine.ca,
            secretbox=_secretbox(views.encryption_config(config)) or section.secretbox_encryption_secret,
            aescbc=section.aescbc_encryption_secret,
        )
        return cls.load(bundle.encode(), name=f"secrets of {config.name or 'the configuration'}")

    def encode(self) -> bytes:
        """Return the YAML form."""

        def pair(found: pem.CertificateAndKey) -> dict[str, str]:
            return {"crt": base64.b64encode(found.crt).decode(), "key": base64.b64encode(found.key).decode()}

        inner = {"bootstraptoken": self.bootstrap_token}
        if self.secretbox:
            inner["secretboxencryptionsecret"] = self.secretbox
        if self.aescbc:
            inner["aescbcencryptionsecret"] = self.aescbc
        data = {
            "cluster": {"id": self.cluster_id, "secret": self.cluster_secret},
            "secrets": inner,
            "trustdinfo": {"token": self.trustd_token},
            "certs": {
                "etcd": pair(self.etcd),
                "k8s": pair(self.k8s),
                "k8saggregator": pair(self.aggregator),
                "k8sserviceaccount": {"key": base64.b64encode(self.service_account).decode()},
                "os": pair(self.os),
            },
        }
        return encoder.dump(data).encode()


def _secretbox(encryption: Mapping[str, Any]) -> str:
    """Return the key secrets are written with; nothing when the first provider for them is another one.

    The configuration is free-form: whatever does not look as expected holds no key.
    """
    for block in _items(encryption, "resources"):
        if isinstance(block, Mapping) and "secrets" in _items(block, "resources"):
            first = next(iter(_items(block, "providers")), None)
            provider = first.get("secretbox") if isinstance(first, Mapping) else None
            keys = _items(provider, "keys") if isinstance(provider, Mapping) else ()
            return str(keys[0].get("secret") or "") if keys and isinstance(keys[0], Mapping) else ""
    return ""


def _items(data: Mapping[str, Any], key: str) -> Sequence[Any]:
    found = data.get(key)
    return found if isinstance(found, list | tuple) else ()


class _Reader:
    """Picks values out of plain data by dotted path and collects what is missing."""

    def __init__(self, data: Any, name: str) -> None:
        self.data = data
        self.name = name
        self.problems: list[errors.Problem] = []

    def optional(self, path: str) -> str:
        found = self.data
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return str(found) if found is not None else ""

    def text(self, path: str) -> str:
        found = self.optional(path)
        if not found:
            self.problems.append(errors.Problem("missing", path, self.name))
        return found

    def token(self, path: str) -> str:
        found = self.text(path)
        if found and not _TOKEN.match(found):
            self.problems.append(errors.Problem(_TOKEN_FORM, path, self.name))
        return found

    def decoded(self, path: str) -> bytes:
        found = self.text(path)
        try:
            data = base64.b64decode(found, validate=True)
        except ValueError:
            data = b""
        if found and b"-----BEGIN" not in data:
            self.problems.append(errors.Problem("expected base64 of PEM", path, self.name))
        return data

    def pair(self, path: str) -> pem.CertificateAndKey:
        return pem.CertificateAndKey(crt=self.decoded(f"{path}.crt"), key=self.decoded(f"{path}.key"))
