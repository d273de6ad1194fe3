"""What a command is: one table row with its flags, and a function.

`commands/etcd_members.py` holds `COMMAND` of `talosctl etcd members`. The module is imported only when its command is
used; `_generated_index.py` (python tools/generate.py) knows names, aliases and one-line helps.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import datetime

    from talos.talosctl.session import Session

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration(text: str) -> datetime.timedelta:
    """Parse `1m30s` for argparse. Raises ArgumentTypeError."""
    import datetime

    parts = list(_DURATION.finditer(text))
    if text != "0" and (not parts or "".join(p.group(0) for p in parts) != text):
        raise argparse.ArgumentTypeError(f"expected a duration such as 30s or 5m, got {text!r}")
    return datetime.timedelta(seconds=sum(float(p.group(1)) * _SECONDS[p.group(2)] for p in parts))


class _Split(argparse.Action):
    """`--nodes a,b --nodes c` -> ["a", "b", "c"]. What is given replaces the default."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        found = getattr(namespace, self.dest)
        found = [] if found is self.default else list(found or ())
        setattr(namespace, self.dest, found + [v for v in str(values).split(",") if v])


class _Bool(argparse.BooleanOptionalAction):
    """`--wait`, `--wait=false`, `--no-wait`."""


class Flag(NamedTuple):
    """One flag. `kind`: bool, str, int, duration, strings (comma list, repeatable), array (repeatable), choice."""

    name: str
    help: str
    short: str = ""
    kind: str = "str"
    default: Any = None
    choices: tuple[str, ...] = ()
    metavar: str = ""
    hidden: bool = False

    @property
    def dest(self) -> str:
        """Attribute of the parsed arguments."""
        return self.name.replace("-", "_")

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Declare the flag."""
        names = [f"-{self.short}"] if self.short else []
        names.append(f"--{self.name}")
        options: dict[str, Any] = {"dest": self.dest, "help": argparse.SUPPRESS if self.hidden else self.help}
        if self.kind == "bool":
            options |= {"type": _boolean, "nargs": "?", "const": True, "default": bool(self.default), "metavar": "BOOL"}
        elif self.kind == "strings":
            options |= {"action": _Split, "default": list(self.default or ()), "metavar": self.metavar or "LIST"}
        elif self.kind == "array":
            options |= {"action": "append", "default": list(self.default or ()), "metavar": self.metavar or "TEXT"}
        else:
            types: dict[str, Any] = {"int": int, "float": float, "duration": duration}
            default = duration(self.default) if self.kind == "duration" and self.default is not None else self.default
            options |= {"type": types.get(self.kind, str), "default": default}
            if self.kind == "str" and self.default is None:
                options["default"] = ""
            if self.choices:
                options["choices"] = self.choices
            elif self.metavar:
                options["metavar"] = self.metavar
        parser.add_argument(*names, **options)


def _boolean(text: str) -> bool:
    if text.lower() in ("true", "1", "t"):
        return True
    if text.lower() in ("false", "0", "f"):
        return False
    raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")


class Argument(NamedTuple):
    """One positional argument. `count`: "1", "?" (may be missing), "*" or "+"."""

    name: str
    help: str
    count: str = "1"  # type: ignore[assignment]  # of tuple there is a method of this name

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Declare the argument."""
        options: dict[str, Any] = {} if self.count == "1" else {"nargs": self.count}
        parser.add_argument(self.name, help=self.help, **options)


Run = Callable[["Session", argparse.Namespace], Awaitable[int | None]]

GLOBAL_FLAGS = (
    Flag("talosconfig", "path of the talosconfig (default ~/.talos/config)"),
    Flag("context", "context of the talosconfig to use"),
    Flag("nodes", "nodes to ask", short="n", kind="strings"),
    Flag("endpoints", "endpoints to connect to instead of the context's", short="e", kind="strings"),
    Flag("cluster", "cluster to connect to if a proxy endpoint is used", short="c"),
    Flag("debug", "show where an error comes from", kind="bool", hidden=True),
)
"""Flags every command takes, before or after its name."""

INSECURE_FLAGS = (
    Flag("insecure", "use the API of a machine in maintenance mode, without credentials", short="i", kind="bool"),
    Flag("cert-fingerprint", "accept only server certificates with these fingerprints", kind="strings"),
)


class Command(NamedTuple):
    """One command; `path` are its words. `run` returns the exit code, None for 0; `example` is shown by --help.

    An `offline` command asks no node and awaits nothing; `offline_with` names a boolean flag that makes it one.
    """

    path: str
    help: str
    run: Run
    flags: Sequence[Flag] = ()
    arguments: Sequence[Argument] = ()
    aliases: tuple[str, ...] = ()
    description: str = ""
    example: str = ""
    hidden: bool = False
    offline: bool = False
    offline_with: str = ""


def formatter(prog: str) -> argparse.HelpFormatter:
    """For the help of a command. As argparse would make it, without the import of shutil for the width."""
    try:
        columns = int(os.environ.get("COLUMNS", "")) or os.get_terminal_size().columns
    except (ValueError, OSError):
        columns = 80
    return argparse.RawDescriptionHelpFormatter(prog, width=columns - 2)
