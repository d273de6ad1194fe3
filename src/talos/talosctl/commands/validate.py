"""talosctl validate."""

from __future__ import annotations

import argparse

from talos.base import errors
from talos.talosctl import command, exit_codes, output
from talos.talosctl.commands import _files
from talos.talosctl.session import Session

_MODES = ("metal", "cloud", "container", "metal-agent")


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Check a configuration; every problem is told with its place in the file."""
    from talos.machinery.config import consumers, loader, validation

    _files.need(config=args.config, mode=args.mode)
    try:
        config = loader.load(_files.read(args.config), name=args.config)
        found, warnings = validation.check(config, validation.Mode(args.mode))
    except errors.Invalid as error:
        found, warnings = list(error.problems), []
    for problem in warnings:
        output.say(f"{'error' if args.strict else 'warning'}: {problem}")
    for problem in found:
        output.say(f"error: {problem}")
    if found or (args.strict and warnings):
        return exit_codes.Exit.FAILED
    if note := consumers.note(config):
        output.say(f"note: {note}")
    print(f"{args.config} is valid for {args.mode} mode")
    return None


COMMAND = command.Command(
    path="validate",
    help="check a machine configuration in a file",
    run=run,
    offline=True,
    flags=(
        command.Flag("config", "file with the configuration, - for stdin", short="c", metavar="FILE"),
        command.Flag("mode", "where the machine runs: metal, cloud or container", "m", kind="choice", choices=_MODES),
        command.Flag("strict", "treat warnings as errors", kind="bool"),
    ),
    example="talosctl validate -c controlplane.yaml -m metal",
)
