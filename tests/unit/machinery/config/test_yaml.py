"""YAML as users write it: scalars of 1.1 and 1.2, block texts, anchors, sizes and durations; and what is refused."""

from __future__ import annotations

import datetime
import re
import time
from typing import Any

import pytest

from talos.base import errors
from talos.machinery.config import _yaml, encoder, loader, values

HEAD = "apiVersion: v1alpha1\nkind: "


def one(kind: str, text: str) -> Any:
    return loader.load(f"{HEAD}{kind}\n{text}\n".encode(), name="c.yaml").documents[0]


def problems(kind: str, text: str) -> list[str]:
    with pytest.raises(errors.Invalid) as caught:
        one(kind, text)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.feature("F003")
@pytest.mark.parametrize(
    ("text", "value"),
    [(text, True) for text in sorted(_yaml.TRUE_1_1)] + [(text, False) for text in sorted(_yaml.FALSE_1_1)],
)
def test_booleans_of_yaml_1_1_only_where_a_boolean_is_wanted(text: str, value: bool) -> None:
    assert one("LinkConfig", f"name: a\nup: {text}").up is value
    assert one("EnvironmentConfig", f"variables: {{a: {text}}}").variables == {"a": text}
    assert problems("LinkConfig", f'name: a\nup: "{text}"') == [f"c.yaml:4:5: up: expected true or false, got {text!r}"]
    # In data of another format the core schema counts.
    config = one("KubeletConfig", f"image: a:v1\nconfig: {{a: {text}}}").config["a"]
    assert config == (text.lower() == "true" if text.lower() in ("true", "false") else text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1400", 1400),
        ("0x578", 1400),
        ("0o2570", 1400),
        ("02570", 1400),
        ("0b10101111000", 1400),
        ("1_400", 1400),
        ("+1400", 1400),
    ],
)
def test_integers(text: str, value: int) -> None:
    assert one("LinkConfig", f"name: a\nmtu: {text}").mtu == value


@pytest.mark.parametrize("text", ['"1400"', "1400.0", "1e3", "yes", "[1400]", "-1", "4294967296", "089", "0x", "1 400"])
def test_what_is_no_integer_here(text: str) -> None:
    found = problems("LinkConfig", f"name: a\nmtu: {text}")
    assert len(found) == 1
    assert found[0].startswith("c.yaml:4:6: mtu: expected an integer")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("|\n  a\n  b", "a\nb\n"),
        ("|-\n  a\n  b", "a\nb"),
        (">\n  a\n  b", "a b\n"),
        (">-\n  a\n\n  b", "a\nb"),
        ("|2\n   a", " a\n"),
        ("'it''s'", "it's"),
        ('"a\\tb\\u00e9"', "a\tbé"),
        ("12", "12"),
        ("1.50", "1.50"),
        ("0x10", "0x10"),
        ("2001-01-01", "2001-01-01"),
        ("~", ""),
    ],
)
def test_texts_stay_as_written(text: str, value: str) -> None:
    assert one("EtcFileConfig", f"name: a\ncontents: {text}").contents == value


@pytest.mark.parametrize(("text", "mode"), [("0o644", 0o644), ("0644", 0o644), ("420", 0o644), ("0x1a4", 0o644)])
def test_octal_modes(text: str, mode: int) -> None:
    found = one("EtcFileConfig", f"name: a\nmode: {text}\ncontents: b")
    assert found.mode == mode
    assert b"mode: 0o644\n" in encoder.encode(
        loader.load(f"{HEAD}EtcFileConfig\nname: a\nmode: {text}\n".encode()).replace_source()
    )


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("1k", 1000),
        ("1KiB", 1024),
        ("10GiB", 10 * 2**30),
        ("2.5TiB", int(2.5 * 2**40)),
        ("100 MB", 10**8),
        ("1ei", 2**60),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert values.parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "1XB", "-1", "1 2", "16EiB", "1,5GiB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        values.parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("1h30m", 5400), ("1.5s", 1.5), ("-2m", -120), ("100ms", 0.1), ("1us", 1e-6), (".5h", 1800)],
)
def test_durations_are_read_and_written(text: str, seconds: float) -> None:
    found = values.parse_duration(text)
    assert found == datetime.timedelta(seconds=seconds)
    assert values.parse_duration(values.format_duration(found)) == found


@pytest.mark.parametrize("text", ["1", "h", "1x", "1h 2m", "1h-2m", "", "9999999h9999999h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        values.parse_duration(text)


@pytest.mark.feature("F003")
def test_all_problems_of_all_documents_at_once() -> None:
    text = (
        f"{HEAD}VLANConfig\nname: a\nvlanId: 7\nmtu: big\nroutes:\n  - gatway: 1.1.1.1\n    gateway: 1.1.1.300\n"
        f"---\n{HEAD}VLANConfg\n---\n{HEAD}KubeletConfig\nimage: a\nimage: b\n---\n{HEAD}BondConfig\nbondMode: 802.3\n"
    )
    with pytest.raises(errors.Invalid) as caught:
        loader.load(text.encode(), name="f.yaml")
    assert [str(problem) for problem in caught.value.problems] == [
        "f.yaml:4:1: vlanId: unknown key, did you mean 'vlanID'?",
        "f.yaml:5:6: mtu: expected an integer, got 'big'",
        "f.yaml:7:5: routes[0].gatway: unknown key, did you mean 'gateway'?",
        "f.yaml:8:14: routes[0].gateway: expected an IP address, got '1.1.1.300'",
        "f.yaml:10:1: kind: 'VLANConfg' 'v1alpha1' is not registered, did you mean 'VLANConfig'?",
        "f.yaml:16:1: image: given twice",
        "f.yaml:20:11: bondMode: expected one of balance-rr, active-backup, balance-xor, broadcast, 802.3ad, "
        "balance-tlb, balance-alb, got '802.3', did you mean 802.3ad?",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &a [*a]", "alias"),
        ("a: *nowhere", "undefined alias"),
        ("[" * 5000, "nested deeper"),
        ("a:\n" + "".join(f"{' ' * n}-\n" for n in range(1, 3000)), ""),
        ("&" * 2000, ""),
        ("a: !!python/object:os.system {}", ""),
        ("%YAML 3.0\n---\na: 1", ""),
        ("\0", ""),
        ("a: \x07", ""),
    ],
)
def test_hostile_inputs_are_refused_quickly(text: str, words: str) -> None:
    begun = time.monotonic()
    with pytest.raises(errors.Invalid) as caught:
        loader.load(text.encode())
    assert words in str(caught.value)
    assert time.monotonic() - begun < 10


def test_twenty_kilobytes_are_loaded_in_little_time() -> None:
    """The goal is 15 ms on a quiet machine, bench/config.py measures it; here only what no load excuses."""
    import importlib.util
    from pathlib import Path

    spec = importlib.util.spec_from_file_location("config_bench", Path(__file__).parents[4] / "bench" / "config.py")
    assert spec is not None
    assert spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    from . import samples

    text = bench.sample(samples.SECRETS)
    assert len(text) >= 20_000
    begun = time.process_time()
    loader.load(text)
    loader.load(text)
    assert time.process_time() - begun < 1
