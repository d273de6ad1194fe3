"""What a key of the configuration means: description, type, default, example, and which part of a node reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from talos.base import errors
from talos.machinery.config import _decode, docs, document, encoder, schema, values
from talos.machinery.types import pem

_INDEX = re.compile(r"\[\d*\]")


@dataclass(frozen=True, slots=True)
class Explanation:
    """One key, or with an empty path a whole document. `example` is YAML; `keys` are those below it."""

    kind: str
    path: str
    holds: str
    about: str
    default: str = ""
    example: str = ""
    secret: bool = False
    control_plane_only: bool = False
    replaced_by: str = ""
    patched: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    readers: tuple[str, ...] = ()


def find(wanted: str) -> list[Explanation]:
    """Explain `KubeletConfig`, `KubeletConfig.image`, `machine.network.interfaces[0].mtu`, or any key called `mtu`.

    Raises NotFound, with the nearest word.
    """
    kinds = schema.kinds()
    words = _INDEX.sub("[]", wanted.strip().strip(".").replace("/", "."))
    head, _, rest = words.partition(".")
    kind = next((name for name in kinds if name.lower() == head.lower()), "")
    if kind and not rest:
        return [_document(kind)]
    path = rest if kind else words
    found = [key for key in schema.all_keys() if _fits(key.path, path) and kind in ("", key.kind)]
    exact = [key for key in found if key.path == path and key.kind == (kind or schema.LEGACY)]
    if not found:
        near = _nearest(words, kind)
        raise errors.NotFound(f"there is no key {wanted!r}{f', did you mean {near}?' if near else ''}")
    return [_key(key) for key in exact or found]


def _fits(path: str, wanted: str) -> bool:
    """Whether a path ends with the wanted words; `[]` need not be said, a mapping's key may be any."""
    have, want = ([part.removesuffix("[]") for part in one.split(".")] for one in (path, wanted))
    tail = have[-len(want) :]
    return len(tail) == len(want) and all(a in (b, "<key>") for a, b in zip(tail, want, strict=True)) and want != []


def _nearest(wanted: str, kind: str) -> str:
    names = {f"{key.kind}.{key.path}" if key.kind != schema.LEGACY else key.path for key in schema.all_keys()}
    if kind:
        names = {name for name in names if name.startswith(f"{kind}.")}
    else:
        names |= set(schema.kinds()) | {key.path.rpartition(".")[2] for key in schema.all_keys()}
    return _decode.nearest(wanted, sorted(names))


def readers(kind: str) -> tuple[str, ...]:
    """Return the parts of a node that read documents of a kind."""
    from talos.machinery.config import _generated_consumers

    return _generated_consumers.CONSUMERS.get(kind, ())


def _document(kind: str) -> Explanation:
    cls = schema.kinds()[kind]
    named = issubclass(cls, document.Document)
    example = encoder.document_text(encoder.document_data(cls.example())) if named else ""
    return Explanation(
        kind=kind,
        path="",
        holds="a document, one for each name" if named and cls.named else "a document, at most one",
        about=docs.about(cls),
        example=example,
        control_plane_only=named and cls.control_plane_only,
        keys=tuple(_keys(cls)),
        readers=readers(kind),
    )


def _key(key: schema.Key) -> Explanation:
    bare, marks, _ = _decode.split(key.annotation)
    inner = next((part for part in (bare, *map(_bare, schema.arguments(bare))) if schema.is_section(part)), None)
    legacy = key.kind == schema.LEGACY
    cls = schema.kinds()[key.kind]
    return Explanation(
        kind=key.kind,
        path=key.path,
        holds=schema.words(key.annotation),
        about=docs.fields(key.section).get(key.attribute, ""),
        default=_default(key),
        example=_example(key),
        secret=is_secret(key.annotation),
        control_plane_only=not legacy and cls.control_plane_only,
        replaced_by=replaced_by(key.path) if legacy else "",
        patched=_patched(bare, marks),
        keys=tuple(_keys(inner)) if inner is not None else (),
        readers=() if legacy else readers(key.kind),
    )


def _bare(annotation: Any) -> Any:
    return _decode.split(annotation)[0]


def _keys(section: Any) -> Iterator[tuple[str, str]]:
    texts = docs.fields(section)
    for name, (attribute, _, _) in _decode.fields(section).items():
        yield name, texts.get(attribute, "")


def _default(key: schema.Key) -> str:
    field = next(one for one in msgspec.structs.fields(key.section) if one.name == key.attribute)
    value = None if field.default is msgspec.NODEFAULT else field.default
    return "" if value in (None, "", (), {}, b"", 0, False) else str(encoder.plain(value))


def is_secret(annotation: Any) -> bool:
    """Whether what a key holds is never shown."""
    bare, marks, _ = _decode.split(annotation)
    return values.SECRET in marks or bare in (pem.CertificateAndKey, pem.Key)


def replaced_by(path: str) -> str:
    """Return the kind that replaces a key of the v1alpha1 document, or a section around it."""
    replaced = schema.replaced()
    steps = _INDEX.sub("", path).split(".")
    return next((replaced[known] for n in range(len(steps), 0, -1) if (known := ".".join(steps[:n])) in replaced), "")


def _patched(bare: Any, marks: tuple[Any, ...]) -> str:
    if values.REPLACE in marks:
        return "a patch replaces it whole"
    inner = next((part for part in map(_bare, schema.arguments(bare)) if schema.is_section(part)), None)
    if isinstance(bare, type) or not schema.arguments(bare):
        return ""
    if inner is not None and inner.merges_with is not document.Section.merges_with:
        return "a patch changes the items it names and adds others"
    return "a patch adds to it"


def _example(key: schema.Key) -> str:
    """The key as the document's example has it; nothing when that does not."""
    if key.kind == schema.LEGACY:
        from talos.machinery.config.v1alpha1 import example

        value: Any = encoder.struct(example.config(plane=True))
    else:
        value = encoder.document_data(schema.kinds()[key.kind].example())
    steps = re.findall(r"\[\]|[^.\[\]]+", key.path)
    for step in steps:
        if step == "[]" and isinstance(value, list) and value:
            value = value[0]
        elif step == "<key>" and isinstance(value, dict) and value:
            value = next(iter(value.values()))
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return ""
    return encoder.document_text(encoder.fields({steps[-1]: value}))


def text(found: list[Explanation]) -> str:
    """Return explanations as text for a terminal."""
    return "\n".join("".join(f"{line}\n" for line in _lines(one)) for one in found)


def title(one: Explanation) -> str:
    """`KubeletConfig.image`, or `machine.type` of the v1alpha1 document."""
    return ".".join(part for part in (one.kind if one.kind != schema.LEGACY or not one.path else "", one.path) if part)


def _lines(one: Explanation) -> Iterator[str]:
    yield f"{title(one)}: {one.holds}"
    yield f"  {one.about}"
    facts = {
        "Default": one.default,
        "Secret": "yes: not shown in diffs, logs and support bundles" if one.secret else "",
        "Where": "control planes only" if one.control_plane_only else "",
        "Deprecated": f"use a document {one.replaced_by}" if one.replaced_by else "",
        "Patches": one.patched,
        "Read by": ", ".join(one.readers),
    }
    yield from (f"  {name}: {fact}" for name, fact in facts.items() if fact)
    if one.keys:
        width = max(len(name) for name, _ in one.keys)
        yield "  Keys:"
        yield from (f"    {name.ljust(width)}  {about}" for name, about in one.keys)
    if one.example:
        yield "  Example:"
        yield from (f"    {line}" for line in one.example.splitlines())
