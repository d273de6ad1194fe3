"""talosctl kubeconfig."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from talos.base import errors
from talos.talosctl import command, kubeconfig_file, output
from talos.talosctl.session import Session, single


def _target(path: str) -> Path:
    from talos.provision import kubeconfig

    if not path:
        return kubeconfig.default_path()
    target = Path(path)
    return target / "kubeconfig" if target.is_dir() else target


def _merge(target: Path, text: str, *, context: str, force: bool) -> None:
    """Add the context to a kubeconfig; a taken name gets a number, with `force` it is replaced."""
    from talos.provision import kubeconfig

    added = kubeconfig.parse(text)
    if context:
        kubeconfig.rename(added, context)
    with kubeconfig.locked(target):
        content = kubeconfig.read(target)
        if force:
            kubeconfig.drop(content, kubeconfig.current_context(added))
        name = kubeconfig.merge(content, added)
        kubeconfig.write(target, content)
    if name != kubeconfig.current_context(added):
        output.say(f"renamed kubeconfig context {kubeconfig.current_context(added)!r} -> {name!r}")


async def run(session: Session, args: argparse.Namespace) -> int | None:
    """Fetch the administrator's kubeconfig and merge it, or write it to a file of its own."""
    from talos.provision import kubeconfig

    node = single(session.nodes, "kubeconfig")
    text = await kubeconfig_file.fetch(session, node)
    if args.path == "-":
        sys.stdout.write(text)
        return None
    target = _target(args.path or "")
    if args.merge:
        _merge(target, text, context=args.force_context_name, force=args.force)
        return None
    if target.exists() and not args.force:
        raise errors.AlreadyExists(f"{target} exists already: use --force to overwrite it, or --merge")
    added = kubeconfig.parse(text)
    if args.force_context_name:
        kubeconfig.rename(added, args.force_context_name)
    kubeconfig.write(target, added)
    return None


COMMAND = command.Command(
    path="kubeconfig",
    help="fetch the administrator's kubeconfig",
    run=run,
    arguments=(command.Argument("path", "file or directory (default: kubectl's file; - is stdout)", count="?"),),
    flags=(
        command.Flag("force", "overwrite what is there", short="f", kind="bool"),
        command.Flag("force-context-name", "name of the context"),
        command.Flag("merge", "add to an existing kubeconfig", short="m", kind="bool", default=True),
    ),
)
