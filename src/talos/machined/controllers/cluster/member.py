"""Nodes that joined Kubernetes: affiliates with a node name, as Members."""

from __future__ import annotations

from talos.cosi import controller
from talos.cosi.resource import Phase
from talos.machinery.resources.cluster.affiliate import Affiliate
from talos.machinery.resources.cluster.member import Member


class MemberController(controller.Controller):
    """One member per affiliate with a node name; its id is that name."""

    inputs = (controller.weak(Affiliate),)
    outputs = (controller.exclusive(Member),)

    async def reconcile(self, r: controller.Handle) -> None:
        """A name taken twice (a node made anew) goes to the affiliate that comes last by id."""
        for affiliate in await r.list(Affiliate):
            spec = affiliate.spec
            if not spec.nodename or affiliate.metadata.phase is not Phase.RUNNING:
                continue
            member = Member.Spec(
                node_id=spec.node_id,
                addresses=spec.addresses,
                hostname=spec.hostname,
                machine_type=spec.machine_type,
                operating_system=spec.operating_system,
                control_plane=spec.control_plane,
            )
            await r.put(Member(spec.nodename, member))
