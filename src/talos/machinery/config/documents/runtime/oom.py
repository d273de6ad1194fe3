"""Document OOMConfig: what happens when memory runs out."""

from __future__ import annotations

import datetime
from typing import ClassVar

from talos.machinery.config import checks, document, findings, values


class OOMConfig(document.Document, frozen=True, kw_only=True):
    """The handler that ends a control group before the kernel has to."""

    kind: ClassVar[str] = "OOMConfig"

    trigger_expression: values.Expression = ""
    """When to act: a CEL expression over pressure of memory and its changes."""
    cgroup_ranking_expression: values.Expression = ""
    """Which group to end: a CEL expression; the highest value goes."""
    strict_cgroup_class_ordering: bool | None = None
    """Look at all groups of a lower class before those of a higher one; on by default."""
    sample_interval: values.Duration | None = None
    """How often the first expression is looked at, 500 ms by default."""

    def validate(self, found: findings.Findings) -> None:
        """Expressions of the right names, and looking takes time."""
        checks.expression(found, self.trigger_expression, "triggerExpression", "oom-trigger", required=False)
        ranking = self.cgroup_ranking_expression
        checks.expression(found, ranking, "cgroupRankingExpression", "oom-ranking", required=False)
        if self.sample_interval is not None and self.sample_interval <= datetime.timedelta():
            found.error("sampleInterval", "must be longer than 0")

    @classmethod
    def example(cls) -> OOMConfig:
        """Act late."""
        return cls(
            trigger_expression='memory_full_avg10 > 12.0 && time_since_trigger > duration("500ms")',
            sample_interval=datetime.timedelta(milliseconds=100),
        )
