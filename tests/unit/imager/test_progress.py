from __future__ import annotations

import io
import re

import pytest

from talos.imager.progress import Progress


def test_plain_lines_without_a_terminal() -> None:
    out = io.StringIO()
    with Progress(out).step("build x"):
        pass
    assert re.fullmatch(r"build x …\n  ✓ build x \d+\.\d s\n", out.getvalue())


def test_a_failure_is_marked_and_passes_on() -> None:
    out = io.StringIO()
    with pytest.raises(ValueError, match="no"), Progress(out).step("build x"):
        raise ValueError("no")
    assert "✗ build x" in out.getvalue()


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_no_color(monkeypatch: pytest.MonkeyPatch, no_color: str, coloured: bool) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    out = io.StringIO()
    with Progress(out, live=True).step("build x"):
        pass
    assert ("\x1b[32m" in out.getvalue()) is coloured
