"""The kubelet's files: configuration, trust, bootstrap credentials, and the client certificate it got.

`Files.write` makes them follow the spec and tells whether a running kubelet has to be restarted; the rest removes what
the kubelet would wrongly keep: certificates for another name or authority, state of another CPU manager policy.
"""

from __future__ import annotations

import datetime
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from talos.base import errors
from talos.base.constants import paths
from talos.k8s import encode, kubeconfig, kubelet
from talos.linux import files
from talos.machined.controllers.k8s import _version
from talos.machinery.resources.k8s import kubelet_spec
from talos.machinery.resources.secrets import kubelet_secret
from talos.machinery.types import pem
from talos.pki import x509

_CLIENT_LIFETIME = datetime.timedelta(days=365)
_CREDENTIAL_PROVIDER_HEAD = {"apiVersion": "kubelet.config.k8s.io/v1", "kind": "CredentialProviderConfig"}


@dataclass(frozen=True, slots=True)
class Places:
    """Where the files are; another root in tests."""

    root: Path = Path("/")

    def at(self, path: Path) -> Path:
        """Return an absolute path below the root."""
        return self.root / path.relative_to("/")

    @property
    def client(self) -> Path:
        """The client certificate and key in one file, as the kubelet keeps them."""
        return self.at(paths.KUBELET_PKI) / "kubelet-client-current.pem"

    @property
    def kubeconfig(self) -> Path:
        """The kubelet's own kubeconfig."""
        return self.at(paths.KUBELET_KUBECONFIG)


def _bundle(secret: kubelet_secret.KubeletSecret.Spec) -> bytes:
    return b"".join(ca.crt.rstrip() + b"\n" for ca in secret.accepted_c_as)


def writable(places: Places) -> bool:
    """Tell whether the file systems the kubelet's files are on are there."""
    return all(os.access(places.at(path), os.W_OK) for path in (paths.KUBERNETES_CONFIG, paths.KUBELET_DATA.parent))


def write(
    places: Places, spec: kubelet_spec.KubeletSpec.Spec, secret: kubelet_secret.KubeletSecret.Spec, record: Path
) -> bool:
    """Write everything the kubelet reads at its start; return whether anything differs from the last time.

    `record` keeps what is no file: image, arguments and mounts. Raises OSError.
    """
    ca = _bundle(secret)
    token = f"{secret.bootstrap_token_id}.{secret.bootstrap_token_secret}"
    name = secret.endpoint_tls_server_name
    bootstrap = kubeconfig.bootstrap(server=secret.endpoint, ca=ca, token=token, tls_server_name=name)
    files.directory(places.at(paths.KUBERNETES_PKI), mode=0o700)
    files.directory(places.at(paths.KUBERNETES_MANIFESTS), mode=0o700)
    launch = _version.of_spec((spec.image, spec.args, spec.extra_mounts)).encode()
    record.parent.mkdir(parents=True, exist_ok=True)
    changed = [
        files.write(places.at(paths.KUBELET_BOOTSTRAP_KUBECONFIG), bootstrap.encode(), mode=0o600),
        files.write(places.at(paths.KUBERNETES_CA), ca, mode=0o400),
        files.write(places.at(kubelet.CONFIG_FILE), encode.to_yaml(spec.config).encode(), mode=0o600),
        _write_credential_provider(places.at(kubelet.CREDENTIAL_PROVIDER_CONFIG), spec.credential_provider_config),
        files.write(record, launch, mode=0o600),
    ]
    return any(changed)


def _write_credential_provider(path: Path, config: Mapping[str, Any]) -> bool:
    if config:
        return files.write(path, encode.to_yaml({**config, **_CREDENTIAL_PROVIDER_HEAD}).encode(), mode=0o600)
    existed = path.exists()
    path.unlink(missing_ok=True)
    return existed


def drop_foreign_certificates(
    places: Places, nodename: str, secret: kubelet_secret.KubeletSecret.Spec, log: logging.Logger
) -> None:
    """Remove the client certificate if it is for another node or from another authority. Raises OSError."""
    try:
        certificates = x509.load_certificates(places.client.read_bytes())
    except FileNotFoundError:
        return
    except errors.Invalid:
        certificates = []
    reason = _foreign(certificates, nodename, secret)
    if reason:
        log.info("the kubelet's client certificate is removed: %s", reason)
        files.remove_tree(places.at(paths.KUBELET_PKI))
        places.kubeconfig.unlink(missing_ok=True)


def _foreign(certificates: list[Any], nodename: str, secret: kubelet_secret.KubeletSecret.Spec) -> str:
    from cryptography.x509.oid import NameOID

    if not certificates:
        return "it cannot be read"
    certificate = certificates[0]
    names = [str(a.value) for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if nodename and names != [f"system:node:{nodename}"]:
        return f"it is for {', '.join(names)}"
    if certificate.not_valid_after_utc <= datetime.datetime.now(datetime.UTC):
        return "it has expired"
    accepted = [ca for part in secret.accepted_c_as for ca in x509.load_certificates(part.crt)]
    if any(_issued_by(certificate, ca) for ca in accepted):
        return ""
    return "it is of an authority that is not accepted any more"


def _issued_by(certificate: Any, ca: Any) -> bool:
    try:
        certificate.verify_directly_issued_by(ca)
    except Exception:
        # Whatever the reason, it is not this authority's.
        return False
    return True


def drop_self_signed(places: Places) -> None:
    """Remove the serving certificate the kubelet signed itself, so that it follows the node's addresses."""
    for name in ("kubelet.crt", "kubelet.key"):
        (places.at(paths.KUBELET_PKI) / name).unlink(missing_ok=True)


def drop_manager_state(places: Places, config: Mapping[str, Any]) -> None:
    """Remove the state of CPU and memory managers of another policy: the kubelet would refuse to start."""
    for file, key, neutral in (
        ("cpu_manager_state", "cpuManagerPolicy", "none"),
        ("memory_manager_state", "memoryManagerPolicy", "None"),
    ):
        path = places.at(paths.KUBELET_DATA) / file
        try:
            known = str(json.loads(path.read_text()).get("policyName", ""))
        except FileNotFoundError:
            continue
        except (ValueError, AttributeError):
            known = "?"
        if known != (config.get(key) or neutral):
            path.unlink(missing_ok=True)


def follow_endpoint(places: Places, secret: kubelet_secret.KubeletSecret.Spec) -> None:
    """Point the kubelet's own kubeconfig at the current endpoint and authorities; write it if only it is missing."""
    ca, name = _bundle(secret), secret.endpoint_tls_server_name
    try:
        text = places.kubeconfig.read_text()
        changed = kubeconfig.with_server(text, server=secret.endpoint, ca=ca, tls_server_name=name)
    except (FileNotFoundError, errors.Invalid):
        changed = kubeconfig.with_client_file(
            server=secret.endpoint, ca=ca, path=str(paths.KUBELET_PKI / places.client.name), tls_server_name=name
        )
        if not places.client.exists():
            return
    if changed is not None:
        files.write(places.kubeconfig, changed.encode(), mode=0o600)


def issue(places: Places, nodename: str, issuing: pem.CertificateAndKey | None) -> bool:
    """Give a control plane's kubelet its first client certificate; return whether one was needed.

    The node holds the authority that would sign the kubelet's request a few seconds later. Without this the kubelet
    of the first node would ask an API server that it has to start itself, and back off while that comes up.
    """
    if places.client.exists() or not nodename or issuing is None or not issuing.key:
        return False
    authority = x509.Authority.load(issuing.crt, issuing.key)
    subject = x509.Subject(f"system:node:{nodename}", ("system:nodes",))
    pair = authority.issue(subject, x509.Usage(client=True, key_encipherment=True), lifetime=_CLIENT_LIFETIME)
    files.directory(places.client.parent, mode=0o755)
    files.write(places.client, pair.crt + pair.key, mode=0o600)
    return True
