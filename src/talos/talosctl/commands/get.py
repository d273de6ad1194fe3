"""talosctl get."""

from __future__ import annotations

import argparse

from talos.talosctl import command, resources
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Print resources of the nodes, once or for as long as somebody looks."""
    definition = resources.resolve(args.type, await resources.known(session))
    namespace = args.namespace or definition.namespace
    printer = resources.Printer(args.output, definition, watching=args.watch)

    async def follow(node: str) -> None:
        async for event, found in resources.watch(session, node, definition, namespace, args.id or ""):
            printer.add(node, found, event)

    async def collect(node: str) -> list[object]:
        return [r async for r in resources.read(session, node, definition, namespace, args.id or "")]

    if args.watch:
        return (await session.each(follow))[1]
    answers, code = await session.each(collect)
    for node, found in answers:
        for resource in found:
            printer.add(node, resource)
    printer.end()
    return code


COMMAND = command.Command(
    path="get",
    help="print resources (`get rd` lists their types)",
    run=run,
    aliases=("g",),
    arguments=(
        command.Argument("type", "type or alias, such as members or ms"),
        command.Argument("id", "only this one", count="?"),
    ),
    flags=(
        command.Flag("namespace", "namespace (default: that of the type)"),
        command.Flag("output", "table, yaml, json or jsonpath=TEMPLATE", short="o", default="table"),
        command.Flag("watch", "print changes as they happen", short="w", kind="bool"),
        *command.INSECURE_FLAGS,
    ),
    example="talosctl get addresses -o yaml",
)
