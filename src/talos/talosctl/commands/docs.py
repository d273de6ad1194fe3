"""talosctl docs."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from talos.talosctl import command, output
from talos.talosctl.session import Session


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Write reference pages into a folder."""
    both = args.config == args.cli
    pages: dict[str, str] = {}
    if both or args.config:
        from talos.machinery.config import reference, schema

        pages |= {f"configuration/{name}": text for name, text in reference.pages().items()}
        pages["configuration/config.schema.json"] = output.json_text(schema.whole()) + "\n"
    if both or args.cli:
        pages["cli.md"] = _cli()
    folder = Path(args.output)
    for name, text in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    output.say(f"Wrote {len(pages)} files to {folder}")
    return None


def _cli() -> str:
    """The page about all commands that are not hidden."""
    from talos.talosctl import _generated_index

    lines = ["# talosctl", ""]
    for path, help_ in _generated_index.COMMANDS.items():
        if help_:
            name = path.replace(" ", "_").replace("-", "_")
            lines += _command(importlib.import_module(f"talos.talosctl.commands.{name}").COMMAND)
    lines += ["## Flags of all commands", "", *_flags(command.GLOBAL_FLAGS)]
    return "\n".join(lines) + "\n"


def _command(found: command.Command) -> list[str]:
    shown = [f"[{one.name}]" if one.count in "?*" else f"<{one.name}>" for one in found.arguments]
    lines = [f"## talosctl {found.path}", "", found.description or f"{found.help[:1].upper()}{found.help[1:]}.", ""]
    lines += ["```", " ".join(("talosctl", found.path, *shown, "[flags]")), "```", ""]
    flags = [flag for flag in found.flags if not flag.hidden]
    lines += _flags(flags) if flags else []
    if found.example:
        lines += ["Example:", "", "```", found.example, "```", ""]
    return lines


def _flags(flags: tuple[command.Flag, ...] | list[command.Flag]) -> list[str]:
    rows = ["| flag | what it does |", "| --- | --- |"]
    for flag in flags:
        if not flag.hidden:
            short = f"`-{flag.short}`, " if flag.short else ""
            rows.append(f"| {short}`--{flag.name}` | {flag.help} |".replace("\n", " "))
    return [*rows, ""]


COMMAND = command.Command(
    path="docs",
    help="write the reference of the configuration and of the commands",
    description="Write reference pages in Markdown and the JSON schema of the configuration into a folder.",
    run=run,
    offline=True,
    hidden=True,
    arguments=(command.Argument("output", "folder to write to"),),
    flags=(
        command.Flag("config", "only the configuration", kind="bool"),
        command.Flag("cli", "only the commands", kind="bool"),
    ),
    example="talosctl docs docs/reference",
)
