"""Chains are given to the kernel: all of them in one transaction, whenever one changes."""

from __future__ import annotations

from talos.cosi import controller
from talos.cosi.resource import Phase
from talos.linux import nft
from talos.machined.controllers.network import _nft_script
from talos.machinery.resources.network.nf_tables_chain import NfTablesChain


class NfTablesChainController(controller.Controller):
    """Owns the table `inet talos`. A table of an earlier machined is replaced, or taken away."""

    inputs = (controller.strong(NfTablesChain),)

    def __init__(self) -> None:
        self._applied: str | None = None

    async def reconcile(self, r: controller.Handle) -> None:
        """Replace the table; a chain is let go of when it is out of the kernel."""
        found = await r.list(NfTablesChain)
        running = {one.id: one.spec for one in found if one.metadata.phase is Phase.RUNNING}
        for id in running:
            await r.add_finalizer(NfTablesChain, id)
        script = _nft_script.script(running)
        if script != self._applied and (running or self._applied is not None or nft.has_inet_table(_nft_script.TABLE)):
            await nft.apply(script)
        self._applied = script
        for one in found:
            if one.metadata.phase is not Phase.RUNNING:
                await r.remove_finalizer(NfTablesChain, one.id)
