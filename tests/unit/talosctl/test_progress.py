import asyncio
import io
import json
import re

import pytest

from talos.talosctl import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _screen(written: str) -> list[str]:
    """What a terminal shows after these bytes (cursor up and erase below are all that is used)."""
    lines: list[str] = [""]
    for part in re.split(r"(\x1b\[\d*[A-Za-z]|\n)", re.sub(r"\x1b\[[0-9;]*m", "", written)):
        if part == "\n":
            lines.append("")
        elif match := re.fullmatch(r"\x1b\[(\d+)A", part):
            del lines[len(lines) - int(match[1]) - 1 :]
            lines.append("")
        elif part != "\x1b[J":
            lines[-1] += part
    return [line for line in lines if line]


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
