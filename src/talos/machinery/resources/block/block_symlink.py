"""Resource type BlockSymlinks.block.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

SYMLINK_ID = "system-disk"


class BlockSymlink(resource.Resource["BlockSymlink.Spec"]):
    """The /dev/disk/by-… names of a block device."""

    definition = resource.Definition(
        type="BlockSymlinks.block.talos.dev",
        namespace="runtime",
        message="talos.resource.definitions.block.SymlinkSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        paths: tuple[str, ...] = ()
