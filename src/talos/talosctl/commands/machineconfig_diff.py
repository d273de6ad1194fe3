"""talosctl machineconfig diff."""

from __future__ import annotations

import argparse
import dataclasses
import sys

from talos.talosctl import command, exit_codes, output
from talos.talosctl.commands import _files
from talos.talosctl.session import Session

_FORMATS = ("text", "unified", "json", "patch")


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print what differs. Exit code 0 also when something does, unless --exit-code."""
    from talos.machinery.config import difference, inverse, loader

    old, new = (loader.load(_files.read(path), name=path) for path in (args.old, args.new))
    found = difference.changes(old, new, order=args.order)
    if args.output == "json":
        print(output.json_text([dataclasses.asdict(one) for one in found]))
    elif args.output == "patch":
        print(inverse.between(old, new), end="")
    elif args.output == "unified":
        print(difference.unified(old, new, colour=output.colours(sys.stdout)), end="")
    else:
        print(difference.text(found, colour=output.colours(sys.stdout)), end="")
    return exit_codes.Exit.FAILED if found and args.exit_code else None


COMMAND = command.Command(
    path="machineconfig diff",
    help="show what two configurations say differently",
    description="""Compare two configurations by what they mean.

Documents are matched by kind and name, keys by name; comments, the order of documents and of keys mean nothing.
Secrets are compared but not shown, except in the output `patch`: the strategic merge patch that turns the first
configuration into the second needs them.""",
    run=run,
    offline=True,
    arguments=(
        command.Argument("old", "configuration, - for stdin"),
        command.Argument("new", "configuration to compare it with"),
    ),
    flags=(
        command.Flag("output", f"one of {', '.join(_FORMATS)}", "o", kind="choice", choices=_FORMATS, default="text"),
        command.Flag("order", "report lists that hold the same items in another order", kind="bool"),
        command.Flag("exit-code", "exit with 1 if there are differences", kind="bool"),
    ),
    example="talosctl machineconfig diff controlplane.yaml new.yaml --exit-code",
)
