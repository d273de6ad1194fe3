"""Every key of every document, given at once: read, typed, written back byte for byte. testdata/full holds the texts.

The files are frozen: a key that is lost, renamed, retyped or spelt otherwise makes them differ.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import yaml

from talos.base import errors
from talos.machinery.config import _decode, container, encoder, loader, schema

DATA = Path(__file__).parent / "testdata"
FILES = sorted((DATA / "full").glob("*.yaml"))
ROWS = [line.split("\t") for line in (DATA / "keys.tsv").read_text().splitlines() if not line.startswith("#")]
CASES = [
    pytest.param(name, rest[0].split() if rest else [], id=name, marks=pytest.mark.feature(feature))
    for feature, name, *rest in ROWS
]


@functools.cache
def full() -> dict[str, Any]:
    """Kind -> document in which every key is set."""
    found: dict[str, Any] = {}
    for path in FILES:
        bundle = loader.load(path.read_bytes(), name=path.name)
        found |= {one.kind: one for one in bundle.documents}
        if bundle.v1alpha1 is not None:
            found[schema.LEGACY] = bundle.v1alpha1
    return found


@functools.cache
def texts() -> dict[str, Any]:
    """Kind -> the same as a reader of YAML sees it that knows nothing of ours."""
    parsed = [one for path in FILES for one in yaml.safe_load_all(path.read_bytes())]
    return {one.get("kind", schema.LEGACY): one for one in parsed}


def at(kind: str, path: str) -> tuple[Any, Any]:
    """The typed value at a path of the full document, and the text's."""
    value, text = full()[kind], texts()[kind]
    for key in path.split(".") if path else ():
        value, text = getattr(value, _decode.fields(type(value))[key][0]), text[key]
    return value, text


def test_all_kinds_are_there() -> None:
    assert set(full()) == set(schema.kinds())
    assert len(ROWS) == 153


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_read_is_written_byte_for_byte(path: Path) -> None:
    bundle = loader.load(path.read_bytes())
    assert encoder.encode(bundle.replace_source()) == path.read_bytes()
    assert bundle.encode() == path.read_bytes()


@pytest.mark.parametrize("key", schema.all_keys(), ids=lambda key: f"{key.kind}.{key.path}")
def test_every_key_is_in_the_files(key: schema.Key) -> None:
    text: Any = texts()[key.kind]
    for step in key.path.replace("[]", ".[]").split("."):
        text = text[0] if step == "[]" else next(iter(text.values())) if step == "<key>" else text[step]
    assert text is not None


@pytest.mark.parametrize(("name", "keys"), CASES)
def test_keys_are_accepted_kept_and_strict(name: str, keys: list[str]) -> None:
    kind, path = (name, "") if name in schema.kinds() else (schema.LEGACY, name)
    value, text = at(kind, path)
    assert _decode.is_set(full()[kind], path) if path else value
    shown = text[0] if isinstance(text, list) else text
    if keys and isinstance(shown, dict) and not set(keys) & set(shown):
        shown = next(iter(shown.values()))
    assert set(keys) <= (set(shown) if isinstance(shown, dict) else set()), "keys the format has"
    if path:
        assert reads_back(kind, path, value)
        wrong = f"version: v1alpha1\n{nested(path + 'x')}"
    else:
        wrong = f"apiVersion: v1alpha1\nkind: {kind}\n{keys[0]}x: 1\n"
    with pytest.raises(errors.Invalid) as caught:
        loader.load(wrong.encode())
    assert [problem.message.split(",")[0] for problem in caught.value.problems] == ["unknown key"]


def reads_back(kind: str, path: str, value: Any) -> bool:
    """Whether the section alone is written and read as it was."""
    again = loader.load(encoder.encode(container.Container(full()[kind]))).v1alpha1
    for key in path.split("."):
        assert again is not None
        again = getattr(again, _decode.fields(type(again))[key][0])
    return bool(again == value)


def nested(path: str) -> str:
    """`a.b` as YAML."""
    steps = path.split(".")
    return (
        "".join(f"{'  ' * n}{step}:\n" for n, step in enumerate(steps[:-1]))
        + f"{'  ' * (len(steps) - 1)}{steps[-1]}: 1\n"
    )
