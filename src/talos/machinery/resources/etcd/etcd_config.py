"""Resource type EtcdConfigs.etcd.talos.dev."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from talos.cosi import resource

CONFIG_ID = "etcd"


class EtcdConfig(resource.Resource["EtcdConfig.Spec"]):
    """Image, arguments and subnets etcd is to run with."""

    definition = resource.Definition(
        type="EtcdConfigs.etcd.talos.dev",
        namespace="etcd",
        print_columns=(resource.PrintColumn("Image", "{.image}"),),
        message="talos.resource.definitions.etcd.ConfigSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        omit_empty: ClassVar[frozenset[str]] = frozenset({"advertise_valid_subnets", "listen_valid_subnets"})

        advertise_valid_subnets: tuple[str, ...] = msgspec.field(default=(), name="advertiseValidSubnets")
        advertise_exclude_subnets: tuple[str, ...] = msgspec.field(default=(), name="advertiseExcludeSubnets")
        listen_valid_subnets: tuple[str, ...] = msgspec.field(default=(), name="listenValidSubnets")
        listen_exclude_subnets: tuple[str, ...] = msgspec.field(default=(), name="listenExcludeSubnets")
        image: str = ""
        extra_args: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict, name="extraArgs")
