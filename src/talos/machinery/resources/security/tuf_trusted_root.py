"""Resource type TUFTrustedRoots.security.talos.dev."""

from __future__ import annotations

import datetime
from typing import ClassVar

import msgspec

from talos.cosi import resource

TRUSTED_ROOT_ID = "trusted_root.json"


class TUFTrustedRoot(resource.Resource["TUFTrustedRoot.Spec"]):
    """The trusted root for keyless signatures, as last fetched."""

    definition = resource.Definition(
        type="TUFTrustedRoots.security.talos.dev",
        namespace="security",
        print_columns=(resource.PrintColumn("Last Refresh", "{.lastRefreshTime}"),),
        message="talos.resource.definitions.security.TUFTrustedRootSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"last_refresh_time", "json_data"})

        last_refresh_time: datetime.datetime | None = msgspec.field(default=None, name="lastRefreshTime")
        json_data: str = msgspec.field(default="", name="jsonData")
