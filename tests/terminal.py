"""A terminal for tests: what a person sees after some output. Knows what the progress view uses, refuses the rest."""

from __future__ import annotations

import re

import wcwidth

_TOKEN = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]")


class Terminal:
    """Rows of cells; long lines are folded, as terminals do."""

    def __init__(self, columns: int = 1000) -> None:
        self.columns = columns
        self.cursor_shown = True
        self._rows: list[list[str]] = [[]]
        self._row = self._column = 0

    def feed(self, text: str) -> None:
        """Show more output."""
        end = 0
        for match in _TOKEN.finditer(text):
            assert match.start() == end, f"unknown: {text[end : end + 20]!r}"
            end = match.end()
            if match[2]:
                self._control(match[1], match[2])
            elif match[0] == "\n":
                # The line discipline makes \r\n of it.
                self._down()
                self._column = 0
            elif match[0] == "\r":
                self._column = 0
            else:
                self._put(match[0])
        assert end == len(text), f"unknown: {text[end : end + 20]!r}"

    def resize(self, columns: int) -> None:
        """Become narrower: what is shown is folded, and the cursor stays with its text."""
        above = self._rows[: self._row]
        self._rows = [part for row in self._rows for part in _folded(row, columns)]
        self._row = sum(len(_folded(row, columns)) for row in above)
        self.columns = columns

    def _control(self, parameters: str, final: str) -> None:
        if final == "A":
            self._row -= int(parameters or 1)
            assert self._row >= 0, "the cursor leaves what was drawn"
        elif final == "K":
            del self._rows[self._row][self._column :]
        elif final == "J":
            del self._rows[self._row][self._column :]
            del self._rows[self._row + 1 :]
        elif final in "hl":
            assert parameters == "?25"
            self.cursor_shown = final == "h"
        else:
            assert final == "m", f"unknown: {final}"

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self._rows):
            self._rows.append([])

    def _put(self, char: str) -> None:
        if self._column + max(0, wcwidth.wcwidth(char)) > self.columns:
            self._down()
            self._column = 0
        row = self._rows[self._row]
        row += [" "] * (self._column + 1 - len(row))
        row[self._column] = char
        self._column += 1

    @property
    def lines(self) -> list[str]:
        """Rows that are not empty."""
        return [text for row in self._rows if (text := "".join(row).rstrip())]

    @property
    def row(self) -> int:
        """Where the cursor is."""
        return self._row


def _folded(row: list[str], columns: int) -> list[list[str]]:
    return [row[at : at + columns] for at in range(0, max(1, len(row)), columns)]
