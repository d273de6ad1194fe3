"""talosctl config remove."""

from __future__ import annotations

import argparse
import fnmatch
import sys

from talos.base import errors
from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Remove the contexts that match a pattern, after asking."""
    config = session.config
    matched = sorted(n for n in config.contexts if fnmatch.fnmatch(n, args.pattern))
    if not matched:
        raise errors.NotFound(f"no context matches {args.pattern!r}")
    for name in matched:
        output.say(f"{'would remove' if args.dry_run else 'removing'} context {name!r}")
    if args.dry_run:
        return None
    if config.context in matched and len(config.contexts) > len(matched):
        output.say("the context in use is among them: choose another with `talosctl config context`")
    if not args.noconfirm and not _confirmed():
        return 1
    session.save(config.without(set(matched)))
    return None


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        raise errors.Invalid("nobody can be asked here: confirm with --noconfirm")
    return input("remove? [y/N] ").strip().lower() in ("y", "yes")


COMMAND = command.Command(
    path="config remove",
    help="remove contexts",
    run=run,
    offline=True,
    arguments=(command.Argument("pattern", "name or pattern such as 'test-*'"),),
    flags=(
        command.Flag("noconfirm", "do not ask", short="y", kind="bool"),
        command.Flag("dry-run", "only say what would be removed", kind="bool"),
    ),
)
