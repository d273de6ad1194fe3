"""Resource type EtcdMembers.etcd.talos.dev."""

from __future__ import annotations

import msgspec

from talos.cosi import resource

LOCAL_MEMBER_ID = "local"


class EtcdMember(resource.Resource["EtcdMember.Spec"]):
    """The member id of this node's etcd."""

    definition = resource.Definition(
        type="EtcdMembers.etcd.talos.dev",
        namespace="etcd",
        print_columns=(resource.PrintColumn("Member ID", "{.memberID}"),),
        message="talos.resource.definitions.etcd.MemberSpec",
    )

    class Spec(msgspec.Struct, frozen=True, kw_only=True):
        member_id: str = msgspec.field(default="", name="memberID")
