"""Random configurations for property tests, made from the annotations of the documents: any key, any value."""

from __future__ import annotations

import datetime
import enum
import types
import typing
from typing import Any

from hypothesis import strategies as st

from talos.machinery.config import _decode, container, schema, v1alpha1, values
from talos.machinery.types import pem

KINDS = [kind for kind in schema.kinds() if kind != schema.LEGACY]
# Examples of texts that have a form: accepted by the form's parser, in the spelling it keeps.
_CANDIDATES = (
    "10.0.0.1", "fd00::1", "10.1.0.0/16", "fd00:1::/64", "!10.2.0.0/16", "10.0.0.1:8080", "[fd00::1]:53",
    "02:00:5e:10:00:01", "https://example.com/a?b=c", "8000-9000", "443", "main", "1234", "true", "disk.size > 1u",
    "10GiB", "50%", "-5GiB", "100MB", "yes", "eth0", "a", "~", "0o17", "1e3", "null",
)  # fmt: skip
WORDS = st.sampled_from(
    (
        "a",
        "b.c",
        "eth0",
        "x: y",
        "- z",
        "0",
        "yes",
        "null",
        "ünï",
        "two\nlines\n",
        " lead",
        "# no",
        "",
        "²",
        "a:²",
        "http://[",
        "//[::1",
        "tcp://x:y",
        "1:2:3",
        "!",
    )
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(2, 2**40) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=5,
)


def value(annotation: Any) -> st.SearchStrategy[Any]:
    """Values an annotation allows."""
    bare, marks, optional = _decode.split(annotation)
    found = _bare(bare, marks)
    return st.none() | found if optional else found


def _bare(bare: Any, marks: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    origin = typing.get_origin(bare)
    if bare is Any:
        return PLAIN
    if origin is tuple:
        return st.lists(value(typing.get_args(bare)[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(WORDS, value(typing.get_args(bare)[1]), max_size=2)
    if origin in (types.UnionType, typing.Union):
        return WORDS | st.lists(WORDS, max_size=2).map(tuple)
    if bare in (pem.CertificateAndKey, pem.Certificate, pem.Key):
        return st.builds(bare, **{name: st.sampled_from((b"", b"pem")) for name in bare.__struct_fields__})
    if schema.is_section(bare):
        return section(bare)
    if issubclass(bare, enum.Enum):
        return st.sampled_from(bare)
    return _scalar(bare, marks)


def _scalar(bare: Any, marks: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    for mark in marks:
        if isinstance(mark, values.Choice):
            return st.sampled_from(mark.texts)
        if isinstance(mark, values.Form):
            return st.sampled_from(_formed(mark))
    if bare is int:
        bounds = next((mark for mark in marks if isinstance(mark, values.Range)), values.Range(-5, 5000))
        return st.integers(bounds.low, bounds.high)
    if bare is datetime.timedelta:
        return st.integers(-(10**12), 10**12).map(lambda n: datetime.timedelta(microseconds=n))
    if bare is bytes and values.Spelling.BASE64 not in marks:
        return WORDS.map(str.encode)
    simple = {bool: st.booleans(), float: st.floats(0, 10), str: WORDS | st.just(""), bytes: st.binary(max_size=4)}
    return simple[bare]


def _formed(form: values.Form) -> list[str]:
    found = [""]
    for text in _CANDIDATES:
        try:
            found.append(form.parse(text))
        except ValueError:
            continue
    assert len(found) > 1, form.wanted
    return found


def _needed(annotation: Any) -> bool:
    """Whether a key is always written and can not be written empty: one of a fixed list of words, or around one."""
    bare, marks, optional = _decode.split(annotation)
    choice = next((mark for mark in marks if isinstance(mark, values.Choice)), None)
    around = schema.is_section(bare) and any(_needed(inner) for _, _, inner in _decode.fields(bare).values())
    closed = choice is not None and "" not in choice.texts
    return around or (not optional and values.ALWAYS in marks and closed)


_sections: dict[Any, st.SearchStrategy[Any]] = {}


def section(cls: Any) -> st.SearchStrategy[Any]:
    """Sections with some of their keys."""
    if cls not in _sections:
        annotations = {attribute: annotation for attribute, _, annotation in _decode.fields(cls).values()}
        needed = sorted(name for name, annotation in annotations.items() if _needed(annotation))

        @st.composite
        def build(draw: st.DrawFn) -> Any:
            chosen = (
                draw(st.lists(st.sampled_from(sorted(annotations)), max_size=4, unique=True)) if annotations else []
            )
            return cls(**{name: draw(value(annotations[name])) for name in {*chosen, *needed}})

        _sections[cls] = build()
    return _sections[cls]


@st.composite
def configurations(draw: st.DrawFn) -> container.Container:
    """A v1alpha1 document or none, and up to three others."""
    legacy = draw(st.none() | section(v1alpha1.Config))
    documents: dict[tuple[str, str], Any] = {}
    for kind in draw(st.lists(st.sampled_from(KINDS), min_size=0 if legacy else 1, max_size=3)):
        one = draw(section(schema.kinds()[kind]))
        documents[one.identity] = one
    if legacy is not None:
        # Other versions are no configurations.
        legacy = type(legacy)(**{**{n: getattr(legacy, n) for n in legacy.__struct_fields__}, "version": "v1alpha1"})
    return container.Container(legacy, list(documents.values()))


@st.composite
def changed(draw: st.DrawFn) -> tuple[container.Container, container.Container]:
    """A configuration, and one that shares documents with it, some of them with other keys."""
    old = draw(configurations())
    other = draw(configurations())
    documents: dict[tuple[str, str], Any] = {one.identity: one for one in other.documents}
    for one in old.documents:
        how = draw(st.sampled_from(("keep", "drop", "mix")))
        if how == "keep":
            documents[one.identity] = one
        elif how == "mix":
            documents[one.identity] = _mixed(draw, one)
    legacy = other.v1alpha1
    if old.v1alpha1 is not None:
        legacy = _mixed(draw, old.v1alpha1)
    return old, container.Container(legacy, list(documents.values()))


def _mixed(draw: st.DrawFn, one: Any) -> Any:
    """The same section with some keys of another one of its class."""
    fresh = draw(section(type(one)))
    given = {}
    for attribute in one.__struct_fields__:
        mine, other = getattr(one, attribute), getattr(fresh, attribute)
        fixed = attribute == "version" or (attribute == "name" and getattr(one, "named", False))
        given[attribute] = mine if fixed or draw(st.booleans()) else other
    return type(one)(**given)
