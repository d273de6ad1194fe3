"""talosctl machineconfig explain."""

from __future__ import annotations

import argparse
import dataclasses

from talos.talosctl import command, output
from talos.talosctl.session import Session

_FORMATS = ("text", "json")
# More than that many keys of one name are listed instead of explained.
_MANY = 6


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Explain a key, or list the documents there are."""
    from talos.machinery.config import docs, explain, schema

    if not args.key:
        output.table(("KIND", "WHAT IT IS"), [(kind, docs.about(cls)) for kind, cls in schema.kinds().items()])
        return None
    found = explain.find(args.key)
    if args.output == "json":
        print(output.json_text([dataclasses.asdict(one) for one in found]))
    elif len(found) > _MANY:
        output.table(("KEY", "HOLDS", "WHAT IT IS"), [(explain.title(one), one.holds, one.about) for one in found])
    else:
        print(explain.text(found), end="")
    return None


COMMAND = command.Command(
    path="machineconfig explain",
    help="explain a key of the configuration",
    description="""Say what a key means: what it may hold, its default, an example, how patches treat it, and which
part of a machine reads it. Without a key all documents are listed.

A key is named with its document (`KubeletConfig.image`, `machine.network.interfaces[].mtu`) or by itself (`mtu`).""",
    run=run,
    offline=True,
    arguments=(command.Argument("key", "document or key", count="?"),),
    flags=(command.Flag("output", "text or json", "o", kind="choice", choices=_FORMATS, default="text"),),
    example="talosctl machineconfig explain VLANConfig.vlanID",
)
