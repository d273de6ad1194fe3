import asyncio
import io
import json
import os
import re

import pytest

from talos.talosctl import progress
from tests import terminal


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _screen(written: str, columns: int = 1000) -> list[str]:
    """What a terminal shows after this output."""
    shown = terminal.Terminal(columns)
    shown.feed(written)
    return shown.lines


@pytest.mark.parametrize(
    ("mode", "tty", "environment", "kind"),
    [
        ("auto", True, {"TERM": "xterm"}, progress.Live),
        ("auto", False, {"TERM": "xterm"}, progress.Plain),
        ("auto", True, {"TERM": "dumb"}, progress.Plain),
        ("auto", True, {}, progress.Plain),
        ("plain", True, {"TERM": "xterm"}, progress.Plain),
        ("json", True, {"TERM": "xterm"}, progress.Json),
        ("quiet", True, {"TERM": "xterm"}, progress.Quiet),
    ],
)
def test_the_view_fits_the_place(mode: str, tty: bool, environment: dict[str, str], kind: type) -> None:
    assert type(progress.make(mode, Terminal() if tty else io.StringIO(), environment)) is kind


async def test_live_view_keeps_finished_steps_and_redraws_running_ones() -> None:
    out = Terminal()
    async with progress.make("auto", out, {"TERM": "xterm"}) as view:
        view.begin("a", "first")
        view.begin("b", "second")
        view.update("b", "something\nlong")
        await asyncio.sleep(0.25)
        shown = _screen(out.getvalue())
        assert [line[2:] for line in shown] == ["first 0 s", "second 0 s  something long"]
        view.done("a", 1.24)
        view.note("by the way")
        shown = _screen(out.getvalue())
        assert shown[:2] == ["✓ first 1.2 s", "by the way"]
        assert shown[2].startswith("⠋") or shown[2][0] in progress._FRAMES
        view.failed("b", 2, "broken")
    assert _screen(out.getvalue()) == ["✓ first 1.2 s", "by the way", "✗ second: broken"]
    assert "\x1b[32m" in out.getvalue()


async def test_no_colour_without_losing_the_live_view() -> None:
    out = Terminal()
    async with progress.make("auto", out, {"TERM": "xterm", "NO_COLOR": "1"}) as view:
        view.begin("a", "first")
        view.done("a", 0.1)
    assert "m" not in re.findall(r"\x1b\[[0-9;]*([A-Za-z])", out.getvalue())


def test_plain_lines_have_no_escapes_and_no_floods() -> None:
    out = io.StringIO()
    view = progress.make("plain", out, {})
    view.begin("a", "first")
    for number in range(100):
        view.update("a", f"reason {number}")
    view.done("a", 3)
    assert out.getvalue().splitlines() == ["  first: reason 0", "ok first (3.0 s)"]


def test_json_lines() -> None:
    out = io.StringIO()
    view = progress.make("json", out, {})
    view.begin("a", "first")
    view.failed("a", 3, "no")
    assert [json.loads(line) for line in out.getvalue().splitlines()] == [
        {"event": "begin", "step": "a", "title": "first"},
        {"event": "failed", "step": "a", "elapsed_s": 3, "reason": "no"},
    ]


def test_clip_counts_cells_not_characters() -> None:
    assert progress.clip("abc", 3) == "abc"
    assert progress.clip("abcdef", 4) == "abc…"
    assert progress.clip("日本語", 5) == "日本…"
    assert progress.clip("a\x1b[2Jb", 10) == "a[2Jb…"


async def test_one_write_per_change_that_erases_nothing_before_it_draws_over_it() -> None:
    """What flickers is a screen erased by one write and drawn by the next."""

    class Writes(Terminal):
        def __init__(self) -> None:
            super().__init__()
            self.parts: list[str] = []

        def write(self, text: str) -> int:
            self.parts.append(text)
            return super().write(text)

    out = Writes()
    async with progress.make("auto", out, {"TERM": "xterm", "NO_COLOR": "1"}) as view:
        view.begin("a", "first")
        view.begin("b", "second")
        await asyncio.sleep(0.15)
        for number in range(3):
            out.parts.clear()
            view.update("a", f"reason {number}")
            view.note(f"note {number}")
            (part,) = out.parts
            assert part.startswith("\r\x1b[2A")
            assert part.index("\x1b[J") == len(part) - 3
    assert _screen(out.getvalue()) == ["note 0", "note 1", "note 2"]


async def test_lines_that_a_narrower_terminal_folds_are_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = 60
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_: os.terminal_size((columns, 24)))
    out = Terminal()
    async with progress.make("auto", out, {"TERM": "xterm", "NO_COLOR": "1"}) as view:
        for key in "abc":
            view.begin(key, f"{key} " + 40 * "x")
        await asyncio.sleep(0.15)
        shown = terminal.Terminal(60)
        shown.feed(out.getvalue())
        assert len(shown.lines) == 3
        shown.resize(25)
        assert len(shown.lines) == 6
        columns, written = 25, len(out.getvalue())
        await asyncio.sleep(0.15)
        shown.feed(out.getvalue()[written:])
        written = len(out.getvalue())
        assert [len(line) <= 25 for line in shown.lines] == [True] * 3
        assert not shown.cursor_shown
    shown.feed(out.getvalue()[written:])
    assert (shown.lines, shown.cursor_shown) == ([], True)


async def test_more_steps_than_rows_stay_below_the_height(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_: os.terminal_size((80, 6)))
    out = Terminal()
    async with progress.make("auto", out, {"TERM": "xterm"}) as view:
        for number in range(20):
            view.begin(str(number), f"step {number}")
        await asyncio.sleep(0.15)
        assert len(_screen(out.getvalue())) == 4
