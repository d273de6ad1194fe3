"""Steps as they happen: a live view on a terminal, one line per event elsewhere, JSON lines for programs.

Everything goes to standard error; standard output is for data. `NO_COLOR` takes the colour, `TERM=dumb` the live view
(no-color.org). Implements `talos.provision.plan.Progress`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TextIO

import wcwidth

MODES = ("auto", "plain", "json", "quiet")
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_TICK_S = 0.1
# ECMA-48 control functions, and DEC's private modes for the cursor.
_ERASE_LINE, _ERASE_BELOW = "\x1b[K", "\x1b[J"
_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
# A plain log repeats what a step waits for only when it is new, and not more often than this.
_PLAIN_PAUSE_S = 5.0


@dataclass(slots=True)
class _Active:
    title: str
    text: str = ""
    began: float = field(default_factory=time.monotonic)
    said: float = 0.0


class Quiet:
    """Says nothing; also what the others are made of."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._active: dict[str, _Active] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def begin(self, key: str, title: str) -> None:
        """A step begins."""
        self._active[key] = _Active(title)

    def update(self, key: str, text: str) -> None:
        """What it waits for."""
        if key in self._active:
            self._active[key].text = " ".join(text.split())

    def done(self, key: str, elapsed_s: float) -> None:
        """It succeeded."""
        self._active.pop(key, None)

    def failed(self, key: str, elapsed_s: float, reason: str) -> None:
        """It did not."""
        self._active.pop(key, None)

    def note(self, text: str) -> None:
        """A sentence that belongs to no step."""


class Plain(Quiet):
    """One line per event."""

    def _line(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()

    def update(self, key: str, text: str) -> None:
        """A new reason is worth a line, now and then."""
        super().update(key, text)
        step = self._active.get(key)
        if step is not None and time.monotonic() - step.said >= _PLAIN_PAUSE_S:
            step.said = time.monotonic()
            self._line(f"  {step.title}: {step.text}")

    def done(self, key: str, elapsed_s: float) -> None:
        """The line of a finished step."""
        title = self._title(key)
        super().done(key, elapsed_s)
        self._line(f"ok {title} ({elapsed_s:.1f} s)")

    def failed(self, key: str, elapsed_s: float, reason: str) -> None:
        """The line of a failed step."""
        title = self._title(key)
        super().failed(key, elapsed_s, reason)
        self._line(f"failed {title} ({elapsed_s:.1f} s): {reason}")

    def note(self, text: str) -> None:
        """As it is."""
        self._line(text)

    def _title(self, key: str) -> str:
        return self._active[key].title if key in self._active else key


class Json(Quiet):
    """One JSON object per event."""

    def _event(self, event: str, **fields: object) -> None:
        self._out.write(json.dumps({"event": event, **fields}) + "\n")
        self._out.flush()

    def begin(self, key: str, title: str) -> None:
        """Event `begin`."""
        super().begin(key, title)
        self._event("begin", step=key, title=title)

    def update(self, key: str, text: str) -> None:
        """Event `update`."""
        super().update(key, text)
        self._event("update", step=key, text=text)

    def done(self, key: str, elapsed_s: float) -> None:
        """Event `done`."""
        super().done(key, elapsed_s)
        self._event("done", step=key, elapsed_s=round(elapsed_s, 3))

    def failed(self, key: str, elapsed_s: float, reason: str) -> None:
        """Event `failed`."""
        super().failed(key, elapsed_s, reason)
        self._event("failed", step=key, elapsed_s=round(elapsed_s, 3), reason=reason)

    def note(self, text: str) -> None:
        """Event `note`."""
        self._event("note", text=text)


class Live(Plain):
    """Finished steps stay as lines, running ones are redrawn below them.

    Each change is one write that draws over what is there and erases only the rest, so that nothing flickers.
    """

    def __init__(self, out: TextIO, *, colour: bool) -> None:
        super().__init__(out)
        self._colour = colour
        self._drawn: list[int] = []  # width of each line that is redrawn
        self._frame = 0
        self._ticker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._out.write(_HIDE_CURSOR)
        self._ticker = asyncio.create_task(self._tick(), name="progress")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        self._out.write(self._home() + _ERASE_BELOW + _SHOW_CURSOR)
        self._out.flush()

    async def _tick(self) -> None:
        while True:
            self._frame += 1
            self._draw()
            await asyncio.sleep(_TICK_S)

    def begin(self, key: str, title: str) -> None:
        """Shown with the next tick."""
        self._active[key] = _Active(title)

    def update(self, key: str, text: str) -> None:
        """Shown with the next tick."""
        Quiet.update(self, key, text)

    def done(self, key: str, elapsed_s: float) -> None:
        """Becomes a line that stays."""
        title = self._title(key)
        Quiet.done(self, key, elapsed_s)
        self._line(f"{self._paint('32', '✓')} {title} {self._paint('2', f'{elapsed_s:.1f} s')}")

    def failed(self, key: str, elapsed_s: float, reason: str) -> None:
        """Becomes a line that stays."""
        title = self._title(key)
        Quiet.failed(self, key, elapsed_s, reason)
        self._line(f"{self._paint('31', '✗')} {title}: {reason}")

    def _line(self, text: str) -> None:
        self._draw(f"{text}{_ERASE_LINE}\n")

    def _draw(self, before: str = "") -> None:
        size = self._size()
        home = self._home()
        shown = list(self._active.values())[: max(1, size.lines - 2)]
        lines = [self._running(step, size.columns) for step in shown]
        self._drawn = [width for _, width in lines]
        self._out.write(home + before + "".join(f"{line}{_ERASE_LINE}\n" for line, _ in lines) + _ERASE_BELOW)
        self._out.flush()

    def _running(self, step: _Active, columns: int) -> tuple[str, int]:
        frame = _FRAMES[self._frame % len(_FRAMES)]
        elapsed = f"{time.monotonic() - step.began:.0f} s"
        text = clip(f"{step.title} {elapsed}" + (f"  {step.text}" if step.text else ""), columns - 3)
        return f"{self._paint('36', frame)} {text}", 2 + max(0, wcwidth.wcswidth(text))

    def _home(self) -> str:
        """To where the redrawn lines begin; a terminal that became narrower has folded them."""
        columns = self._size().columns
        rows = sum(max(1, -(-width // columns)) for width in self._drawn)
        self._drawn = []
        # The terminal itself may have written: it shows a pressed Ctrl-C where the cursor is.
        return f"\r\x1b[{rows}A" if rows else "\r"

    def _size(self) -> os.terminal_size:
        """Of the terminal that is written to, as it is now."""
        with contextlib.suppress(OSError, ValueError):
            if (found := os.get_terminal_size(self._out.fileno())).columns:
                return found
        return shutil.get_terminal_size()

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text


def clip(text: str, columns: int) -> str:
    """As much of a text as fits, by the width its characters have on a terminal."""
    if wcwidth.wcswidth(text) <= columns and "\x1b" not in text:
        return text
    kept, width = [], 0
    for char in text:
        size = max(0, wcwidth.wcwidth(char))
        if width + size > columns - 1:
            break
        if char >= " ":
            kept.append(char)
            width += size
    return "".join(kept) + "…"


def make(mode: str = "auto", out: TextIO | None = None, environment: Mapping[str, str] | None = None) -> Quiet:
    """The view that fits. `mode` is one of MODES."""
    stream = sys.stderr if out is None else out
    variables = os.environ if environment is None else environment
    if mode == "quiet":
        return Quiet(stream)
    if mode == "json":
        return Json(stream)
    if mode == "plain" or not stream.isatty() or variables.get("TERM") in ("", "dumb", None):
        return Plain(stream)
    return Live(stream, colour=not variables.get("NO_COLOR"))
