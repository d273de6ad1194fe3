"""Files of kube-apiserver: admission control, audit policy, authentication, authorization, encryption at rest.

What a user did not configure has the defaults of the original: pods must meet the baseline standard (warnings and
audit for the restricted one) outside of kube-system, requests are logged as metadata only, anonymous users may reach
the health endpoints and nothing else, secrets are encrypted with secretbox.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from talos.k8s.encode import Object

if TYPE_CHECKING:
    from talos.machinery.resources.k8s import admission_control_config, authorization_config
    from talos.machinery.resources.secrets import kubernetes_root_secret

DEFAULT_POD_SECURITY: Final[Mapping[str, Any]] = {
    "apiVersion": "pod-security.admission.config.k8s.io/v1",
    "kind": "PodSecurityConfiguration",
    "defaults": {
        "audit": "restricted",
        "audit-version": "latest",
        "enforce": "baseline",
        "enforce-version": "latest",
        "warn": "restricted",
        "warn-version": "latest",
    },
    "exemptions": {"namespaces": ["kube-system"], "runtimeClasses": [], "usernames": []},
}

DEFAULT_AUDIT_POLICY: Final[Mapping[str, Any]] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "rules": [{"level": "Metadata"}],
}

DEFAULT_AUTHENTICATION: Final[Mapping[str, Any]] = {
    "anonymous": {
        "enabled": True,
        "conditions": [{"path": path} for path in ("/livez", "/readyz", "/healthz")],
    },
}


def admission(plugins: Sequence[admission_control_config.AdmissionPluginSpec]) -> Object:
    """Return AdmissionConfiguration."""
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [{"name": p.name, "path": "", "configuration": p.configuration} for p in plugins],
    }


def audit_policy(user: Mapping[str, Any]) -> Object:
    """Return the audit policy; a user's policy may leave kind and version out."""
    return {**user, "apiVersion": "audit.k8s.io/v1", "kind": "Policy"}


def authentication(user: Mapping[str, Any]) -> Object:
    """Return AuthenticationConfiguration."""
    return {**user, "apiVersion": "apiserver.config.k8s.io/v1beta1", "kind": "AuthenticationConfiguration"}


def authorization(authorizers: Sequence[authorization_config.AuthorizationAuthorizersSpec]) -> Object:
    """Return AuthorizationConfiguration."""
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthorizationConfiguration",
        "authorizers": [
            {"type": a.type, "name": a.name, **({"webhook": a.webhook} if a.webhook else {})} for a in authorizers
        ],
    }


def encryption(root: kubernetes_root_secret.KubernetesRootSecret.Spec) -> Object:
    """Return the encryption configuration: the user's document, or one made of the cluster's encryption secrets.

    The first provider encrypts, all of them decrypt; `identity` last keeps data readable that predates encryption.
    """
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
    if root.etcd_encryption_config:
        return {**root.etcd_encryption_config, **head}
    providers: list[Object] = []
    if root.secretbox_encryption_secret:
        providers.append({"secretbox": {"keys": [{"name": "key2", "secret": root.secretbox_encryption_secret}]}})
    if root.aescbc_encryption_secret:
        providers.append({"aescbc": {"keys": [{"name": "key1", "secret": root.aescbc_encryption_secret}]}})
    return {**head, "resources": [{"resources": ["secrets"], "providers": [*providers, {"identity": {}}]}]}
