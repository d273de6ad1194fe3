"""What goes to the terminal: columns, colour, sizes, times; and how flags are read."""

from __future__ import annotations

import datetime
import importlib
import io
import os

import pytest

from talos.talosctl import _generated_index, command, main, output


@pytest.mark.parametrize(
    ("environment", "terminal", "colour"),
    [
        ({}, False, False),
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"CLICOLOR_FORCE": "1"}, False, True),
        ({"CLICOLOR_FORCE": "0"}, False, False),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colour_is_for_people_who_want_it(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], terminal: bool, colour: bool
) -> None:
    for name in ("TERM", "NO_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    assert output.colours(stream) is colour


def test_columns_are_as_wide_as_what_a_terminal_shows() -> None:
    out = io.StringIO()
    output.table(("NAME", "N", "LAST"), [("日本", 1, ""), ("e\u0301", 22, "x")], out)
    assert out.getvalue() == "NAME   N    LAST\n日本   1\ne\u0301      22   x\n"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"), (5e15, "5000.0 TB")]
)
def test_sizes(number: float, text: str) -> None:
    assert output.size(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "now"), (1, "1 second ago"), (150, "2 minutes ago"), (90_000, "1 day ago"), (-7200, "2 hours from now")],
)
def test_ago(seconds: int, text: str) -> None:
    assert output.ago(datetime.timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("argv", "words", "rest"),
    [
        (["-n", "a", "etcd", "members"], ["etcd", "members"], ["-n", "a"]),
        (["ls", "-l", "/etc"], ["list"], ["-l", "/etc"]),
        (["etcd", "--nodes", "a", "members", "-e", "b"], ["etcd", "members"], ["--nodes", "a", "-e", "b"]),
        (["images", "rm", "x"], ["image", "remove"], ["x"]),
        (["get", "members", "get"], ["get"], ["members", "get"]),
        (["copy", "/x", "-"], ["copy"], ["/x", "-"]),
        (["cluster", "create", "qemu"], ["cluster", "create", "qemu"], []),
        (["cluster", "create", "--provisioner", "qemu"], ["cluster", "create"], ["--provisioner", "qemu"]),
    ],
)
def test_words_of_a_command_among_its_flags(argv: list[str], words: list[str], rest: list[str]) -> None:
    assert main.find(argv) == (words, rest)


@pytest.mark.parametrize("path", sorted(_generated_index.COMMANDS))
def test_every_command_has_a_parser_without_clashes(path: str) -> None:
    module = importlib.import_module(f"{main._PACKAGE}.{path.replace(' ', '_').replace('-', '_')}")
    found: command.Command = module.COMMAND
    assert (found.path, "" if found.hidden else found.help) == (path, _generated_index.COMMANDS[path])
    text = main.parser(path.split(" "), found).format_help()
    assert "--nodes" in text
    for flag in found.flags:
        assert flag.hidden or f"--{flag.name}" in text


def test_help_needs_no_node(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([]) == 0
    assert "etcd" in capsys.readouterr().out
    assert main.run(["etcd", "--help"]) == 0
    assert "members" in capsys.readouterr().out
    assert main.run(["servces"]) == 2
    assert "'service'" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main.run(["get", "--help"])
    assert ended.value.code == 0
    assert os.linesep.join(capsys.readouterr().out.splitlines()[:1]).startswith("usage: talosctl get")
