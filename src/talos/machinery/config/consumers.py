"""Which documents of a configuration somebody on a node reads: what is accepted but not used yet must not go unsaid."""

from __future__ import annotations

from talos.machinery.config import container
from talos.machinery.config._generated_consumers import CONSUMERS


def unused(config: container.Container) -> list[str]:
    """Return the titles of documents that no part of this release reads, in their order."""
    return [document.title for document in config.documents if not CONSUMERS.get(document.kind)]


def note(config: container.Container) -> str:
    """Return a sentence for the person who brings a configuration, empty when every document is used."""
    titles = unused(config)
    return f"accepted, not yet used by this release: {', '.join(titles)}" if titles else ""
