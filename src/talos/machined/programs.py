"""Command lines of the node's own programs.

On a node each is a name of the multi-call launcher in /usr/bin; from a source tree it is a module run by this Python.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def argv(name: str) -> Sequence[str]:
    """Return how to run apid, trustd or another program of ours."""
    installed = Path("/usr/bin") / name
    if installed.exists() or not sys.executable:
        return (str(installed),)
    return (sys.executable, "-m", f"talos.{name}.main")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a service: nothing of ours but the search paths."""
    kept = {"PATH": os.environ.get("PATH", PATH) if sys.executable else PATH}
    if sys.executable and "PYTHONPATH" in os.environ:
        kept["PYTHONPATH"] = os.environ["PYTHONPATH"]
    return kept | dict(extra or {})
