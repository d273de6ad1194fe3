"""What of a configuration nobody on a node reads: what is accepted but not used yet must not go unsaid."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from talos.machinery.config import container
from talos.machinery.config._generated_consumers import CONSUMERS, UNREAD_KEYS

# Values that ask for what always holds here: roles count, the API asks for client certificates of the right usage, the
# kernel's arguments come with its image, and Kubernetes has no pod security policies any more.
_ALWAYS: Mapping[str, object] = {
    "machine.features.rbac": True,
    "machine.features.apidCheckExtKeyUsage": True,
    "machine.install.grubUseUKICmdline": True,
    "cluster.apiServer.disablePodSecurityPolicy": True,
}


def unused(config: container.Container) -> list[str]:
    """Return keys of the v1alpha1 document, then titles of documents, that no part of this release reads."""
    return [*_keys(config), *(one.title for one in config.documents if not CONSUMERS.get(one.kind))]


def _keys(config: container.Container) -> Iterator[str]:
    if config.v1alpha1 is None:
        return
    for path in UNREAD_KEYS:
        values = [
            value for value in _values(config.v1alpha1, path.split(".")) if value not in (None, "", (), {}, False)
        ]
        if values and any(value != _ALWAYS.get(path) for value in values):
            yield path


def _values(section: Any, keys: list[str]) -> Iterator[Any]:
    """What stands at a path, in every item of a list on the way."""
    if isinstance(section, tuple):
        for item in section:
            yield from _values(item, keys)
    elif not keys or section is None:
        yield section
    else:
        yield from _values(getattr(section, _attributes(section.__class__)[keys[0]]), keys[1:])


@functools.cache
def _attributes(kind: Any) -> dict[str, str]:
    from talos.machinery.config import encoder

    return {key: attribute for attribute, key, _ in encoder.keys(kind)}


def note(config: container.Container) -> str:
    """Return a sentence for the person who brings a configuration, empty when everything is used."""
    titles = unused(config)
    return f"accepted, not yet used by this release: {', '.join(titles)}" if titles else ""
