"""What all config documents and their sections have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import msgspec

from talos.machinery.config import findings

if TYPE_CHECKING:
    from talos.machinery.config import v1alpha1


def named(key: str, default: Any) -> Any:
    """Return a field whose YAML key is not its name in camelCase."""
    return msgspec.field(default=default, name=key)


def mapping(key: str | None = None) -> Any:
    """Return a field that is an empty mapping by default."""
    return msgspec.field(default_factory=dict, name=key)


class Section(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A mapping inside a document. Fields are snake_case here and camelCase in YAML unless they name their key."""

    # Set on a base class whose fields come after those of the classes derived from it.
    trailing: ClassVar[bool] = False

    def merges_with(self, other: Section) -> bool:
        """Whether a patch's list item `other` changes this item; by default a patch only appends to lists."""
        return False


class Document(Section, frozen=True, kw_only=True):
    """Base of the documents with apiVersion and kind."""

    kind: ClassVar[str] = ""
    api_version: ClassVar[str] = "v1alpha1"
    # May occur once per name; others once.
    named: ClassVar[bool] = False
    control_plane_only: ClassVar[bool] = False
    # Kinds that may not have a document of the same name.
    rivals: ClassVar[tuple[str, ...]] = ()
    # v1alpha1 keys this document replaces: both at once is an error.
    legacy: ClassVar[tuple[str, ...]] = ()

    def validate(self, found: findings.Findings) -> None:
        """Report what is wrong beyond types; nothing unless a kind says more."""

    def conflicts(self, config: v1alpha1.Config) -> list[str]:
        """Return the v1alpha1 keys that say what this document says; both at once is an error."""
        from talos.machinery.config import _decode

        return [path for path in self.legacy if _decode.is_set(config, path)]

    def redacted(self, text: str) -> Self:
        """Return a copy whose secrets read `text`. Fields marked as secret are found without help."""
        return self

    @classmethod
    def example(cls) -> Self:
        """Return a document as somebody might write it."""
        raise NotImplementedError(cls)

    @property
    def identity(self) -> tuple[str, str]:
        """(kind, name): what makes a document unique. The name is empty for kinds that occur once."""
        return self.kind, str(getattr(self, "name", "")) if self.named else ""

    @property
    def title(self) -> str:
        """`KubeletConfig`, or `VLANConfig/eth0.100` for a named one."""
        kind, name = self.identity
        return f"{kind}/{name}" if name else kind
