"""The loader: strict, complete about problems, and never raising anything but Invalid."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos.base import errors
from talos.machinery.config import loader
from talos.machinery.config.documents.k8s import kubelet
from talos.machinery.config.documents.network import time_sync

from . import samples


def problems(text: str) -> list[str]:
    with pytest.raises(errors.Invalid) as caught:
        loader.load(text.encode(), name="c.yaml")
    return [str(p) for p in caught.value.problems]


@pytest.mark.feature("F001", "F002", "F004")
def test_documents_come_in_order_and_bytes_are_kept() -> None:
    text = b"# mine\nversion: v1alpha1\nmachine:\n  type: worker\n---\n\n---\n"
    text += b"apiVersion: v1alpha1\nkind: KubeletConfig\nimage: x\n"
    bundle = loader.load(text)
    assert bundle.v1alpha1 is not None
    assert [d.kind for d in bundle.documents] == ["KubeletConfig"]
    assert bundle.encode() == text


@pytest.mark.feature("F003")
def test_every_problem_is_reported_with_place_path_and_hint() -> None:
    found = problems(
        "version: v1alpha1\n"
        "machine:\n"
        "  typ: worker\n"
        "  certSANs: nope\n"
        "  features:\n"
        "    rbac: 7\n"
        "---\n"
        "apiVersion: v1alpha1\n"
        "kind: KubletConfig\n"
    )
    assert found == [
        "c.yaml:3:3: machine.typ: unknown key, did you mean 'type'?",
        "c.yaml:4:13: machine.certSANs: expected a list, got 'nope'",
        "c.yaml:6:11: machine.features.rbac: expected true or false, got '7'",
        "c.yaml:8:1: kind: 'KubletConfig' 'v1alpha1' is not registered, did you mean 'KubeletConfig'?",
    ]


@pytest.mark.feature("F003")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: v1alpha1\ndebug: true\ndebug: false\n", "debug: given twice"),
        ("kind: KubeletConfig\n", "apiVersion is missing"),
        ("foo: bar\n", "kind is missing"),
        ("version: v1beta9\nmachine: {}\n", "unknown version 'v1beta9'"),
        ("", "config not found"),
        ("- a\n", "expected a document with keys"),
        ("a: [\n", "c.yaml:2:1"),
        ("version: v1alpha1\nmachine: {}\n---\nversion: v1alpha1\nmachine: {}\n", "a second v1alpha1 document"),
    ],
)
def test_bad_streams(text: str, words: str) -> None:
    assert any(words in p for p in problems(text))


@pytest.mark.feature("F005")
def test_duplicates_are_named_with_both_places() -> None:
    one = "apiVersion: v1alpha1\nkind: VLANConfig\nname: eth0.1\nvlanID: 1\nparent: eth0\n"
    assert problems(f"{one}---\n{one}") == ["c.yaml:7:1: duplicate document VLANConfig/eth0.1, first at c.yaml:1:1"]
    loader.load(f"{one}---\n{one.replace('eth0.1', 'eth0.2')}".encode())


@pytest.mark.parametrize(
    ("text", "value"),
    [("1h30m", datetime.timedelta(minutes=90)), ("1.5s", datetime.timedelta(seconds=1.5)), ("0", datetime.timedelta())],
)
def test_durations(text: str, value: datetime.timedelta) -> None:
    bundle = loader.load(f"apiVersion: v1alpha1\nkind: TimeSyncConfig\nbootTimeout: {text}\n".encode())
    assert bundle.one(time_sync.TimeSyncConfig).boot_timeout == value  # type: ignore[union-attr]


def test_quoted_numbers_stay_text_and_plain_ones_become_text_where_text_is_wanted() -> None:
    bundle = loader.load(b'apiVersion: v1alpha1\nkind: KubeletConfig\nextraArgs:\n  v: 4\n  w: "5"\n  x: [a, b]\n')
    assert bundle.one(kubelet.KubeletConfig).extra_args == {"v": "4", "w": "5", "x": ("a", "b")}  # type: ignore[union-attr]


def test_alias_bomb_is_refused_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    assert "too large once its aliases are expanded" in problems("\n".join(lines))[0]


def test_size_limit() -> None:
    assert "at most 1048576" in problems("# " + "x" * (1 << 20))[0]


def test_anchors_and_merge_keys_work() -> None:
    text = "apiVersion: v1alpha1\nkind: KubeNodeConfig\nlabels: &l {a: b}\nannotations:\n  <<: *l\n  c: d\n"
    node = loader.load(text.encode()).documents[0]
    assert node.annotations == {"a": "b", "c": "d"}  # type: ignore[attr-defined]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_mutated_configs_raise_nothing_but_invalid(data: st.DataObject) -> None:
    text = bytearray(samples.CONTROL_PLANE)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
    try:
        loader.load(bytes(text))
    except errors.Invalid as error:
        assert error.problems
