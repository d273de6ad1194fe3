"""URLs in the YAML form of resources: the original prints the fields of Go's url.URL."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any


def parts(text: str, fields: Callable[[Mapping[str, Any]], Any] = dict) -> Any:
    """`https://example.org:6443/a?b=c` -> its fields in Go's names; None for no URL. `fields` makes the mapping."""
    if not text:
        return None
    found = urllib.parse.urlsplit(text)
    path = urllib.parse.unquote(found.path)
    fragment = urllib.parse.unquote(found.fragment)
    shown: dict[str, Any] = {
        "scheme": found.scheme,
        "opaque": "",
        # Go's Userinfo has no exported fields.
        "user": {} if "@" in found.netloc else None,
        "host": found.netloc.rpartition("@")[2],
        "path": path,
        "rawpath": "" if urllib.parse.quote(path, safe="/%:@!$&'()*+,;=~") == found.path else found.path,
        "omithost": False,
        "forcequery": text.endswith("?"),
        "rawquery": found.query,
        "fragment": fragment,
        "rawfragment": "" if fragment == found.fragment else found.fragment,
    }
    return fields(shown)
