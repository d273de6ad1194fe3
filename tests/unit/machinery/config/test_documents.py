"""Audit of all document kinds, and of the v1alpha1 document: a new kind is covered without being named here."""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import yaml

from talos.base import errors
from talos.machinery.config import (
    _decode,
    container,
    document,
    encoder,
    findings,
    inverse,
    loader,
    patcher,
    secrets,
    v1alpha1,
    validation,
    values,
)
from talos.machinery.config import docs as texts
from talos.machinery.config.documents import _generated_index
from tests import capabilities

KINDS = sorted(_generated_index.DOCUMENTS)


def kind_class(kind: str) -> type[document.Document]:
    found = loader.document_class(kind)
    assert found is not None
    return found


def sections(kind: Any, seen: set[Any] | None = None) -> Iterator[Any]:
    """A struct and every struct reachable from its fields."""
    seen = set() if seen is None else seen
    if kind in seen:
        return
    seen.add(kind)
    yield kind
    for _, _, annotation in _decode.fields(kind).values():
        for part in inner(annotation):
            yield from sections(part, seen)


def inner(annotation: Any) -> Iterator[Any]:
    bare, _, _ = _decode.split(annotation)
    if isinstance(bare, type) and issubclass(bare, document.Section):
        yield bare
    for argument in typing.get_args(bare):
        if argument is not ...:
            yield from inner(argument)


def field_docs(kind: type) -> dict[str, str]:
    """Attribute -> the text below it in the class body, of the class and its bases."""
    docs: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if not issubclass(base, document.Section) or base is document.Section:
            continue
        body = ast.parse(inspect.getsource(base)).body[0]
        assert isinstance(body, ast.ClassDef)
        for statement, below in zip(body.body, [*body.body[1:], None], strict=True):
            if isinstance(statement, ast.AnnAssign) and isinstance(below, ast.Expr):
                assert isinstance(statement.target, ast.Name)
                docs[statement.target.id] = str(ast.literal_eval(below.value))
    return docs


def test_there_are_ninety_kinds() -> None:
    assert len(KINDS) + 1 == 90


@pytest.mark.parametrize("kind", [*KINDS, "v1alpha1"])
def test_every_field_and_section_is_described(kind: str) -> None:
    root = v1alpha1.Config if kind == "v1alpha1" else kind_class(kind)
    for section in sections(root):
        assert section.__doc__, section
        docs = field_docs(section)
        for attribute, _, _ in _decode.fields(section).values():
            assert len(docs.get(attribute, "")) > 3, f"{section.__name__}.{attribute} has no description"
        shown = {attribute: " ".join(text.split()) for attribute, text in docs.items()}
        assert texts.fields(section) == shown, "the reader of the product sees what Python's parser sees"


@pytest.mark.parametrize("kind", KINDS)
def test_example_is_valid_and_survives_a_round_trip(kind: str) -> None:
    example = kind_class(kind).example()
    found = findings.Findings()
    example.validate(found)
    assert found.errors == []
    text = encoder.encode(container.Container(None, [example]))
    again = loader.load(text)
    assert again.documents == (example,)
    assert encoder.encode(container.Container(None, again.documents)) == text


@pytest.mark.feature("F013")
@pytest.mark.parametrize("kind", KINDS)
def test_comments_change_nothing(kind: str) -> None:
    example = kind_class(kind).example()
    bare = kind_class(kind)()
    for one in (example, bare):
        whole = container.Container(None, [one])
        plain = yaml.safe_load(encoder.encode(whole))
        for docs, examples in ((True, True), (True, False), (False, True)):
            text = encoder.encode(whole, docs=docs, examples=examples)
            assert yaml.safe_load(text) == plain
            if docs:
                assert f"# {texts.about(kind_class(kind))[:20]}".encode() in text
    hidden = encoder.encode(container.Container(None, [bare]), examples=True).decode()
    keys = {line.split(":")[0] for line in encoder.encode(container.Container(None, [example])).decode().splitlines()}
    shown = {line.split(":")[0].removeprefix("# ") for line in hidden.splitlines()}
    assert {key for key in keys if key and key[0].isalpha()} <= shown


@pytest.mark.parametrize("kind", KINDS)
def test_example_without_its_fields_is_refused_or_meant(kind: str) -> None:
    """A document that says nothing is an error where the kind needs something; it never raises."""
    found = findings.Findings()
    kind_class(kind)().validate(found)
    if kind_class(kind).named:
        assert any(p.path == "name" for p in found.errors)


@pytest.mark.parametrize("kind", KINDS)
def test_redaction_leaves_none_of_the_secrets(kind: str) -> None:
    example = kind_class(kind).example()
    secrets = list(secret_values(example))
    text = container.Container(None, [example]).redacted().encode()
    assert loader.load(text)
    for secret in secrets:
        assert secret.encode() not in text


def secret_values(value: Any) -> Iterator[str]:
    kind: Any = type(value)
    for key, (attribute, _, annotation) in _decode.fields(kind).items():
        item = getattr(value, attribute)
        _, marks, _ = _decode.split(annotation)
        if values.SECRET in marks and item:
            yield str(item).splitlines()[-2] if "\n" in str(item) else str(item)
        parts = item if isinstance(item, tuple) else item.values() if isinstance(item, dict) else [item]
        for part in parts:
            if isinstance(part, document.Section):
                yield from secret_values(part)
        assert key


SECRET_WORDS = ("secret", "token", "password", "passphrase", "private", "preshared", "identity_token")


@pytest.mark.parametrize("kind", [*KINDS, "v1alpha1"])
def test_fields_that_sound_secret_are_marked(kind: str) -> None:
    root = v1alpha1.Config if kind == "v1alpha1" else kind_class(kind)
    for section in sections(root):
        for attribute, _, annotation in _decode.fields(section).values():
            bare, marks, _ = _decode.split(annotation)
            if bare is str and any(word in attribute for word in SECRET_WORDS):
                assert values.SECRET in marks, f"{section.__name__}.{attribute}"


@pytest.mark.needs_original_fixtures
def test_documents_of_the_original_are_written_byte_for_byte_alike() -> None:
    folder = capabilities.original_fixtures_dir() / "config/types"
    seen = 0
    for path in sorted(folder.glob("*/testdata/*.yaml")):
        loaded = loader.load(path.read_bytes(), name=path.name)
        ours = encoder.encode(loaded.replace_source())
        if "tpm_encryption" in path.name:
            # Inputs only: without the slot, and with lists in brackets.
            assert loader.load(ours) == loaded
            found, given = (yaml.safe_load(text)["encryption"]["keys"][0] for text in (ours, path.read_bytes()))
            assert found == {"slot": 0, **given}
        else:
            assert ours.decode() == path.read_text(), path.name
        seen += 1
    assert seen > 65


@pytest.mark.needs_original_fixtures
def test_redacted_documents_of_the_original_are_redacted_alike() -> None:
    folder = capabilities.original_fixtures_dir() / "config/types"
    redacted = sorted(folder.glob("*/testdata/*_redacted.yaml"))
    assert redacted
    for path in redacted:
        # Every place that is redacted there holds a secret here, and nothing else is touched.
        other = path.read_text().replace("REDACTED", "something-secret")
        assert loader.load(other.encode()).redacted("REDACTED").encode().decode() == path.read_text(), path.name


@pytest.mark.needs_original_fixtures
def test_inputs_of_the_originals_loader() -> None:
    folder = capabilities.original_fixtures_dir() / "config/configloader/testdata"
    names = sorted(path.name for path in folder.glob("*.test"))
    assert len(names) == 7
    for name in names:
        loaded = loader.load((folder / name).read_bytes(), name=name)
        for mode in validation.Mode:
            validation.check(loaded, mode)
        assert loader.load(encoder.encode(loaded)) == loaded
    for path in (folder / "fuzz").rglob("*"):
        if path.is_file():
            text = path.read_text().partition("[]byte(")[2].rpartition(")")[0]
            assert loader.load(ast.literal_eval(text).encode()).documents


@pytest.mark.needs_original_fixtures
@pytest.mark.feature("F020")
def test_the_originals_pair_of_configurations_is_turned_into_one_another() -> None:
    folder = capabilities.original_fixtures_dir() / "config/configdiff/testdata"
    pair = [loader.load((folder / name).read_bytes()) for name in ("original.yaml", "modified.yaml")]
    for old, new in (pair, pair[::-1]):
        assert inverse.same(patcher.patch(old, [inverse.between(old, new)]), new)


@pytest.mark.needs_original_fixtures
@pytest.mark.feature("F015", "F023")
def test_secrets_and_kinds_of_patches_of_the_original() -> None:
    folder = capabilities.original_fixtures_dir() / "config"
    made = secrets.Bundle.load((folder / "generate/secrets/testdata/secrets.yaml").read_bytes())
    assert secrets.Bundle.load(made.encode()) == made
    with pytest.raises(errors.Invalid) as caught:
        secrets.Bundle.load((folder / "generate/secrets/testdata/invalid-secrets.yaml").read_bytes())
    assert {problem.path for problem in caught.value.problems} == {
        "cluster.secret", "trustdinfo.token", "certs.etcd.key", "certs.k8saggregator.crt", "certs.k8saggregator.key",
        "certs.os.crt", "secrets",
    }  # fmt: skip
    where = folder / "configpatcher/testdata"
    found = {name: type(patcher.load((where / name).read_bytes())) for name in ("patch.json", "patch.yaml")}
    assert set(found.values()) == {patcher.JsonPatch}
    assert isinstance(patcher.load((where / "strategic.yaml").read_bytes()), patcher.StrategicPatch)


def test_structs_have_no_mutable_defaults() -> None:
    for kind in KINDS:
        for section in sections(kind_class(kind)):
            for info in msgspec.structs.fields(section):
                assert not isinstance(info.default, list | dict | set)
