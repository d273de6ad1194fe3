"""Resource type PlatformMetadatas.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource

PLATFORM_METADATA_ID = "platformmetadata"


class PlatformMetadata(resource.Resource["PlatformMetadata.Spec"]):
    """What the platform tells about the machine: region, zone, instance."""

    definition = resource.Definition(
        type="PlatformMetadatas.talos.dev",
        namespace="runtime",
        print_columns=(
            resource.PrintColumn("Platform", "{.platform}"),
            resource.PrintColumn("Type", "{.instanceType}"),
            resource.PrintColumn("Region", "{.region}"),
            resource.PrintColumn("Zone", "{.zone}"),
        ),
        message="talos.resource.definitions.runtime.PlatformMetadataSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset(
            {
                "platform",
                "hostname",
                "region",
                "zone",
                "instance_type",
                "instance_id",
                "provider_id",
                "spot",
                "internal_dns",
                "external_dns",
                "tags",
            }
        )

        platform: str = ""
        hostname: str = ""
        region: str = ""
        zone: str = ""
        instance_type: str = msgspec.field(default="", name="instanceType")
        instance_id: str = msgspec.field(default="", name="instanceId")
        provider_id: str = msgspec.field(default="", name="providerId")
        spot: bool = False
        internal_dns: str = msgspec.field(default="", name="internalDNS")
        external_dns: str = msgspec.field(default="", name="externalDNS")
        tags: dict[str, str] = msgspec.field(default_factory=dict)
