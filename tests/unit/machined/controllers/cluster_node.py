"""A node of a cluster as controllers see it: its configuration, name, addresses, and a settled network and clock."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import yaml

from talos.cosi import controller, inmem, resource, runtime, state
from talos.machinery.config import generate, loader, secrets
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network import hostname_status, network_status, node_address
from talos.machinery.resources.time import time_status
from talos.machinery.types.machine import MachineType
from talos.pki import bundle
from tests.unit.machined.controllers.running import running

R = TypeVar("R", bound=resource.Resource[Any])
ENDPOINT = "https://10.5.0.1:6443"
ADDRESSES = ("10.5.0.2/24", "192.168.7.2/24")
FAST_S = 5.0


@functools.cache
def made() -> secrets.Bundle:
    """Secrets of the test cluster; the same ones in every test, as keys take time to make."""
    return bundle.generate()


def source(machine: MachineType = MachineType.CONTROL_PLANE, **wanted: Any) -> bytes:
    """A generated configuration."""
    return generate.generate(generate.GenerateInput("test", ENDPOINT, made(), **wanted), machine).encode()


def changed(text: bytes, **parts: dict[str, Any] | None) -> bytes:
    """The configuration with keys of its documents set: by kind, `v1alpha1` is the one without; None drops it."""
    documents = {found.get("kind", "v1alpha1"): found for found in yaml.safe_load_all(text)}
    kinds = [found.get("kind", "v1alpha1") for found in yaml.safe_load_all(text)]
    listed = list(yaml.safe_load_all(text))
    for kind, values in parts.items():
        if values is None:
            listed = [one for one in listed if one.get("kind") != kind]
        elif kind not in kinds:
            listed.append({"apiVersion": "v1alpha1", "kind": kind, **values})
        else:
            documents[kind].update(values)
            listed = [documents[kind] if one.get("kind", "v1alpha1") == kind else one for one in listed]
    data = yaml.safe_dump_all(listed).encode()
    loader.load(data, name="changed")
    return data


@contextlib.asynccontextmanager
async def node(
    *controllers: controller.Controller, config: bytes | None = None, hostname: str = "cp-1", domain: str = ""
) -> AsyncIterator[tuple[inmem.InMemory, runtime.Runtime]]:
    """Run controllers on a node that has what others would have found out."""
    async with running(*controllers) as (store, driven):
        await store.create(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=source() if config is None else config)))
        name = hostname_status.HostnameStatus.Spec(hostname=hostname, domainname=domain)
        await store.create(hostname_status.HostnameStatus("hostname", name))
        for id in ("routed-no-k8s", "accumulative-no-k8s"):
            await store.create(node_address.NodeAddress(id, node_address.NodeAddress.Spec(addresses=ADDRESSES)))
        network = network_status.NetworkStatus.Spec(
            address_ready=True, connectivity_ready=True, hostname_ready=True, etc_files_ready=True
        )
        await store.create(network_status.NetworkStatus(network_status.STATUS_ID, network))
        await store.create(time_status.TimeStatus(time_status.STATUS_ID, time_status.TimeStatus.Spec(synced=True)))
        yield store, driven


async def there(store: state.State, cls: type[R], id: str) -> R:
    """The resource, once it is there."""
    found = await state.wait_for(store, cls, id, lambda one: one is not None, timeout_s=FAST_S)
    assert found is not None
    return found


async def configure(store: inmem.InMemory, config: bytes) -> None:
    """Put another configuration in force."""
    old = await store.get(MachineConfig, ACTIVE_ID)
    await store.update(old.with_spec(MachineConfig.Spec(source=config)))
