"""Checks that several documents share. Each returns what is wrong, or an empty text."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from talos.base.constants.ports import KUBERNETES_API
from talos.machinery.config import findings, values

# Those that are not compiled here are compiled when they are first needed, which is not in every command.
_REFERENCE = (
    r"(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?::[\w][\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?\Z"
)
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?\Z")
_QUALIFIED = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?\Z")
_PEM = r"-----BEGIN ([A-Z0-9 ]+)-----\s+([A-Za-z0-9+/=\s]+?)-----END \1-----"
_ASCII_NAME = r"[A-Za-z0-9-]+\Z"
MAX_LABEL = 63
MAX_SUBDOMAIN = 253
TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
# Roles of the machine API; `os:impersonator` is never given to anybody.
ROLES = ("os:admin", "os:operator", "os:reader", "os:etcd:backup", "os:impersonator")


def image(reference: str) -> str:
    """Whether text is a container image reference."""
    return "" if re.match(_REFERENCE, reference, re.ASCII) else f"{reference!r} is no image reference"


def subdomain(name: str) -> str:
    """Whether text is an object name of Kubernetes: DNS labels with dots between."""
    if len(name) <= MAX_SUBDOMAIN and all(_LABEL.match(part) for part in name.split(".")):
        return ""
    return f"{name!r} is no name: lower-case letters, digits, '-' and '.', at most {MAX_SUBDOMAIN} characters"


def qualified(key: str) -> str:
    """Whether text is a label, annotation or taint key: `[prefix/]name`."""
    prefix, slash, name = key.rpartition("/")
    if slash and (not prefix or subdomain(prefix)):
        return f"{prefix!r} before the slash is no domain"
    if not _QUALIFIED.match(name) or len(name) > MAX_LABEL:
        return f"{name!r} has to be letters, digits, '-', '_' or '.', at most {MAX_LABEL} characters"
    return ""


def label_value(value: str) -> str:
    """Whether text may be a label's value."""
    if not value or (len(value) <= MAX_LABEL and _QUALIFIED.match(value)):
        return ""
    return f"{value!r} has to be letters, digits, '-', '_' or '.', at most {MAX_LABEL} characters"


def node_labels(found: findings.Findings, path: str, given: Mapping[str, str]) -> None:
    """Check node labels."""
    for key, value in given.items():
        problem = qualified(key.removesuffix("-")) or label_value(value)
        if problem:
            found.error(f"{path}.{key}", f"invalid label: {problem}")


def node_annotations(found: findings.Findings, path: str, given: Mapping[str, str]) -> None:
    """Check node annotations."""
    for key in given:
        problem = qualified(key.removesuffix("-").lower())
        if problem:
            found.error(f"{path}.{key}", f"invalid annotation: {problem}")


def node_taints(found: findings.Findings, path: str, given: Mapping[str, str]) -> None:
    """Check node taints: `key: value:Effect`, `key: Effect`."""
    for key, text in given.items():
        value, colon, effect = text.rpartition(":")
        problem = qualified(key.removesuffix("-"))
        if not problem and effect not in TAINT_EFFECTS and not (not colon and not text):
            problem = f"{effect!r} is none of {', '.join(TAINT_EFFECTS)}"
        problem = problem or label_value(value)
        if problem:
            found.error(f"{path}.{key}", f"invalid taint: {problem}")


def required_image(found: findings.Findings, reference: str, path: str = "image") -> None:
    """Check that there is an image reference."""
    if found.require(reference, path):
        problem = image(reference)
        if problem:
            found.error(path, problem)


def prefixes(found: findings.Findings, path: str, given: Iterable[str]) -> None:
    """Check address prefixes, `!` in front allowed."""
    for n, text in enumerate(given):
        try:
            values.parse_prefix(text.removeprefix("!"))
        except ValueError:
            found.error(f"{path}[{n}]", f"expected an address prefix such as 10.0.0.0/8, got {text!r}")


def subnets_or_addresses(found: findings.Findings, path: str, given: Iterable[str]) -> None:
    """Check addresses and address prefixes, `!` in front allowed."""
    for n, text in enumerate(given):
        try:
            ipaddress.ip_interface(text.removeprefix("!"))
        except ValueError:
            found.error(f"{path}[{n}]", f"expected an address or a prefix such as 10.0.0.0/8, got {text!r}")


def http_url(text: str) -> str:
    """Whether text is a URL to fetch from."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https"):
        return f"scheme has to be http or https, got {parts.scheme!r}"
    return "" if parts.hostname else "has no host"


def endpoint_url(text: str) -> str:
    """Whether text is the URL of a Kubernetes API; if not, what may have been meant."""
    bare = "://" not in text
    try:
        parts = urlsplit(f"//{text}" if bare else text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        return f"{text!r} is no URL: {error}"
    if not host:
        return f"expected a URL such as https://10.5.0.2:{KUBERNETES_API}, got {text!r}"
    if parts.scheme == "https":
        return ""
    wanted = f"[{host}]" if ":" in host else host
    return f"expected a URL with https://, got {text!r}; try https://{wanted}:{port or KUBERNETES_API}"


def address(text: str) -> str:
    """Whether text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return f"expected an IP address, got {text!r}"
    return ""


def pem(text: str, *labels_: str) -> str:
    """Whether text holds a PEM block with one of the labels; what is inside is checked where it is used."""
    found = [label for label, _ in re.findall(_PEM, text)]
    if any(label in labels_ or (not labels_ and label.endswith("PRIVATE KEY")) for label in found):
        return ""
    return f"expected PEM with {' or '.join(labels_) or 'a private key'}"


def certificate(text: str) -> str:
    """Whether text holds a PEM certificate."""
    return pem(text, "CERTIFICATE")


def volume_name(found: findings.Findings, name: str, longest: int) -> None:
    """Check a volume's name; it becomes part of a partition label or path."""
    if not found.require(name, "name"):
        return
    if len(name) > longest:
        found.error("name", f"at most {longest} characters are accepted, got {len(name)}")
    if not re.match(_ASCII_NAME, name):
        found.error("name", f"only letters, digits and '-' are accepted, got {name!r}")


def role(name: str) -> str:
    """Whether text is a role of the machine API."""
    return "" if name in ROLES else f"{name!r} is no role, expected one of {', '.join(ROLES)}"


def not_negative(found: findings.Findings, path: str, value: values.Duration | None) -> None:
    """Check that a duration is not negative."""
    if value is not None and value.total_seconds() < 0:
        found.error(path, f"must not be negative, got {values.format_duration(value)}")


def host_port(text: str) -> str:
    """Whether text is `host:port`, an IPv6 host in brackets."""
    host, _, port = text.rpartition(":")
    bare = host.startswith("[") and host.endswith("]")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535 or (":" in host and not bare):
        return f"expected host:port, got {text!r}"
    return ""


# Types of an OCI runtime specification, as far down as mistakes are common.
_RUNTIME_SPEC: dict[str, type] = {
    "ociVersion": str, "process": dict, "root": dict, "hostname": str, "domainname": str, "mounts": list,
    "hooks": dict, "annotations": dict, "linux": dict, "process.terminal": bool, "process.user": dict,
    "process.args": list, "process.env": list, "process.cwd": str, "process.capabilities": dict,
    "process.rlimits": list, "process.noNewPrivileges": bool, "process.oomScoreAdj": int,
    "process.apparmorProfile": str, "process.selinuxLabel": str, "root.path": str, "root.readonly": bool,
    "linux.sysctl": dict, "linux.resources": dict, "linux.cgroupsPath": str, "linux.namespaces": list,
    "linux.devices": list, "linux.seccomp": dict, "linux.rootfsPropagation": str, "linux.maskedPaths": list,
    "linux.readonlyPaths": list, "linux.mountLabel": str, "linux.uidMappings": list, "linux.gidMappings": list,
}  # fmt: skip
_TYPE_NAMES: dict[type, str] = {
    str: "text",
    dict: "a mapping",
    list: "a list",
    bool: "true or false",
    int: "an integer",
}


def runtime_spec(found: findings.Findings, path: str, given: Mapping[str, object], prefix: str = "") -> None:
    """Check the types of an OCI runtime specification; keys that are not known are left to the runtime."""
    for key, value in given.items():
        wanted = _RUNTIME_SPEC.get(prefix + key)
        if wanted is not None and type(value) is not wanted and value is not None:
            found.error(f"{path}.{key}", f"expected {_TYPE_NAMES[wanted]}, got {value!r}")
        elif isinstance(value, Mapping) and not prefix:
            runtime_spec(found, f"{path}.{key}", value, f"{key}.")


def expression(found: findings.Findings, text: str, path: str, environment: str, *, required: bool = True) -> None:
    """Check the names and types of a CEL expression; `environment` is a name of `cel.environment.BY_NAME`."""
    if not text:
        if required:
            found.require(text, path)
        return
    from talos.machinery.config import _cel

    wrong = _cel.mistake(text, environment)
    if wrong:
        found.error(path, wrong)
