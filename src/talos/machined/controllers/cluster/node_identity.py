"""The identity of the node: 32 random bytes, made once, kept in STATE, told as text.

The machine id that programs read is derived from it, so both live and die with STATE.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from talos.base import errors
from talos.base.constants import partitions, paths
from talos.cosi import controller
from talos.cosi.resource import Phase
from talos.machined.controllers.cluster import _base62
from talos.machined.modes import Mode
from talos.machinery.resources.block.mount_status import MountStatus
from talos.machinery.resources.cluster.identity import Identity
from talos.machinery.resources.files.etc_file_spec import EtcFileSpec

LOCAL_ID = "local"
IDENTITY_BYTES = 32
MACHINE_ID_BYTES = 16
_KEY = "nodeId"


def parse(text: str) -> str:
    """The node id in `node-identity.yaml`, "" when there is none."""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == _KEY:
            return value.strip().strip("\"'")
    return ""


def machine_id(node_id: str) -> str:
    """What belongs into /etc/machine-id. Raises Invalid for an id that is too short."""
    try:
        raw = _base62.decode(node_id)
    except ValueError as err:
        raise errors.Invalid(f"node id: {err}") from err
    if len(raw) < MACHINE_ID_BYTES:
        raise errors.Invalid(f"node id of {len(raw)} bytes")
    return raw[:MACHINE_ID_BYTES].hex()


def load_or_make(file: Path) -> str:
    """The node id of the file; a missing or unreadable one is made anew and on disk before it is used."""
    with contextlib.suppress(FileNotFoundError):
        if (node_id := parse(file.read_text())) and len(_decoded(node_id)) >= MACHINE_ID_BYTES:
            return node_id
    node_id = _base62.encode(os.urandom(IDENTITY_BYTES))
    temporary = file.with_name(f".{file.name}.new")
    with temporary.open("w") as stream:
        temporary.chmod(0o600)
        stream.write(f"{_KEY}: {node_id}\n")
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
    return node_id


def _decoded(node_id: str) -> bytes:
    try:
        return _base62.decode(node_id)
    except ValueError:
        return b""


class ContainerNodeIdentityController(controller.Controller):
    """Publishes the Identity and /etc/machine-id. In a container STATE is a directory that is always there."""

    name = "cluster.NodeIdentityController"
    outputs = (controller.shared(Identity), controller.shared(EtcFileSpec))
    modes = Mode.CONTAINER

    def __init__(self, state: Path = paths.STATE) -> None:
        self._state = state

    async def reconcile(self, r: controller.Handle) -> None:
        """The file says it."""
        await publish(r, self._state)


async def publish(r: controller.Handle, folder: Path) -> None:
    """Load or make the identity in a folder, and put what follows from it."""
    node_id = load_or_make(folder / paths.NODE_IDENTITY_FILENAME)
    await r.put(Identity(LOCAL_ID, Identity.Spec(node_id=node_id)))
    contents = machine_id(node_id).encode()
    await r.put(EtcFileSpec("machine-id", EtcFileSpec.Spec(contents=contents, mode=0o444)))


class NodeIdentityController(controller.Controller):
    """The same on a machine, once STATE is mounted: an identity that would not last is none."""

    inputs = (controller.weak(MountStatus, id=partitions.STATE),)
    outputs = (controller.shared(Identity), controller.shared(EtcFileSpec))
    modes = Mode.MACHINE

    async def reconcile(self, r: controller.Handle) -> None:
        """It stays when STATE is given back at the end."""
        mounted = await r.find(MountStatus, partitions.STATE)
        if mounted is not None and mounted.metadata.phase is Phase.RUNNING:
            await publish(r, Path(mounted.spec.target))
            return
        for found in (await r.find(Identity, LOCAL_ID), await r.find(EtcFileSpec, "machine-id")):
            if found is not None:
                await r.put(found)
