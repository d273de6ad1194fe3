"""Runs measurements: `./dev bench [NAME…] [-- ARGUMENTS]`, each in a process of its own, one after the other.

A measurement is a file in this folder with a `main()`. It prints its figures with the goal beside them and ends with 1
when it misses a goal it can judge alone. Without a name all run that need nothing but this checkout; one that needs
more (root, built components, a running cluster) says so by `ALONE = True` and is run by name only.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
TIMEOUT_S = 1800.0


def available() -> dict[str, tuple[str, bool]]:
    """Name -> (first line of its docstring, whether it runs by name only)."""
    found = {}
    for path in sorted(FOLDER.glob("[a-z]*.py")):
        if path.stem == "run":
            continue
        tree = ast.parse(path.read_text())
        alone = any(
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "ALONE"
            and ast.literal_eval(node.value)
            for node in tree.body
        )
        found[path.stem] = ((ast.get_docstring(tree) or "").partition("\n")[0], alone)
    return found


def _run(name: str, arguments: list[str]) -> bool:
    print(f"{name}", flush=True)
    started = time.monotonic()
    try:
        code = subprocess.run(
            [sys.executable, str(FOLDER / f"{name}.py"), *arguments], check=False, timeout=TIMEOUT_S
        ).returncode
    except subprocess.TimeoutExpired:
        print(f"{name}: no end after {TIMEOUT_S:.0f} s", file=sys.stderr)
        return False
    print(f"  {'done' if code == 0 else f'ended with {code}'} in {time.monotonic() - started:.1f} s\n", flush=True)
    return code == 0


def main() -> int:
    known = available()
    listing = "\n".join(
        f"  {name:12} {text}{' (by name only)' if alone else ''}" for name, (text, alone) in known.items()
    )
    parser = argparse.ArgumentParser(
        prog="./dev bench",
        description="Run measurements.",
        epilog=f"measurements:\n{listing}\n\nwhat follows -- goes to the measurement",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    own, rest = _split(sys.argv[1:])
    names = parser.parse_args(own).names
    if unknown := [name for name in names if name not in known]:
        parser.error(f"no measurement {', '.join(unknown)}; there are {', '.join(known)}")
    wanted = names or [name for name, (_, alone) in known.items() if not alone]
    results = [_run(name, rest) for name in wanted]
    return 0 if all(results) else 1


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at + 1 :]


if __name__ == "__main__":
    sys.exit(main())
