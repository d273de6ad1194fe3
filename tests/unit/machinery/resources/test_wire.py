"""Resources on the wire: definitions of types are encoded once for all clients."""

from talos.cosi import inmem, meta
from talos.machinery.resources import registry, wire


async def test_a_definition_is_encoded_once() -> None:
    store = inmem.InMemory()
    await registry.publish(store)
    found = (await store.list(meta.ResourceDefinition))[0]
    first = wire.encode(found)
    known = wire._encode_meta.cache_info()
    second = wire.encode(found)
    again = wire._encode_meta.cache_info()
    assert (again.hits, again.misses) == (known.hits + 1, known.misses)
    assert second == first
    assert first.spec.proto_spec
    assert f"type: {found.spec.resource_type}" in first.spec.yaml_spec
