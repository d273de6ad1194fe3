"""Command lines: how a user's flags meet the defaults."""

from __future__ import annotations

import pytest

from talos.base import errors
from talos.k8s import args
from talos.k8s.args import Merge

BASE = {"plugins": ["A,B"], "port": ["1"], "cert": ["/x"], "issuer": ["one"]}
POLICIES = {"plugins": Merge.ADDITIVE, "cert": Merge.DENIED, "issuer": Merge.APPEND}


@pytest.mark.parametrize(
    ("extra", "flag", "expected"),
    [
        ({"port": ["2"]}, "port", ["2"]),
        ({"plugins": ["B,C"]}, "plugins", ["A,B,C"]),
        ({"plugins": ["C", "D"]}, "plugins", ["A,B,C,D"]),
        ({"issuer": ["two", "one"]}, "issuer", ["one", "two"]),
        ({"v": ["4"]}, "v", ["4"]),
        ({"gate": ["a", "b"]}, "gate", ["a", "b"]),
        ({}, "plugins", ["A,B"]),
    ],
)
@pytest.mark.feature("M011")
def test_merge(extra: dict[str, list[str]], flag: str, expected: list[str]) -> None:
    assert args.merge(BASE, extra, POLICIES)[flag] == expected


@pytest.mark.feature("M011")
def test_refuses_every_protected_flag() -> None:
    with pytest.raises(errors.Invalid) as caught:
        args.merge(BASE, {"cert": ["/y"], "key": ["/z"], "v": ["1"]}, {**POLICIES, "key": Merge.DENIED})
    assert [p.path for p in caught.value.problems] == ["cert", "key"]


def test_merge_leaves_its_inputs_alone() -> None:
    args.merge(BASE, {"plugins": ["C"], "issuer": ["two"]}, POLICIES)
    assert BASE["plugins"] == ["A,B"]
    assert BASE["issuer"] == ["one"]


def test_command_line_is_sorted_and_repeats_flags() -> None:
    assert args.command_line({"b": ["1", "2"], "a": [""]}) == ["--a=", "--b=1", "--b=2"]
