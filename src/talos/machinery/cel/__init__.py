"""CEL, the language of selectors: which disk, volume or link a configuration means, and when memory runs out.

    from talos.machinery import cel

    program = cel.compile('disk.transport == "nvme" && !system_disk', cel.environment.disk())
    program.evaluate({"disk": spec, "system_disk": False})  # True or False

Written here because no library does what is needed: the three that are kept either do not check types, so that a typing
error in a selector shows up on a machine that finds no disk, or take 49 MB; and their import costs more than the rest
of `talosctl validate`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

from talos.machinery.cel import checker, environment, kinds, syntax
from talos.machinery.cel.functions import EvaluationError, Optional
from talos.machinery.cel.syntax import ExpressionError, Unsigned

__all__ = [
    "EvaluationError",
    "ExpressionError",
    "Optional",
    "Program",
    "Unsigned",
    "compile",
    "environment",
    "evaluate",
    "matches",
]


class Program(NamedTuple):
    """An expression that was checked."""

    text: str
    part: checker.Part

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """Return the value. Raises EvaluationError if there is none."""
        try:
            return self.part.run(variables)
        except RecursionError:
            raise EvaluationError("the expression is too deep") from None


@functools.lru_cache(maxsize=256)
def _compile(text: str, name: str) -> Program:
    where = environment.BY_NAME[name]()
    part = checker.check(text, where)
    if part.kind not in (where.result, kinds.DYN):
        wanted = "true or false" if where.result == kinds.BOOL else f"a {where.result}"
        raise ExpressionError(f"the expression has to give {wanted}, it gives {part.kind}", text, 0)
    return Program(text, part)


def compile(text: str, where: environment.Environment | str) -> Program:
    """Check an expression for an environment, given itself or by a name of `environment.BY_NAME`.

    Raises ExpressionError, which says the place inside the expression. What was compiled before is remembered.
    """
    return _compile(text, where if isinstance(where, str) else where.name.replace(" ", "-"))


def evaluate(text: str, where: environment.Environment | str, variables: Mapping[str, Any]) -> Any:
    """Compile and evaluate. Raises ExpressionError, EvaluationError."""
    return compile(text, where).evaluate(variables)


def matches(text: str, where: environment.Environment | str, variables: Mapping[str, Any]) -> bool:
    """Whether a selector selects. Raises ExpressionError, EvaluationError."""
    return bool(evaluate(text, where, variables))


def check_syntax(text: str) -> None:
    """Raise ExpressionError unless `text` is an expression, whatever its names mean."""
    syntax.parse(text)
