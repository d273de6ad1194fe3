"""Document OOMConfig."""

from __future__ import annotations

import datetime
from typing import ClassVar

import msgspec

from talos.machinery.config import document


class OOMConfig(document.Document, frozen=True, kw_only=True):
    """OOMConfig."""

    kind: ClassVar[str] = "OOMConfig"

    trigger_expression: str = msgspec.field(default="", name="triggerExpression")
    cgroup_ranking_expression: str = msgspec.field(default="", name="cgroupRankingExpression")
    strict_cgroup_class_ordering: bool | None = msgspec.field(default=None, name="strictCgroupClassOrdering")
    sample_interval: datetime.timedelta | None = msgspec.field(default=None, name="sampleInterval")
