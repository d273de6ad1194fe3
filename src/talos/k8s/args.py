"""Command lines of Kubernetes and etcd components: defaults merged with what the user adds.

A flag may be given several values; each becomes its own `--flag=value`. How a user's value meets a default is decided
per flag: most are overwritten, lists such as `enable-admission-plugins` are extended, and flags that would break the
node (certificates, etcd addresses) are refused.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence

from talos.base import errors

Args = dict[str, list[str]]


class Merge(enum.Enum):
    """What happens to a default when the user gives the same flag."""

    OVERWRITE = enum.auto()
    ADDITIVE = enum.auto()
    """Comma-separated lists are united, defaults first."""
    APPEND = enum.auto()
    """The user's values follow the defaults as further flags."""
    DENIED = enum.auto()


def merge(base: Mapping[str, Sequence[str]], extra: Mapping[str, Sequence[str]], policies: Mapping[str, Merge]) -> Args:
    """Return `base` with `extra` laid over it. Raises Invalid with every flag that may not be given."""
    denied = sorted(flag for flag in extra if policies.get(flag) is Merge.DENIED)
    if denied:
        raise errors.Invalid(
            [errors.Problem("the flag is managed by the node and cannot be overridden", path=flag) for flag in denied]
        )
    result: Args = {flag: list(values) for flag, values in base.items()}
    for flag, values in extra.items():
        policy = policies.get(flag, Merge.OVERWRITE)
        if flag not in result or policy is Merge.OVERWRITE:
            result[flag] = list(values)
        elif policy is Merge.APPEND:
            result[flag] += [value for value in values if value not in result[flag]]
        else:
            result[flag] = [_unite(result[flag], values)]
    return result


def _unite(first: Sequence[str], second: Sequence[str]) -> str:
    seen: dict[str, None] = {}
    for value in (*first, *second):
        for item in value.split(","):
            if item.strip():
                seen[item.strip()] = None
    return ",".join(seen)


def command_line(args: Mapping[str, Sequence[str]]) -> list[str]:
    """Return `--flag=value` words sorted by flag; a flag's values keep their order."""
    return [f"--{flag}={value}" for flag in sorted(args) for value in args[flag]]
