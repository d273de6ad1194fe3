"""Shows what a build is doing: one line per step, live on a terminal, plain elsewhere.

On a terminal the running step is a line that is rewritten each second with the time it has taken; elsewhere, and with
`TERM=dumb`, a line is written when a step begins and when it ends. `NO_COLOR` turns colours off.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from typing import TextIO

_GREEN, _RED, _DIM, _RESET = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"


class Progress:
    """Steps with their durations. Nested steps are not meant to be."""

    def __init__(self, stream: TextIO, *, live: bool | None = None) -> None:
        self._stream = stream
        self._live = stream.isatty() and os.environ.get("TERM") != "dumb" if live is None else live
        self._colour = self._live and not os.environ.get("NO_COLOR")
        self.durations_s: dict[str, float] = {}

    def _paint(self, code: str, text: str) -> str:
        return f"{code}{text}{_RESET}" if self._colour else text

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    def note(self, text: str) -> None:
        """One line that is no step."""
        self._write(f"{text}\n")

    def _tick(self, title: str, started: float, ended: threading.Event) -> None:
        while not ended.wait(1.0):
            self._write(f"\r\x1b[K  … {title} {self._paint(_DIM, f'{time.monotonic() - started:.0f} s')}")

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Show `title` while the block runs, and how long it took; an exception marks it failed and passes on."""
        started, ended = time.monotonic(), threading.Event()
        self._write(f"  … {title}" if self._live else f"{title} …\n")
        ticker = threading.Thread(target=self._tick, args=(title, started, ended), daemon=True) if self._live else None
        if ticker:
            ticker.start()
        failed = True
        try:
            yield
            failed = False
        finally:
            ended.set()
            if ticker:
                ticker.join()
            taken = time.monotonic() - started
            self.durations_s[title] = taken
            mark = self._paint(_RED, "✗") if failed else self._paint(_GREEN, "✓")
            lead = "\r\x1b[K" if self._live else ""
            self._write(f"{lead}  {mark} {title} {self._paint(_DIM, f'{taken:.1f} s')}\n")
