"""What a check found: errors that refuse a configuration, warnings that do not."""

from __future__ import annotations

from talos.base import errors


class Findings:
    """Collects errors and warnings. `path` is the key inside the document, dotted, list items by index."""

    def __init__(self) -> None:
        self.errors: list[errors.Problem] = []
        self.warnings: list[errors.Problem] = []

    def error(self, path: str, message: str) -> None:
        """Record an error."""
        self.errors.append(errors.Problem(message, path))

    def warn(self, path: str, message: str) -> None:
        """Record a warning."""
        self.warnings.append(errors.Problem(message, path))

    def require(self, value: object, path: str) -> bool:
        """Record an error unless the value is set; returns whether it is."""
        if value in (None, "", (), {}, b"", 0):
            self.error(path, "must be set")
            return False
        return True
