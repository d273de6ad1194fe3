"""What can stop a build, each with the sentence a person needs.

Permanent
└── BuildFailed             a tool said no; carries the command, its code and the end of its output
Unsupported
├── ToolchainMissing        no usable Go toolchain, and none could be fetched
└── ToolMissing             a host program is not installed
Temporary
├── NetworkMissing          a registry, mirror or proxy did not answer, or does not serve what is pinned
└── DiskFull                the cache's filesystem is full
Conflict
└── NotReproduced           a build gave other bytes than the lock file records
"""

from __future__ import annotations

from collections.abc import Sequence

from talos.base import errors


class BuildFailed(errors.Permanent):
    """A tool ended with an error that is none of the known kinds."""

    def __init__(self, argv: Sequence[str], code: int, output: str) -> None:
        self.argv, self.code, self.output = tuple(argv), code, output
        super().__init__(f"{argv[0]} ended with code {code}\n{output}")


class ToolchainMissing(errors.Unsupported):
    """No Go toolchain of a version that works."""


class ToolMissing(errors.Unsupported):
    """A program of the host is absent."""


class NetworkMissing(errors.Temporary):
    """What has to be fetched could not be."""


class DiskFull(errors.Temporary):
    """No space is left where the build writes."""


class NotReproduced(errors.Conflict):
    """The bytes differ from the recorded ones."""
