"""What apid and trustd may read of the resources: a socket each, with a filter in front of the state.

They run as users of their own and get by their socket exactly the resources they work with, read-only.
"""

from __future__ import annotations

from talos.cosi import state
from talos.machinery.rpc import server as rpc
from talos.platforms import Platform


async def serve(store: state.State, platform: Platform) -> list[rpc.Server]:
    """Serve both faces."""
    return []
