"""Aliases of resource types, and that every type can be asked for by its own."""

from __future__ import annotations

import pytest

from talos.cosi import inmem, meta
from talos.machinery.resources import registry


@pytest.mark.feature("D005")
@pytest.mark.parametrize(
    ("display", "explicit", "names"),
    [
        ("BlockDevice", (), ("blockdevice", "bd", "bds")),
        ("LinkStatus", ("link", "links"), ("link", "links", "linkstatus", "ls")),
        ("Member", (), ("member",)),
        ("MachineConfig", (), ("machineconfig", "mc", "mcs")),
    ],
)
def test_aliases_are_singular_initials_and_plural(
    display: str, explicit: tuple[str, ...], names: tuple[str, ...]
) -> None:
    assert meta.aliases(display, explicit) == names


@pytest.mark.feature("D004", "D013", "D217")
async def test_every_type_is_published_once_and_can_be_imported() -> None:
    store = inmem.InMemory()
    await registry.publish(store)
    definitions = await store.list(meta.ResourceDefinition)
    assert len(definitions) == len([name for name in registry.names() if not registry.is_internal(name)])
    for found in definitions:
        cls = registry.find(found.spec.resource_type)
        assert found.id == cls.definition.type.lower()
        assert found.spec.display_type == cls.__name__
        assert found.spec.default_namespace == cls.definition.namespace
        assert found.spec.default_namespace in registry.NAMESPACES
    assert {n.id for n in await store.list(meta.Namespace)} == set(registry.NAMESPACES)
