"""Document SideroLinkConfig: a management tunnel."""

from __future__ import annotations

from typing import Annotated, ClassVar
from urllib.parse import urlsplit

import msgspec

from talos.machinery.config import document, findings, values


class SideroLinkConfig(document.Document, frozen=True, kw_only=True):
    """Connects the machine to a management server by a WireGuard tunnel it sets up itself."""

    kind: ClassVar[str] = "SideroLinkConfig"

    api_url: values.Url = ""
    """Server; its query may carry the join token."""
    unique_token: Annotated[str, values.SECRET] = ""
    """Token of this machine alone."""

    def validate(self, found: findings.Findings) -> None:
        """The server speaks gRPC, by TLS or in the clear."""
        if not found.require(self.api_url, "apiUrl"):
            return
        parts = urlsplit(self.api_url)
        if parts.scheme not in ("https", "grpc"):
            found.error("apiUrl", f"expected https:// or grpc://, got {parts.scheme}://")
        if parts.path not in ("", "/"):
            found.error("apiUrl", f"a path is not accepted: {parts.path}")

    def redacted(self, text: str) -> SideroLinkConfig:
        """Return a copy without the join token in the URL's query."""
        parts = urlsplit(self.api_url)
        if "jointoken=" not in parts.query:
            return self
        pairs = [p.split("=")[0] + "=" + text if p.startswith("jointoken=") else p for p in parts.query.split("&")]
        return msgspec.structs.replace(self, api_url=parts._replace(query="&".join(pairs)).geturl())

    @classmethod
    def example(cls) -> SideroLinkConfig:
        """A server with a join token."""
        return cls(api_url="https://manage.example.org/?jointoken=abc")
