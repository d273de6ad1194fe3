"""Exit codes, and which error ends with which.

0 fine, 1 failed, 2 wrong usage, 3 not found, 4 denied, 5 unreachable, 6 timed out, 7 precondition or conflict,
130 interrupted. A partial failure over several nodes is never 0.
"""

from __future__ import annotations

import enum

from talos.base import errors


class Exit(enum.IntEnum):
    """Exit codes of talosctl."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    DENIED = 4
    UNREACHABLE = 5
    TIMED_OUT = 6
    PRECONDITION = 7
    INTERRUPTED = 130


_BY_CODE = {
    "NOT_FOUND": Exit.NOT_FOUND,
    "PERMISSION_DENIED": Exit.DENIED,
    "UNAUTHENTICATED": Exit.DENIED,
    "UNAVAILABLE": Exit.UNREACHABLE,
    "DEADLINE_EXCEEDED": Exit.TIMED_OUT,
    "FAILED_PRECONDITION": Exit.PRECONDITION,
    "ABORTED": Exit.PRECONDITION,
    "ALREADY_EXISTS": Exit.PRECONDITION,
    "INVALID_ARGUMENT": Exit.USAGE,
}


def of(error: BaseException) -> Exit:
    """Return the exit code for an error."""
    code = getattr(error, "code", None)
    if isinstance(code, enum.Enum):
        return _BY_CODE.get(code.name, Exit.FAILED)
    kinds: tuple[tuple[type[BaseException], Exit], ...] = (
        (errors.NotFound, Exit.NOT_FOUND),
        (errors.Denied, Exit.DENIED),
        (errors.TimedOut, Exit.TIMED_OUT),
        (errors.Conflict, Exit.PRECONDITION),
        (errors.Unsupported, Exit.PRECONDITION),
        (errors.NotReady, Exit.PRECONDITION),
        (errors.Invalid, Exit.USAGE),
        (PermissionError, Exit.DENIED),
        (FileNotFoundError, Exit.NOT_FOUND),
    )
    return next((exit for kind, exit in kinds if isinstance(error, kind)), Exit.FAILED)
