"""The installer as a program: what a running system asks the new one before it is switched to.

`installer validate MODE`, with the machine configuration on standard input, says whether this version understands it:
exit code 0, or 1 with the reasons on standard output. It is started as nobody, in the new root file system.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

ACCEPTED, REFUSED, MISUSED = 0, 1, 2
_LIMIT = 4 << 20


def validate(source: bytes, mode: str) -> list[str]:
    """What is wrong with a configuration, in this version's eyes; empty when nothing is."""
    from talos.base import errors
    from talos.machinery.config import loader, validation

    try:
        config = loader.load(source, name="machine config")
        validation.validate(config, validation.Mode(mode))
    except errors.Invalid as error:
        return [str(problem) for problem in error.problems]
    except errors.TalosError as error:
        return [str(error)]
    return []


def run(arguments: Sequence[str], source: bytes) -> tuple[int, str]:
    """The exit code and what is said."""
    from talos.machinery.config import validation

    modes = {mode.value for mode in validation.Mode}
    if len(arguments) != 2 or arguments[0] != "validate" or arguments[1] not in modes or len(source) > _LIMIT:
        return MISUSED, "usage: installer validate MODE < CONFIG\n"
    problems = validate(source, arguments[1])
    return (REFUSED if problems else ACCEPTED), "".join(f"{problem}\n" for problem in problems)


def main() -> int:
    """Run as the program."""
    code, text = run(sys.argv[1:], sys.stdin.buffer.read(_LIMIT + 1))
    sys.stdout.write(text)
    return code
