"""Expressions in a configuration: their grammar when it is read, their names and types when it is checked.

Selectors that nearly everybody has are known to be right by sight, so that a short command does not load the language.
"""

from __future__ import annotations

import re

from talos.machinery.config import values

_PLAIN = r'!?system_disk|disk\.(?:dev_path|model|serial|wwid|uuid|transport|bus_path) == "[A-Za-z0-9/_:. -]*"'


def check(text: str) -> None:
    """Raise `values.Reason` if `text` is no expression."""
    if re.fullmatch(_PLAIN, text, re.ASCII):
        return
    from talos.machinery import cel

    try:
        cel.check_syntax(text)
    except cel.ExpressionError as error:
        raise values.Reason(f"expected a CEL expression: {error}") from None


def mistake(text: str, environment: str) -> str:
    """What is wrong with an expression where `environment` holds (see `cel.environment.BY_NAME`), or nothing."""
    if re.fullmatch(_PLAIN, text, re.ASCII) and environment == "disk":
        return ""
    from talos.machinery import cel

    try:
        cel.compile(text, environment)
    except cel.ExpressionError as error:
        return str(error)
    return ""
