"""The bundle of documents that make up one machine configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from talos.machinery.config import document, v1alpha1

D = TypeVar("D", bound=document.Document)


class Container:
    """Documents in their order; immutable. `source` are the bytes it was loaded from, empty for a generated one.

    `name` is where they came from, for messages.
    """

    __slots__ = ("_encoded", "documents", "name", "source", "v1alpha1")

    def __init__(
        self,
        config: v1alpha1.Config | None,
        documents: Sequence[document.Document] = (),
        *,
        source: bytes = b"",
        name: str = "",
    ) -> None:
        self.v1alpha1 = config
        self.documents = tuple(documents)
        self.source = source
        self.name = name
        self._encoded: bytes | None = None

    def one(self, kind: type[D]) -> D | None:
        """Return the document of a kind that occurs once."""
        return next((d for d in self.documents if isinstance(d, kind)), None)

    def all(self, kind: type[D]) -> list[D]:
        """Return the documents of a kind, in order."""
        return [d for d in self.documents if isinstance(d, kind)]

    def encode(self) -> bytes:
        """Return the YAML form: the original bytes if it was loaded, else freshly written."""
        if self.source:
            return self.source
        if self._encoded is None:
            from talos.machinery.config import encoder

            self._encoded = encoder.encode(self)
        return self._encoded

    def place(self, index: int, path: str) -> str:
        """Return `line:column` in `source` of a key of a document, or of the nearest thing above it; else nothing.

        The v1alpha1 document, if there is one, counts as the first, documents follow in their order.
        """
        if not self.source:
            return ""
        from talos.machinery.config import places

        return places.find(self.source, self.name, index, path)

    def redacted(self, text: str = "REDACTED") -> Container:
        """Return a copy without secrets."""
        from talos.machinery.config.redact import redact

        return redact(self, text)

    def replace_source(self) -> Container:
        """Return the same documents without the bytes they came from: they will be written anew."""
        return Container(self.v1alpha1, self.documents)

    def replace(self, *, config: v1alpha1.Config | None, documents: Sequence[document.Document]) -> Container:
        """Return another bundle; the original bytes no longer apply."""
        return Container(config, documents)

    def __eq__(self, other: Any) -> bool:
        if not isinstance(other, Container):
            return NotImplemented
        return self.v1alpha1 == other.v1alpha1 and self.documents == other.documents

    __hash__ = None  # type: ignore[assignment]
