"""talosctl: finds the command, parses its flags, runs it, and turns any error into a sentence and an exit code.

Start-up is the product here: argparse and the frozen index are all that is loaded before the command's own module.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from talos.base import errors
from talos.talosctl import _generated_index, command, exit_codes

if TYPE_CHECKING:
    from talos.talosctl.session import Session

_PACKAGE = "talos.talosctl.commands"
_GARBAGE = 200_000
_HELP = frozenset({"-h", "--help", "help"})


def _takes_value(token: str) -> bool:
    """Whether a global flag's value is the next word."""
    for flag in command.GLOBAL_FLAGS:
        if token in (f"--{flag.name}", f"-{flag.short}" if flag.short else ""):
            return flag.kind != "bool"
    return False


def find(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split argv into the words of the command and everything else."""
    words: list[str] = []
    rest: list[str] = []
    index = 0
    while index < len(argv):
        token = argv[index]
        if token.startswith("-") and token != "-":
            rest.append(token)
            if _takes_value(token) and index + 1 < len(argv):
                index += 1
                rest.append(argv[index])
        else:
            resolved = _generated_index.ALIASES.get(" ".join([*words, token]), " ".join([*words, token]))
            unknown = resolved not in _generated_index.COMMANDS and resolved not in _generated_index.GROUPS
            if unknown or _is_value(argv, index, words):
                return words, [*rest, *argv[index:]]
            words = resolved.split(" ")
        index += 1
    return words, rest


def _is_value(argv: Sequence[str], index: int, words: Sequence[str]) -> bool:
    """Whether a word that names a command below `words` is the value of a flag: `cluster create --provisioner qemu`."""
    before = argv[index - 1] if index else ""
    return before.startswith("--") and "=" not in before and " ".join(words) in _generated_index.COMMANDS


def _children(words: Sequence[str]) -> list[tuple[str, str]]:
    """(name, help) of the commands one level below."""
    depth = len(words)
    found: dict[str, str] = {}
    for path, text in {**_generated_index.GROUPS, **_generated_index.COMMANDS}.items():
        parts = path.split(" ")
        if parts[:depth] == list(words) and len(parts) == depth + 1:
            found[parts[-1]] = text
    return sorted((name, text) for name, text in found.items() if text)


def _overview(words: Sequence[str]) -> str:
    title = " ".join(["talosctl", *words])
    rows = _children(words)
    column = max((len(name) for name, _ in rows), default=0) + 3
    lines = [f"usage: {title} COMMAND [flags]", "", "commands:"]
    lines += [f"  {name:<{column}}{text}" for name, text in rows]
    lines += ["", "flags of every command:"]
    for flag in command.GLOBAL_FLAGS:
        if not flag.hidden:
            short = f"-{flag.short}, " if flag.short else "    "
            lines.append(f"  {short}--{flag.name:<14}{flag.help}")
    lines += ["", f"`{title} COMMAND --help` tells more."]
    return "\n".join(lines)


def parser(words: Sequence[str], found: command.Command) -> argparse.ArgumentParser:
    """Build the parser of one command."""
    epilog = f"example:\n  {found.example}" if found.example else None
    made = argparse.ArgumentParser(
        prog=" ".join(["talosctl", *words]),
        description=found.description or found.help,
        epilog=epilog,
        formatter_class=command.formatter,
        allow_abbrev=False,
    )
    own = {flag.short for flag in found.flags if flag.short}
    for argument in found.arguments:
        argument.add_to(made)
    for flag in found.flags:
        flag.add_to(made)
    names = {flag.name for flag in found.flags}
    shared = made.add_argument_group("flags of every command")
    for flag in command.GLOBAL_FLAGS:
        if flag.name in names:
            continue
        # A command's own short flag wins, as in the original.
        short = "" if flag.short in own else flag.short
        command.Flag(flag.name, flag.help, short, flag.kind, flag.default, hidden=flag.hidden).add_to(shared)  # type: ignore[arg-type]
    return made


def _unknown(words: Sequence[str], rest: Sequence[str]) -> int:
    import difflib

    wrong = next((t for t in rest if not t.startswith("-")), "")
    names = [name for name, _ in _children(words)]
    near = difflib.get_close_matches(wrong, names, n=1)
    hint = f", did you mean {near[0]!r}?" if near else f" (see {' '.join(['talosctl', *words])} --help)"
    print(f"error: unknown command {wrong!r}{hint}", file=sys.stderr)
    return exit_codes.Exit.USAGE


def run(argv: Sequence[str]) -> int:
    """Run one command line; returns the exit code."""
    # Looking for cycles among what imports make is a tenth of a short command's time.
    gc.set_threshold(_GARBAGE)
    words, rest = find(argv)
    path = " ".join(words)
    if path not in _generated_index.COMMANDS:
        if not rest or rest[0] in _HELP:
            print(_overview(words))
            return exit_codes.Exit.OK
        return _unknown(words, rest)
    module = importlib.import_module(f"{_PACKAGE}.{path.replace(' ', '_').replace('-', '_')}")
    found: command.Command = module.COMMAND
    args = parser(words, found).parse_args(_join_booleans(rest, found))
    return _guarded(found, args)


def _join_booleans(rest: Sequence[str], found: command.Command) -> list[str]:
    """Spell boolean flags `--name=true`: they take a value only after `=`, and short ones may share a dash (`-rl`)."""
    flags = [*command.GLOBAL_FLAGS, *found.flags]
    booleans = {f"--{f.name}" for f in flags if f.kind == "bool"}
    by_letter = {f.short: f for f in flags if f.short}
    joined: list[str] = []
    for token in rest:
        if token in booleans:
            joined.append(f"{token}=true")
        elif token.startswith("-") and not token.startswith("--"):
            joined += _split_letters(token, by_letter)
        else:
            joined.append(token)
    return joined


def _split_letters(token: str, by_letter: Mapping[str, command.Flag]) -> list[str]:
    """`-rl` -> ["--recurse=true", "--long=true"]; `-fo yaml` keeps `-o` last, with what follows as its value."""
    split: list[str] = []
    for index, letter in enumerate(token[1:], start=1):
        flag = by_letter.get(letter)
        if flag is None or flag.kind != "bool" or token[index + 1 : index + 2] == "=":
            return [*split, f"-{token[index:]}"]
        split.append(f"--{flag.name}=true")
    return split or [token]


def _guarded(found: command.Command, args: argparse.Namespace) -> int:
    from talos.talosctl.session import Session
    from talos.talosctl.session import run as run_loop

    offline = found.offline or (found.offline_with != "" and bool(getattr(args, found.offline_with)))
    try:
        return int(run_loop(_closing(found, Session(args), args), offline=offline) or 0)
    except KeyboardInterrupt:
        return exit_codes.Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has seen enough; what is still buffered must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.Exit.OK
    except (errors.TalosError, OSError) as error:
        if args.debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return exit_codes.of(error)


async def _closing(found: command.Command, session: Session, args: argparse.Namespace) -> int | None:
    try:
        return await found.run(session, args)
    finally:
        session.close()


def entry_point() -> None:
    """Console script."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    entry_point()
