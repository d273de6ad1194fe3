"""Errors, named by what the caller should do.

    TalosError
    ├── NotFound            the thing does not exist; create it or stop asking
    ├── Conflict            somebody else was faster or owns it; read again
    │   ├── VersionConflict     the resource changed since it was read
    │   ├── PhaseConflict       the resource is being torn down (or is not yet)
    │   ├── OwnerConflict       another controller owns the resource
    │   └── AlreadyExists       create found one
    ├── Invalid             the input is wrong; `problems` lists every place
    ├── NotReady            a precondition is missing; the next event decides
    ├── Temporary           try again after `delay_s`
    ├── Unsupported         this machine or mode cannot do it
    ├── Denied              the caller may not do it
    ├── TimedOut            a bounded wait ended; says what was awaited
    └── Permanent           retrying cannot help

OSError passes through with its path; it is never re-spelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class TalosError(Exception):
    """Root of all errors the project raises on purpose."""


class NotFound(TalosError):
    """The named thing does not exist."""


class Conflict(TalosError):
    """The write lost against somebody else."""


class VersionConflict(Conflict):
    """The resource was changed since it was read."""


class PhaseConflict(Conflict):
    """The resource is in another phase than the operation expects."""


class OwnerConflict(Conflict):
    """The resource belongs to another owner."""


class AlreadyExists(Conflict):
    """A resource with this identity exists."""


class Problem(NamedTuple):
    """One thing wrong with an input; no dataclass, whose import would be half of a short command's start.

    `where` is what a person can open: `file:line:column`, or empty. `path` is the key inside the document,
    e.g. `machine.network.interfaces[0].mtu`.
    """

    message: str
    path: str = ""
    where: str = ""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.path, self.message) if part)


class Invalid(TalosError):
    """The input is wrong. Carries all problems found, not the first."""

    def __init__(self, problems: Sequence[Problem] | str) -> None:
        self.problems: tuple[Problem, ...] = (Problem(problems),) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class NotReady(TalosError):
    """A precondition is missing; the event that provides it triggers the next try."""


class Temporary(TalosError):
    """Try again after `delay_s` seconds."""

    def __init__(self, message: str, delay_s: float = 1.0) -> None:
        super().__init__(message)
        self.delay_s = delay_s


class Unsupported(TalosError):
    """This machine, kernel or mode cannot do what was asked."""


class Denied(TalosError):
    """The caller's roles do not allow the operation."""


class TimedOut(TalosError):
    """A bounded wait ended before its condition held."""


class Permanent(TalosError):
    """Retrying cannot help."""
