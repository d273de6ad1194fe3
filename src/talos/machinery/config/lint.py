"""Good practice, beyond what makes a configuration valid: for a hook before a commit, or a check in a pipeline.

Each finding has a rule, a level and a place. What the loader and the validation say are findings too, so that one run
tells everything. SARIF is the format that code hosts show beside the lines of a change (OASIS SARIF 2.1.0).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from talos.base import errors
from talos.base.constants import versions
from talos.machinery.config import _decode, container, document, loader, schema, validation, values, views
from talos.machinery.config.documents.k8s import kubelet
from talos.machinery.config.documents.network import http_probe
from talos.machinery.config.documents.runtime import environment, unattended_install
from talos.machinery.types import pem

ERROR, WARNING, NOTE = "error", "warning", "note"
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

RULES: Mapping[str, tuple[str, str]] = {
    "not-loadable": (ERROR, "The file can not be read as a configuration."),
    "not-valid": (ERROR, "The configuration is refused for the mode it is checked for."),
    "questionable": (WARNING, "The configuration is accepted, but something in it is doubtful."),
    "deprecated-key": (WARNING, "A key of the v1alpha1 document that a document of its own replaces."),
    "install-disk-unset": (WARNING, "Nothing says on which disk to install, and one would be chosen by chance."),
    "plain-secret": (WARNING, "A secret stands in the file in plain text."),
    "suspicious-secret": (WARNING, "A value that looks secret stands where values are not treated as secrets."),
    "floating-image": (WARNING, "An image without a version or with `latest`: machines may run different ones."),
    "insecure-transport": (WARNING, "Something is fetched or sent without protection, or without being verified."),
    "version-skew": (NOTE, "Components of Kubernetes that do not have the same version."),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at. `where` is `file:line:column`, `path` the key inside the document."""

    rule: str
    level: str
    message: str
    path: str = ""
    where: str = ""

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.where, self.path) if part)
        return f"{place}: {self.level}: {self.message} [{self.rule}]"


def check(
    source: bytes, name: str, *, mode: validation.Mode = validation.Mode.METAL, secrets: bool = True
) -> list[Finding]:
    """Return all findings of one file, in the order of their places. `secrets`: whether plain ones are reported."""
    try:
        config = loader.load(source, name=name)
    except errors.Invalid as error:
        return [Finding("not-loadable", ERROR, p.message, p.path, p.where) for p in error.problems]
    refused, doubtful = validation.check(config, mode)
    found = [Finding("not-valid", ERROR, p.message, p.path, p.where) for p in refused]
    found += [Finding("questionable", WARNING, p.message, p.path, p.where) for p in doubtful]
    found += [one for rule in _CHECKS for one in rule(config)]
    if mode.installs:
        found += _install_disk(config)
    if secrets:
        found += _plain_secrets(config)
    return sorted(found, key=lambda one: (_position(one.where), one.path, one.rule))


def _position(where: str) -> tuple[int, int]:
    parts = where.rsplit(":", 2)
    return (int(parts[1]), int(parts[2])) if len(parts) == 3 and parts[1].isdigit() else (0, 0)


def _finding(config: container.Container, rule: str, index: int, path: str, message: str) -> Finding:
    offset = 1 if config.v1alpha1 is not None else 0
    title = config.documents[index - offset].title if index >= offset else ""
    where = config.place(index, path) or config.name
    return Finding(rule, RULES[rule][0], message, " ".join(p for p in (title, path) if p), where)


# Keys and their values --


@dataclass(frozen=True, slots=True)
class _Leaf:
    index: int
    path: str
    value: Any
    marks: tuple[Any, ...]


def _leaves(config: container.Container) -> Iterator[_Leaf]:
    whole: list[Any] = [config.v1alpha1] if config.v1alpha1 is not None else []
    for index, one in enumerate([*whole, *config.documents]):
        yield from _below(index, one, "")


def _below(index: int, section: Any, path: str) -> Iterator[_Leaf]:
    kind: Any = type(section)
    for name, (attribute, _, annotation) in _decode.fields(kind).items():
        _, marks, _ = _decode.split(annotation)
        yield from _leaf(index, getattr(section, attribute), _decode.join(path, name), marks)


def _leaf(index: int, value: Any, path: str, marks: tuple[Any, ...]) -> Iterator[_Leaf]:
    if isinstance(value, document.Section):
        yield from _below(index, value, path)
    elif isinstance(value, pem.CertificateAndKey | pem.Key):
        yield _Leaf(index, f"{path}.key", value.key, (*marks, values.SECRET))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaf(index, item, _decode.join(path, str(key)), marks)
    elif isinstance(value, tuple | list):
        for n, item in enumerate(value):
            yield from _leaf(index, item, f"{path}[{n}]", marks)
    elif value is not None:
        yield _Leaf(index, path, value, marks)


def _plain_secrets(config: container.Container) -> Iterator[Finding]:
    # Kinds that redact by hand hold secrets in data of another system's format.
    safe = list(_leaves(config.redacted()))
    for leaf, shown in zip(_leaves(config), safe, strict=True):
        if leaf.value and leaf.value != shown.value:
            message = "a secret in plain text: keep the file out of a repository, or encrypt it"
            yield _finding(config, "plain-secret", leaf.index, leaf.path, message)


_SECRET_NAME = re.compile(r"(password|passwd|secret|token|api_?key|private_?key|credential)", re.IGNORECASE)
_HARMLESS = re.compile(r"(file|path|name|ttl|issuer|url|type|size|count|enabled)s?$", re.IGNORECASE)


def _suspicious(config: container.Container) -> Iterator[Finding]:
    message = "looks like a secret, but is shown in diffs and support bundles"
    for leaf in _leaves(config):
        key = leaf.path.rpartition(".")[2].strip('"')
        text = leaf.value if isinstance(leaf.value, str) else ""
        inside_environment = config_kind(config, leaf.index) is environment.EnvironmentConfig or ".env." in leaf.path
        named = inside_environment and _SECRET_NAME.search(key) and not _HARMLESS.search(key)
        keyed = "PRIVATE KEY-----" in text and values.SECRET not in leaf.marks
        if text and (named or (keyed and not _redacts(config, leaf.index))):
            yield _finding(config, "suspicious-secret", leaf.index, leaf.path, message)


def config_kind(config: container.Container, index: int) -> type | None:
    """Return the class of a document by its number; None for the v1alpha1 one."""
    offset = 1 if config.v1alpha1 is not None else 0
    return type(config.documents[index - offset]) if index >= offset else None


def _redacts(config: container.Container, index: int) -> bool:
    kind = config_kind(config, index)
    return kind is not None and getattr(kind, "redacted", None) is not document.Document.redacted


_TAG = re.compile(r"(:[^/:]+)?(@sha256:[0-9a-f]+)?\Z")


def _images(config: container.Container) -> Iterator[Finding]:
    for leaf in _leaves(config):
        if leaf.path.rpartition(".")[2] not in ("image", "installer") or not isinstance(leaf.value, str):
            continue
        tag, digest = _TAG.search(leaf.value).groups() if leaf.value else (None, None)  # type: ignore[union-attr]
        if leaf.value and not digest and tag in (None, ":latest"):
            message = f"{leaf.value} has no version: name one"
            yield _finding(config, "floating-image", leaf.index, leaf.path, message)


_UNVERIFIED = ("insecureSkipVerify",)


def _transport(config: container.Container) -> Iterator[Finding]:
    for leaf in _leaves(config):
        key = leaf.path.rpartition(".")[2]
        if key in _UNVERIFIED and leaf.value is True:
            yield _finding(config, "insecure-transport", leaf.index, leaf.path, "whoever answers is trusted")
        plain = isinstance(leaf.value, str) and leaf.value.startswith("http://")
        # What a probe asks is often on the machine itself, and nothing is taken from its answer.
        if plain and config_kind(config, leaf.index) is not http_probe.HTTPProbeConfig:
            message = f"{leaf.value} is fetched without protection: use https"
            yield _finding(config, "insecure-transport", leaf.index, leaf.path, message)


# Whole configurations --


def _deprecated(config: container.Container) -> Iterator[Finding]:
    if config.v1alpha1 is None:
        return
    for path, kind in sorted(schema.replaced().items()):
        around = any(path.startswith(f"{other}.") for other in schema.replaced())
        if not around and _decode.is_set(config.v1alpha1, path):
            yield _finding(config, "deprecated-key", 0, path, f"is deprecated: use a document {kind}")


def _install_disk(config: container.Container) -> Iterator[Finding]:
    found = config.one(unattended_install.UnattendedInstallConfig)
    legacy = config.v1alpha1.machine.install if config.v1alpha1 and config.v1alpha1.machine else None
    if legacy is not None and not legacy.disk and legacy.disk_selector is None:
        yield _finding(config, "install-disk-unset", 0, "machine.install", "no disk or diskSelector is given")
    elif legacy is None and found is None and config.v1alpha1 is not None:
        message = "nothing installs the system: add a document UnattendedInstallConfig"
        yield _finding(config, "install-disk-unset", 0, "machine", message)


def _skew(config: container.Container) -> Iterator[Finding]:
    node = config.one(kubelet.KubeletConfig)
    if node is None or ":" not in node.image or not views.machine(config).is_control_plane:
        return
    wanted = node.image.rpartition(":")[2].partition("@")[0]
    for leaf in _leaves(config):
        kind = config_kind(config, leaf.index)
        if kind is None or leaf.path != "image" or kind.__name__ not in _COMPONENTS:
            continue
        version = leaf.value.rpartition(":")[2].partition("@")[0]
        if version != wanted and wanted.startswith("v"):
            message = f"has version {version}, the kubelet {wanted}"
            yield _finding(config, "version-skew", leaf.index, leaf.path, message)


_COMPONENTS = ("KubeAPIServerConfig", "KubeControllerManagerConfig", "KubeSchedulerConfig", "KubeProxyConfig")
_CHECKS: Sequence[Callable[[container.Container], Iterator[Finding]]] = (
    _deprecated, _suspicious, _images, _transport, _skew,
)  # fmt: skip


# Formats --


def as_data(found: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return findings as plain data, for JSON."""
    rows = []
    for one in found:
        file, line, column = _split(one.where)
        row = {"rule": one.rule, "level": one.level, "message": one.message, "path": one.path, "file": file}
        rows.append({**row, "line": line, "column": column})
    return rows


def _split(where: str) -> tuple[str, int, int]:
    line, column = _position(where)
    return (where.rsplit(":", 2)[0] if line else where), line, column


def sarif(found: Sequence[Finding]) -> dict[str, Any]:
    """Return findings as a SARIF 2.1.0 log."""
    rules = [
        {"id": rule, "shortDescription": {"text": about}, "defaultConfiguration": {"level": level}}
        for rule, (level, about) in RULES.items()
    ]
    driver = {"name": "talosctl machineconfig lint", "version": versions.TALOS.removeprefix("v"), "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": [_result(one) for one in found]}
    return {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(one: Finding) -> dict[str, Any]:
    file, line, column = _split(one.where)
    physical: dict[str, Any] = {"artifactLocation": {"uri": file}}
    if line:
        physical["region"] = {"startLine": line, "startColumn": column}
    location: dict[str, Any] = {"physicalLocation": physical}
    if one.path:
        location["logicalLocations"] = [{"fullyQualifiedName": one.path}]
    message = f"{one.path}: {one.message}" if one.path else one.message
    number = list(RULES).index(one.rule)
    text = {"text": message}
    return {"ruleId": one.rule, "ruleIndex": number, "level": one.level, "message": text, "locations": [location]}
