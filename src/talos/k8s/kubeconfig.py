"""kubeconfig files: the admin's, the components', the kubelet's for bootstrap, and the one inside pods."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from talos.base import errors
from talos.k8s import encode
from talos.k8s.encode import Object

_SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _config(cluster: str, context: str, user: str, server: Mapping[str, Any], credentials: Mapping[str, Any]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": dict(server)}],
        "users": [{"name": user, "user": dict(credentials)}],
        "contexts": [{"name": context, "context": {"cluster": cluster, "namespace": "default", "user": user}}],
        "current-context": context,
    }


def with_certificate(
    *, cluster: str, user: str, server: str, ca: bytes, certificate: bytes, key: bytes, context: str = ""
) -> str:
    """Return a kubeconfig with an embedded client certificate (PEM); context `<user>@<cluster>` by default."""
    context = context or f"{user}@{cluster}"
    credentials = {"client-certificate-data": _b64(certificate), "client-key-data": _b64(key)}
    target = {"server": server, "certificate-authority-data": _b64(ca)}
    # As in the original, the user entry has the name of the context, so that merged files do not clash on "admin".
    return encode.to_yaml(_config(cluster, context, context, target, credentials))


def bootstrap(*, server: str, ca: bytes, token: str, tls_server_name: str = "") -> str:
    """Return the kubelet's bootstrap kubeconfig; `token` is `<id>.<secret>`."""
    target = {"server": server, "certificate-authority-data": _b64(ca)}
    if tls_server_name:
        target["tls-server-name"] = tls_server_name
    config = _config("local", "kubelet@local", "kubelet@local", target, {"token": token})
    del config["contexts"][0]["context"]["namespace"]
    return encode.to_yaml(config)


def with_client_file(*, server: str, ca: bytes, path: str, tls_server_name: str = "") -> str:
    """Return a kubeconfig whose client certificate and key lie in one file that is replaced as they are renewed."""
    target = {"server": server, "certificate-authority-data": _b64(ca)}
    if tls_server_name:
        target["tls-server-name"] = tls_server_name
    credentials = {"client-certificate": path, "client-key": path}
    return encode.to_yaml(_config("local", "kubelet@local", "kubelet@local", target, credentials))


def in_cluster(server: str) -> str:
    """Return the kubeconfig host-network add-ons use: the pod's token, but an API address that works without a CNI."""
    target = {"server": server, "certificate-authority": f"{_SERVICE_ACCOUNT}/ca.crt"}
    return encode.to_yaml(
        _config("local", "local", "service-account", target, {"tokenFile": f"{_SERVICE_ACCOUNT}/token"})
    )


def with_server(text: str, *, server: str, ca: bytes, tls_server_name: str = "") -> str | None:
    """Return the kubeconfig with the current context's server replaced, or None when nothing would change.

    Raises Invalid for a file without a usable current context.
    """
    config = _load(text)
    cluster = _current(config).cluster
    wanted = {"server": server, "certificate-authority-data": _b64(ca)}
    if tls_server_name:
        wanted["tls-server-name"] = tls_server_name
    known = {key: cluster.get(key) for key in (*wanted, "tls-server-name") if cluster.get(key) is not None}
    if known == wanted:
        return None
    for key in ("tls-server-name", "certificate-authority", "certificate-authority-data", "server"):
        cluster.pop(key, None)
    cluster |= wanted
    return encode.to_yaml(config)


@dataclass(frozen=True, slots=True)
class Entry:
    """The current context of a kubeconfig: where to connect and as whom. Values are the file's own mappings."""

    cluster: dict[str, Any]
    user: dict[str, Any]


def current(text: str) -> Entry:
    """Return the current context. Raises Invalid."""
    return _current(_load(text))


def _load(text: str) -> Object:
    try:
        config = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise errors.Invalid(f"kubeconfig is not YAML: {error}") from error
    if not isinstance(config, dict):
        raise errors.Invalid("kubeconfig is not a mapping")
    return config


def _named(config: Object, section: str, name: object, key: str) -> dict[str, Any]:
    for entry in config.get(section) or ():
        if isinstance(entry, dict) and entry.get("name") == name and isinstance(entry.get(key), dict):
            found: dict[str, Any] = entry[key]
            return found
    raise errors.Invalid(f"kubeconfig has no entry {name!r} in {section}")


def _current(config: Object) -> Entry:
    context = _named(config, "contexts", config.get("current-context"), "context")
    return Entry(
        _named(config, "clusters", context.get("cluster"), "cluster"),
        _named(config, "users", context.get("user"), "user"),
    )
