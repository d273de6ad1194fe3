"""New authorities for a cluster: algorithms, subjects and lifetimes of the original."""

from __future__ import annotations

from talos.machinery.config import secrets
from talos.machinery.types import pem
from talos.pki import x509


def _pair(authority: x509.Authority) -> pem.CertificateAndKey:
    return pem.CertificateAndKey(crt=authority.crt_pem, key=authority.key_pem)


def generate(*, bootstrap_token: str = "") -> secrets.Bundle:
    """Make the secrets of a new cluster: Ed25519 for the Talos API, ECDSA for the rest, RSA to sign tokens."""
    return secrets.Bundle(
        cluster_id=secrets.new_key().replace("+", "-").replace("/", "_"),
        cluster_secret=secrets.new_key(),
        bootstrap_token=bootstrap_token or secrets.new_token(),
        trustd_token=secrets.new_token(),
        etcd=_pair(x509.Authority.new(x509.new_ecdsa_key(), organizations=["etcd"])),
        k8s=_pair(x509.Authority.new(x509.new_ecdsa_key(), organizations=["kubernetes"])),
        aggregator=_pair(x509.Authority.new(x509.new_ecdsa_key())),
        service_account=x509.encode_key(x509.new_rsa_key()),
        os=_pair(x509.Authority.new(x509.new_ed25519_key(), organizations=["talos"])),
        secretbox=secrets.new_key(),
    )


def admin_certificate(bundle: secrets.Bundle, roles: tuple[str, ...] = ("os:admin",)) -> x509.KeyPair:
    """Issue the client certificate of a talosconfig."""
    authority = x509.Authority.load(bundle.os.crt, bundle.os.key)
    return authority.issue(x509.Subject(organizations=roles), x509.CLIENT, lifetime=x509.CLIENT_LIFETIME)
