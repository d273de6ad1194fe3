"""Regular expressions from clients: the answers of `re`, in time that does not explode."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos.base import errors
from talos.cosi import linear

ATOMS = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", "\\d", "\\w", "\\s", "^", "$", "\\b", "1", "-", "[a-c1]", "\\."]
)
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("(?:{}|{})".format, inner, inner),
        st.builds("(?:{}){}".format, inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}", "*?"])),
        st.builds("({})".format, inner),
    ),
    max_leaves=8,
)


@settings(max_examples=500, deadline=None)
@given(PATTERNS, st.text("ab1- .", max_size=8))
def test_answers_are_those_of_re(pattern: str, text: str) -> None:
    assert linear.search(pattern, text) == (re.search(pattern, text, re.ASCII) is not None)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("(?i)ETH[0-9]+$", "eth12", True),
        ("(?i)straße", "STRASSE", False),
        ("(?m)^b$", "a\nb\nc", True),
        ("a.c", "a\nc", False),
        ("(?s)a.c", "a\nc", True),
        (r"\Aab\Z", "ab", True),
        ("(?i:A)b", "ab", True),
        ("", "", True),
        ("ä+", "äää", True),
    ],
)
def test_flags_and_places(pattern: str, text: str, found: bool) -> None:
    assert linear.search(pattern, text) is found


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(a*)*c", "(.*)*x", "a{0,30}a{30}b"])
def test_evil_patterns_are_quick(pattern: str) -> None:
    started = time.process_time()
    assert not linear.search(pattern, "a" * 200 + "!")
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "[",
        "a**",
        "(?=a)",
        "(?<!a)b",
        r"(a)\1",
        "a++",
        "(?>a)",
        "x" * 501,
        "((a{100}){100}){100}",
        "(" * 400,
        "(?u)a{9999}",
    ],
)
def test_what_can_not_be_used_is_refused(pattern: str) -> None:
    with pytest.raises(errors.Invalid):
        linear.compiled(pattern)
