"""Document HTTPProbeConfig: whether a web server can be reached."""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from talos.machinery.config import checks, document, findings, values


class HTTPProbeConfig(document.Document, frozen=True, kw_only=True):
    """A look at a URL again and again; an answer below 400 is success."""

    kind: ClassVar[str] = "HTTPProbeConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name."""
    interval: values.Duration | None = None
    """Time between looks, a second by default."""
    failure_threshold: int = 0
    """Failures in a row that count; the first does by default."""
    url: Annotated[values.Url, values.ALWAYS] = ""
    """What is looked at."""
    timeout: values.Duration | None = None
    """How long a look may take, 10 s by default."""

    def validate(self, found: findings.Findings) -> None:
        """An absolute http or https URL."""
        found.require(self.name, "name")
        if found.require(self.url, "url"):
            problem = checks.http_url(self.url)
            if problem:
                found.error("url", problem)
        checks.not_negative(found, "timeout", self.timeout)
        checks.not_negative(found, "interval", self.interval)
        if self.failure_threshold < 0:
            found.error("failureThreshold", "must not be negative")

    @property
    def host(self) -> str:
        """Host of the URL."""
        return urlsplit(self.url).hostname or ""

    @classmethod
    def example(cls) -> HTTPProbeConfig:
        """The way out."""
        return cls(name="outside", interval=datetime.timedelta(seconds=30), url="https://example.org/healthz")
