"""New authorities for a cluster: algorithms, subjects and lifetimes of the original."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from talos.base import errors
from talos.machinery.config import contract as contracts
from talos.machinery.config import secrets
from talos.machinery.types import pem
from talos.pki import x509

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes as PrivateKey

    from talos.machinery.client import talosconfig as configs

ADMIN = ("os:admin",)


class _Kubernetes(NamedTuple):
    etcd: pem.CertificateAndKey
    k8s: pem.CertificateAndKey
    aggregator: pem.CertificateAndKey
    service_account: bytes


def _pair(authority: x509.Authority) -> pem.CertificateAndKey:
    return pem.CertificateAndKey(crt=authority.crt_pem, key=authority.key_pem)


def _new(organization: str = "") -> pem.CertificateAndKey:
    organizations = [organization] if organization else []
    return _pair(x509.Authority.new(x509.new_ecdsa_key(), organizations=organizations))


def generate(
    *,
    contract: contracts.Contract = contracts.CURRENT,
    bootstrap_token: str = "",
    rsa_key: Callable[[], PrivateKey] = x509.new_rsa_key,
) -> secrets.Bundle:
    """Make the secrets of a new cluster: Ed25519 for the Talos API, ECDSA for the rest, RSA to sign tokens.

    Releases up to 1.6 sign tokens with ECDSA, those up to 1.2 encrypt what etcd keeps with AES-CBC. `rsa_key` gives the
    key where one is needed (see `ahead`).
    """
    account = rsa_key() if contract.after(1, 6) else x509.new_ecdsa_key()
    kubernetes = _Kubernetes(_new("etcd"), _new("kubernetes"), _new(), x509.encode_key(account))
    return _complete(contract, bootstrap_token, kubernetes)


def from_kubernetes_pki(
    folder: Path, *, contract: contracts.Contract = contracts.CURRENT, bootstrap_token: str = ""
) -> secrets.Bundle:
    """Take over the authorities of a cluster kubeadm made (`/etc/kubernetes/pki`), make the rest. Raises Invalid."""
    problems: list[errors.Problem] = []

    def read(name: str) -> bytes:
        try:
            return (folder / name).read_bytes()
        except OSError as error:
            problems.append(errors.Problem(error.strerror or str(error), where=str(folder / name)))
            return b""

    def pair(name: str) -> pem.CertificateAndKey:
        return pem.CertificateAndKey(crt=read(f"{name}.crt"), key=read(f"{name}.key"))

    found = _Kubernetes(pair("etcd/ca"), pair("ca"), pair("front-proxy-ca"), read("sa.key"))
    if problems:
        raise errors.Invalid(problems)
    made = _complete(contract, bootstrap_token, found)
    check(made, name=str(folder))
    return made


def _complete(
    contract: contracts.Contract,
    bootstrap_token: str,
    kubernetes: _Kubernetes,
) -> secrets.Bundle:
    secretbox = contract.after(1, 2)
    made = secrets.Bundle(
        cluster_id=secrets.new_key().replace("+", "-").replace("/", "_"),
        cluster_secret=secrets.new_key(),
        bootstrap_token=bootstrap_token or secrets.new_token(),
        trustd_token=secrets.new_token(),
        etcd=kubernetes.etcd,
        k8s=kubernetes.k8s,
        aggregator=kubernetes.aggregator,
        service_account=kubernetes.service_account,
        os=_pair(x509.Authority.new(x509.new_ed25519_key(), organizations=["talos"])),
        secretbox=secrets.new_key() if secretbox else "",
        aescbc="" if secretbox else secrets.new_key(),
    )
    secrets.check_token(made.bootstrap_token)
    return made


def check(bundle: secrets.Bundle, *, name: str = "secrets") -> None:
    """Raise Invalid if a certificate or key can not be used, or a key is another certificate's."""
    problems = []
    for path in ("etcd", "k8s", "aggregator", "os"):
        pair: pem.CertificateAndKey = getattr(bundle, path)
        try:
            x509.Authority.load(pair.crt, pair.key)
        except errors.Invalid as error:
            shown = "k8saggregator" if path == "aggregator" else path
            problems.append(errors.Problem(str(error), f"certs.{shown}", name))
    try:
        x509.load_key(bundle.service_account, trusted=True)
    except errors.Invalid as error:
        problems.append(errors.Problem(str(error), "certs.k8sserviceaccount.key", name))
    if problems:
        raise errors.Invalid(problems)


def admin_certificate(
    bundle: secrets.Bundle, roles: Sequence[str] = ADMIN, *, lifetime: datetime.timedelta = x509.CLIENT_LIFETIME
) -> x509.KeyPair:
    """Issue the client certificate of a talosconfig."""
    authority = x509.Authority.load(bundle.os.crt, bundle.os.key)
    return authority.issue(x509.Subject(organizations=tuple(roles)), x509.CLIENT, lifetime=lifetime)


def talosconfig(
    name: str,
    bundle: secrets.Bundle,
    *,
    endpoints: Sequence[str] = (),
    roles: Sequence[str] = ADMIN,
    lifetime: datetime.timedelta = x509.CLIENT_LIFETIME,
) -> configs.Talosconfig:
    """Make a talosconfig with one context, named as the cluster is."""
    from talos.machinery.client import talosconfig as configs

    pair = admin_certificate(bundle, roles, lifetime=lifetime)
    context = configs.Context(endpoints=tuple(endpoints), ca=bundle.os.crt, crt=pair.crt, key=pair.key)
    return configs.Talosconfig(name, {name: context})
