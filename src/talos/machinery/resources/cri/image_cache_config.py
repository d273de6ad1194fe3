"""Resource type ImageCacheConfigs.cri.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource
from talos.machinery.types import cri as cri_types

IMAGE_CACHE_CONFIG_ID = "image-cache"


class ImageCacheConfig(resource.Resource["ImageCacheConfig.Spec"]):
    """State and folders of the image cache on the node."""

    definition = resource.Definition(
        type="ImageCacheConfigs.cri.talos.dev",
        namespace="cri",
        print_columns=(
            resource.PrintColumn("Status", "{.status}"),
            resource.PrintColumn("CopyStatus", "{.copyStatus}"),
            resource.PrintColumn("Roots", "{.roots}"),
        ),
        message="talos.resource.definitions.cri.ImageCacheConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        status: cri_types.ImageCacheStatus = cri_types.ImageCacheStatus.UNKNOWN
        copy_status: cri_types.ImageCacheCopyStatus = msgspec.field(
            default=cri_types.ImageCacheCopyStatus.UNKNOWN, name="copyStatus"
        )
        roots: tuple[str, ...] = ()
