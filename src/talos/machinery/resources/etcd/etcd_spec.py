"""Resource type EtcdSpecs.etcd.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

SPEC_ID = "etcd"


class EtcdSpec(resource.Resource["EtcdSpec.Spec"]):
    """etcd's configuration with this node's name and addresses filled in."""

    definition = resource.Definition(
        type="EtcdSpecs.etcd.talos.dev",
        namespace="etcd",
        print_columns=(
            resource.PrintColumn("Name", "{.name}"),
            resource.PrintColumn("AdvertisedAddresses", "{.advertisedAddresses}"),
            resource.PrintColumn("ListenPeerAddresses", "{.listenPeerAddresses}"),
            resource.PrintColumn("ListenClientAddresses", "{.listenClientAddresses}"),
        ),
        message="talos.resource.definitions.etcd.SpecSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        name: str = ""
        advertised_addresses: tuple[str, ...] = msgspec.field(default=(), name="advertisedAddresses")
        listen_peer_addresses: tuple[str, ...] = msgspec.field(default=(), name="listenPeerAddresses")
        listen_client_addresses: tuple[str, ...] = msgspec.field(default=(), name="listenClientAddresses")
        image: str = ""
        extra_args: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict, name="extraArgs")
