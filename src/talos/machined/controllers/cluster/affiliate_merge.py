"""What each registry says of a node, merged into one affiliate per node."""

from __future__ import annotations

from talos.cosi import controller
from talos.cosi.resource import Phase
from talos.machined.controllers.cluster import _affiliates
from talos.machinery.resources.cluster.affiliate import Affiliate


class AffiliateMergeController(controller.Controller):
    """Merges the affiliates of the raw namespace (`k8s/<id>`, `service/<name>/<id>`) by node."""

    inputs = (controller.strong(Affiliate, namespace=_affiliates.RAW_NAMESPACE),)
    outputs = (controller.shared(Affiliate),)

    async def reconcile(self, r: controller.Handle) -> None:
        """In the order of the ids, so that the result does not depend on arrival."""
        merged: dict[str, Affiliate.Spec] = {}
        raw = await r.list(Affiliate, namespace=_affiliates.RAW_NAMESPACE)
        for one in raw:
            if one.metadata.phase is not Phase.RUNNING:
                await r.remove_finalizer(Affiliate, one.id, namespace=_affiliates.RAW_NAMESPACE)
                continue
            await r.add_finalizer(Affiliate, one.id, namespace=_affiliates.RAW_NAMESPACE)
            spec = one.spec
            known = merged.get(spec.node_id)
            merged[spec.node_id] = _affiliates.merge(known, spec) if known else spec
        for node_id, spec in merged.items():
            await r.put(Affiliate(node_id, spec))
