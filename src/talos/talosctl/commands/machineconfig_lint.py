"""talosctl machineconfig lint."""

from __future__ import annotations

import argparse

from talos.base import errors
from talos.talosctl import command, exit_codes, output
from talos.talosctl.commands import _files
from talos.talosctl.session import Session

_FORMATS = ("text", "json", "sarif")
_MODES = ("metal", "cloud", "container", "metal-agent")


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Check files; exit code 1 for errors, with --strict for warnings too."""
    from talos.machinery.config import lint, validation

    unknown = sorted(set(args.disable) - set(lint.RULES))
    if unknown:
        raise errors.Invalid(f"--disable: no rule {', '.join(unknown)}; there are {', '.join(lint.RULES)}")
    found = []
    for path in args.files:
        found += lint.check(_files.read(path), path, mode=validation.Mode(args.mode))
    found = [one for one in found if one.rule not in args.disable]
    if args.output == "sarif":
        print(output.json_text(lint.sarif(found)))
    elif args.output == "json":
        print(output.json_text(lint.as_data(found)))
    else:
        for one in found:
            print(one)
    bad = {lint.ERROR, lint.WARNING} if args.strict else {lint.ERROR}
    return exit_codes.Exit.FAILED if any(one.level in bad for one in found) else None


COMMAND = command.Command(
    path="machineconfig lint",
    help="check configurations for errors and bad practice",
    description="""Check configurations in files: that they load, that they are valid, and good practice. For a hook
before a commit or a pipeline; SARIF is what code hosts show beside changed lines.""",
    run=run,
    offline=True,
    arguments=(command.Argument("files", "configurations, - for stdin", count="+"),),
    flags=(
        command.Flag("output", f"one of {', '.join(_FORMATS)}", "o", kind="choice", choices=_FORMATS, default="text"),
        command.Flag("mode", "where the machines run", "m", kind="choice", choices=_MODES, default="metal"),
        command.Flag("disable", "rules to leave out", kind="strings"),
        command.Flag("strict", "fail for warnings too", kind="bool"),
    ),
    example="talosctl machineconfig lint controlplane.yaml worker.yaml --output sarif --disable plain-secret",
)
