"""RPC implementations, one file per topic.

A topic is a subclass of `Handlers`: `service` names the protobuf service, each public coroutine (or async generator) is
the RPC whose name it spells in snake case. The classes are found through `_generated_index.py`, built by `wiring`, and
mounted by `server`.
"""

from __future__ import annotations

from abc import ABC
from typing import ClassVar


class Handlers(ABC):
    """Base of the RPC implementations of one topic."""

    service: ClassVar[str]
