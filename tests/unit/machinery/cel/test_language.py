"""The language: values, errors, and what the original's environments accept."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest

from talos.machinery import cel
from talos.machinery.cel import checker, environment, functions

_ANY = environment.oom_trigger()


def _value(text: str) -> Any:
    return checker.check(text, _ANY).run({})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("2 - 1 - 1", 0),
        ("-7 / 2", -3),
        ("-7 % 3", -1),
        ("7u % 3u", 1),
        ("0x10", 16),
        (".5 + 1e1", 10.5),
        ("1.0 / 0.0", float("inf")),
        ("-9223372036854775808", -(1 << 63)),
        ("1 - -1", 2),
        ("!!true", True),
        ("'a' + \"b\"", "ab"),
        ("'\\u00e9\\n\\x41\\101'", "é\nAA"),
        ("r'\\d'", "\\d"),
        ("'''a\nb'''", "a\nb"),
        ("b'\\xffé'", b"\xff\xc3\xa9"),
        ("size('héé')", 3),
        ("[1, 2,] + [3]", [1, 2, 3]),
        ("[1, 2][1]", 2),
        ("{'a': 1}.a", 1),
        ("{1: 'x'}[1]", "x"),
        ("has({'a': 1}.b)", False),
        ("'a' in {'a': 1} && 2 in [1, 2]", True),
        ("1 < 2 ? 'x' : 'y'", "x"),
        ("false ? 1 : true ? 2 : 3", 2),
        ("true || 1 / 0 == 1", True),
        ("1 / 0 == 1 || true", True),
        ("1 / 0 == 1 && false", False),
        ("[1, 2, 3].exists(x, 1 / (x - 2) > 0)", True),
        ("[1, 2, 3].all(x, x > 0)", True),
        ("[1, 2, 3].exists_one(x, x == 2)", True),
        ("[1, 2, 3].filter(x, x > 1)", [2, 3]),
        ("[1, 2, 3].map(x, x > 1, x * 10)", [20, 30]),
        ("{'a': 1, 'b': 2}.map(k, k)", ["a", "b"]),
        ("'10.0.0.1'.matches('^10[.]') && 'abc'.startsWith('a')", True),
        ("'abc'.endsWith('c') && 'abc'.contains('b')", True),
        ("duration('1h30m').getMinutes()", 90),
        ("string(duration('90s'))", "90s"),
        ("timestamp('2026-11-23T12:00:00Z').getDayOfWeek()", 1),
        ("timestamp('2026-11-23T23:30:00Z').getHours('+01:00')", 0),
        ("timestamp('2026-11-23T12:00:00Z') - timestamp('2026-11-23T11:00:00Z') == duration('1h')", True),
        ("int('5') + int(5.9) + int(2u)", 12),
        ("string(1.5) + string(1) + string(1u) + string(true)", "1.511true"),
        ("type(1) == int && type('a') != int", True),
        ("dyn([1, 'a'])[1]", "a"),
        ("optional.of(1).hasValue() && !optional.none().hasValue()", True),
        ("{'a': 1}.?b.orValue(7)", 7),
        ("[1][?3].or(optional.of(2)).value()", 2),
        ("optional.of(2).optMap(x, x * 2).orValue(0)", 4),
        ("// a comment\n1", 1),
    ],
)
def test_an_expression_has_its_value(text: str, value: Any) -> None:
    found = _value(text)
    assert found == value and isinstance(found, bool) == isinstance(value, bool)


@pytest.mark.parametrize(
    "text",
    ["1 / 0", "1 % 0", "9223372036854775807 + 1", "3u - 5u", "[1][5]", "{'a': 1}['b']", "int('x')", "duration('1x')",
     "'a'.matches('(')", "bool('maybe')", "uint(-1)", "dyn(1) + dyn('a')", "{'a': 1, 'a': 2}",
     "optional.none().value()",
     "timestamp('2026')", "1 / 0 == 1 || false", "-(-9223372036854775807 - 1)"],
)  # fmt: skip
def test_an_expression_without_a_value_says_so(text: str) -> None:
    with pytest.raises(cel.EvaluationError):
        _value(text)


@pytest.mark.parametrize(
    ("text", "offset", "words"),
    [
        ("", 0, "empty"),
        ("1 +", 3, "found the end"),
        ("(1", 2, "to close the '(' of character 1"),
        ("10.0.0.1", 4, "'.0'"),
        ("'abc", 0, "no closing"),
        ("1 # 2", 2, "'#'"),
        ("1 = 2", 2, "write =="),
        ("'\\q'", 1, "escape"),
        ("1 == 1.0", 2, "10.0"),
        ("1 + 1u", 2, "10u"),
        ("'a' && true", 0, "string"),
        ("memory_full_avg11 > 1.0", 0, "did you mean 'memory_full_avg10'?"),
        ("nothing(1)", 0, "unknown function 'nothing'"),
        ("'a'.statsWith('b')", 4, "did you mean 'startsWith'?"),
        ("size(1)", 0, "(string) or (bytes)"),
        ("true ? 1 : 'a'", 11, "one type"),
        ("for", 0, "reserved"),
        ("99999999999999999999", 0, "64 bits"),
        ("1.exists(x, true)", 0, ""),
        ("[1].exists(1, true)", 11, "variable"),
        ("has(1)", 0, "field"),
        ("{1.5: 1}", 1, "key"),
        ("a.b{}", 3, "messages"),
        ("(" * 60 + "1" + ")" * 60, 50, "inside each other"),
        (" + ".join(["1"] * 5000), 0, "too long"),
    ],
)
def test_a_wrong_expression_is_refused_with_its_place(text: str, offset: int, words: str) -> None:
    with pytest.raises(cel.ExpressionError) as caught:
        _value(text)
    assert words in str(caught.value)
    if words:
        assert caught.value.offset == offset


def test_nothing_but_its_own_error_leaves_the_compiler() -> None:
    """Mutations of expressions, also those that check, give a value or one of two errors."""
    chance = random.Random(20)
    seeds = ["disk.size > 100u * GB && !disk.rotational", "'a' in disk.symlinks || has(disk.uuid)",
             "disk.symlinks.exists(s, s.matches('x.*')) ? true : {'a': [1]}['a'][0] == 1",
             "memory_max.hasValue() ? 0.0 : {1: 1.0}[class]", "duration('1s') < timestamp('x')"]  # fmt: skip
    pieces = [
        "'",
        '"',
        "(",
        ")",
        "[",
        "{",
        "}",
        ".",
        "?",
        ":",
        "1",
        "u",
        "-",
        "!",
        "\\",
        "b'",
        ",",
        "in",
        "é",
        "\0",
        "&&",
    ]
    for number in range(4000):
        text = list(seeds[number % len(seeds)])
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(text))
            text[at : at + chance.randrange(3)] = [chance.choice(pieces)]
        for name in ("disk", "oom-ranking"):
            try:
                cel.compile("".join(text), name).evaluate({"class": 1, "memory_max": None})
            except (cel.ExpressionError, cel.EvaluationError):
                continue


def test_glob_knows_the_star_only() -> None:
    assert functions.glob("/dev/sd*", "/dev/sda") and functions.glob("*", "") and functions.glob("a*c*e", "abcde")
    assert not functions.glob("sd[a-z]", "sda") and not functions.glob("a", "ab") and not functions.glob("a*b", "ab\nc")


def test_a_multiplication_of_vectors_takes_what_both_have() -> None:
    left, right = "{Besteffort: 4.0, Burstable: 2.0, System: 1.0}", "{Besteffort: 2.0, Burstable: -1.0}"
    text = f"multiply_qos_vectors({left}, {right}) == 6.0"
    assert cel.evaluate(text, "oom-trigger", {}) is True


def test_time_is_a_duration() -> None:
    variables = {"memory_full_avg10": 13.0, "time_since_trigger": datetime.timedelta(milliseconds=300)}
    text = 'memory_full_avg10 > 12.0 && time_since_trigger > duration("{}ms")'
    assert cel.matches(text.format(250), "oom-trigger", variables)
    assert not cel.matches(text.format(500), "oom-trigger", variables)
