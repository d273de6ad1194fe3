"""The JSON schema of all documents, for editors, and what a key may hold in words, for people.

Both are derived from the annotations the loader decodes by, so that they can not disagree with it. The schema knows
every key that is accepted: those of the v1alpha1 document that a document replaces are marked as deprecated.
"""

from __future__ import annotations

import datetime
import enum
import functools
import types
import typing
from collections.abc import Iterator
from typing import Any

from talos.base.constants import versions
from talos.machinery.config import _decode, docs, document, loader, v1alpha1, values
from talos.machinery.config.documents import _generated_index
from talos.machinery.types import pem

DIALECT = "https://json-schema.org/draft/2020-12/schema"
LEGACY = "v1alpha1"
_PEM = (pem.CertificateAndKey, pem.Certificate, pem.Key)
_DURATION = r"^[-+]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$"
_WORDS = {str: "text", bool: "true or false", float: "a number", bytes: "text", datetime.timedelta: "a duration"}


@functools.cache
def kinds() -> dict[str, Any]:
    """All documents by kind, the v1alpha1 one first: {"v1alpha1": Config, "BGPInstanceConfig": …}."""
    found: dict[str, Any] = {LEGACY: v1alpha1.Config}
    return found | {kind: loader.document_class(kind) for kind in sorted(_generated_index.DOCUMENTS)}


@functools.cache
def replaced() -> dict[str, str]:
    """Dotted keys of the v1alpha1 document -> the kind of the document that says the same."""
    found: dict[str, str] = {}
    for kind, cls in kinds().items():
        for path in getattr(cls, "legacy", ()):
            found.setdefault(path, kind)
    return found | _REPLACED


# What a check of two documents does not find, because both may be given; and which of two kinds replaces most.
_REPLACED = {
    "cluster.network": "KubeNetworkConfig",
    "cluster.network.cni": "KubeFlannelCNIConfig",
    "machine.kubelet": "KubeletConfig",
    "machine.kubelet.credentialProviderConfig": "KubeCredentialProviderConfig",
    "cluster.extraManifests": "KubeExternalManifestConfig",
    "cluster.inlineManifests": "KubeInlineManifestConfig",
    "machine.disks": "UserVolumeConfig",
    "machine.env": "EnvironmentConfig",
    "machine.features.hostDNS": "ResolverConfig",
    "machine.files": "EtcFileConfig",
    "machine.kernel": "KernelModuleConfig",
    "machine.network.extraHostEntries": "StaticHostConfig",
    "machine.network.interfaces": "LinkConfig",
    "machine.network.nameservers": "ResolverConfig",
    "machine.network.searchDomains": "ResolverConfig",
    "machine.pods": "KubeStaticPodConfig",
    "machine.registries": "RegistryMirrorConfig",
    "machine.sysctls": "SysctlConfig",
    "machine.sysfs": "SysfsConfig",
    "machine.systemDiskEncryption": "VolumeConfig",
    "machine.time": "TimeSyncConfig",
    "machine.udev": "UdevRulesConfig",
}


def arguments(bare: Any) -> tuple[Any, ...]:
    """Type arguments of an annotation that matter: of a list its items', of a mapping its values'."""
    origin = typing.get_origin(bare)
    if origin is tuple:
        return (typing.get_args(bare)[0],)
    return (typing.get_args(bare)[1],) if origin is dict else ()


def is_section(bare: Any) -> bool:
    """Whether a type is a section, with keys of its own."""
    return isinstance(bare, type) and issubclass(bare, document.Section)


# In words --


def words(annotation: Any) -> str:
    """Return what a key may hold: `a list of text`, `an integer from 0 to 65535`, `one of a, b`."""
    bare, marks, _ = _decode.split(annotation)
    for mark in marks:
        if isinstance(mark, values.Form):
            return mark.wanted
        if isinstance(mark, values.Choice):
            return f"one of {', '.join(text for text in mark.texts if text)}"
        if mark is values.Spelling.BASE64:
            return "base64"
    origin = typing.get_origin(bare)
    if origin is tuple:
        return f"a list of {_several(typing.get_args(bare)[0])}"
    if origin is dict:
        return f"a mapping to {_several(typing.get_args(bare)[1])}"
    if origin in (types.UnionType, typing.Union):
        return "text or a list of texts"
    if bare is Any:
        return "anything"
    if bare in _PEM:
        return f"{' and '.join(bare.__struct_fields__)}, base64 of PEM"
    if is_section(bare):
        return "keys"
    if issubclass(bare, enum.Enum):
        return f"one of {', '.join(str(member.value) for member in bare if str(member.value))}"
    if bare is int:
        bounds = next((mark for mark in marks if isinstance(mark, values.Range)), None)
        return f"an integer from {bounds.low} to {bounds.high}" if bounds else "an integer"
    return _WORDS[bare]


def _several(element: Any) -> str:
    bare, _, _ = _decode.split(element)
    return "sections" if is_section(bare) else words(element)


# As JSON schema --


def whole() -> dict[str, Any]:
    """Return the schema of any document."""
    writer = _Writer()
    heads = [{"$ref": f"#/$defs/{writer.define(cls)}"} for cls in kinds().values()]
    return {
        "$schema": DIALECT,
        "$id": f"https://talos.dev/{versions.TALOS.rpartition('.')[0]}/schemas/config.schema.json",
        "$defs": dict(sorted(writer.definitions.items())),
        "oneOf": heads,
    }


class _Writer:
    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}

    def define(self, cls: Any) -> str:
        """Define a struct once; returns its name."""
        domain = cls.__module__.removeprefix("talos.machinery.config.").removeprefix("documents.").split(".")[0]
        name = f"{domain}.{cls.__name__}"
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] |= self._struct(cls)
        return name

    def _struct(self, cls: Any) -> dict[str, Any]:
        properties: dict[str, Any] = {}
        required: list[str] = []
        if issubclass(cls, document.Document):
            properties = {"apiVersion": {"enum": [cls.api_version]}, "kind": {"enum": [cls.kind]}}
            required = ["apiVersion", "kind", *(["name"] if cls.named else [])]
        texts = docs.fields(cls)
        for key, (attribute, _, annotation) in _decode.fields(cls).items():
            properties[key] = {**self.value(annotation), "description": texts.get(attribute, "")}
        if cls is v1alpha1.Config:
            properties["version"]["enum"] = [v1alpha1.VERSION]
        for key in properties:
            if any(path.split(".")[-1] == key and _owner(path) is cls for path in replaced()):
                properties[key]["deprecated"] = True
        found: dict[str, Any] = {"type": "object", "description": docs.about(cls), "properties": properties}
        return {**found, "additionalProperties": False, **({"required": required} if required else {})}

    def value(self, annotation: Any) -> dict[str, Any]:
        """The schema of what a key holds."""
        bare, marks, optional = _decode.split(annotation)
        found = self._bare(bare, marks)
        # Written as null when there is nothing.
        return {"oneOf": [found, {"type": "null"}]} if optional and values.ALWAYS in marks else found

    def _bare(self, bare: Any, marks: tuple[Any, ...]) -> dict[str, Any]:
        origin = typing.get_origin(bare)
        if bare is Any:
            return {}
        if origin is tuple:
            return {"type": "array", "items": self.value(typing.get_args(bare)[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.value(typing.get_args(bare)[1])}
        if origin in (types.UnionType, typing.Union):
            return {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
        if bare in _PEM:
            halves = {name: {"type": "string", "contentEncoding": "base64"} for name in bare.__struct_fields__}
            return {"type": "object", "properties": halves, "additionalProperties": False}
        if is_section(bare):
            return {"$ref": f"#/$defs/{self.define(bare)}"}
        if issubclass(bare, enum.Enum):
            return {"enum": [member.value for member in bare]}
        return _scalar(bare, marks)


def _scalar(bare: Any, marks: tuple[Any, ...]) -> dict[str, Any]:
    choice = next((mark for mark in marks if isinstance(mark, values.Choice)), None)
    if choice is not None:
        return {"enum": list(choice.texts)}
    if bare is bool:
        return {"type": "boolean"}
    if bare is float:
        return {"type": "number"}
    if bare is int and values.Spelling.OCTAL in marks:
        # Readers of YAML 1.1 take 0o644 as text.
        return {"oneOf": [{"type": "integer"}, {"type": "string", "pattern": "^0o[0-7]+$"}]}
    if bare is int:
        bounds = next((mark for mark in marks if isinstance(mark, values.Range)), None)
        return {"type": "integer"} | ({"minimum": bounds.low, "maximum": bounds.high} if bounds else {})
    if bare is datetime.timedelta:
        return {"type": "string", "pattern": _DURATION}
    return {"type": "string"} | ({"contentEncoding": "base64"} if values.Spelling.BASE64 in marks else {})


@functools.cache
def _owner(path: str) -> Any:
    """The section that holds a dotted key of the v1alpha1 document."""
    kind: Any = v1alpha1.Config
    for name in path.split(".")[:-1]:
        kind, _, _ = _decode.split(_decode.fields(kind)[name][2])
    return kind


# All keys --


class Key(typing.NamedTuple):
    """One key of a document. `path` has `[]` for items of a list and `<key>` for those of a mapping."""

    kind: str
    path: str
    section: Any
    attribute: str
    annotation: Any


@functools.cache
def all_keys() -> tuple[Key, ...]:
    """Every key of every document."""
    return tuple(key for kind, cls in kinds().items() for key in _below(kind, cls, ""))


def _below(kind: str, section: Any, path: str) -> Iterator[Key]:
    for name, (attribute, _, annotation) in _decode.fields(section).items():
        inner = _decode.join(path, name)
        yield Key(kind, inner, section, attribute, annotation)
        yield from _inside(kind, annotation, inner)


def _inside(kind: str, annotation: Any, path: str) -> Iterator[Key]:
    bare, _, _ = _decode.split(annotation)
    if is_section(bare):
        yield from _below(kind, bare, path)
    for element in arguments(bare):
        yield from _inside(kind, element, f"{path}[]" if typing.get_origin(bare) is tuple else f"{path}.<key>")
