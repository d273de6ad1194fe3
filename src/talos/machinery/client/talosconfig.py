"""The talosconfig: contexts a person can talk to, with endpoints, nodes and a client certificate.

Where it is read from, in order: `--talosconfig`, `$TALOSCONFIG`, `$TALOS_HOME/config`; without those the first that
exists of `~/.talos/config`, `$XDG_CONFIG_HOME/talos/config` and, in a pod, `/var/run/secrets/talos.dev/config`. The one
of a pod is never written: changes go to the person's own. It is written atomically with mode 0600; comments and keys
nobody here knows stay. Merging never overwrites: a context whose name is taken is renamed with a number.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from talos.base import errors
from talos.machinery.client import _comments

POD_PATH = Path("/var/run/secrets/talos.dev/config")


@dataclass(frozen=True, slots=True)
class Context:
    """One cluster as one identity. Certificates are PEM; `unknown` keeps keys of newer versions."""

    endpoints: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    ca: bytes = b""
    crt: bytes = b""
    key: bytes = b""
    cluster: str = ""
    proxy_url: str = ""
    unknown: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Talosconfig:
    """All contexts and the name of the one in use."""

    context: str = ""
    contexts: Mapping[str, Context] = field(default_factory=dict)
    unknown: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str = "") -> tuple[str, Context]:
        """Return (name, context) for a name, or for the one in use. Raises NotFound."""
        wanted = name or self.context
        if not wanted:
            raise errors.NotFound("no context is set: use `talosctl config context NAME`, or --context")
        found = self.contexts.get(wanted)
        if found is None:
            raise errors.NotFound(f"context {wanted!r} is not in the talosconfig")
        return wanted, found

    def with_context(self, name: str, context: Context) -> Talosconfig:
        """Return a copy in which `name` is `context`."""
        return dataclasses.replace(self, contexts={**self.contexts, name: context})

    def without(self, names: set[str]) -> Talosconfig:
        """Return a copy without some contexts; none is in use if the one in use went."""
        left = {n: c for n, c in self.contexts.items() if n not in names}
        return dataclasses.replace(self, context=self.context if self.context in left else "", contexts=left)

    def merged(self, other: Talosconfig) -> tuple[Talosconfig, dict[str, str]]:
        """Return a copy with the contexts of `other` added, and old name -> new name of those renamed.

        The context in use becomes the one in use in `other`. An identical context is not added twice.
        """
        contexts = dict(self.contexts)
        renamed: dict[str, str] = {}
        for name, context in other.contexts.items():
            free = name
            number = 0
            while free in contexts and contexts[free] != context:
                number += 1
                free = f"{name}-{number}"
            contexts[free] = context
            if free != name:
                renamed[name] = free
        current = renamed.get(other.context, other.context) or self.context
        return dataclasses.replace(self, context=current, contexts=contexts), renamed


def path(flag: str = "", *, writing: bool = False) -> Path:
    """Return where the talosconfig is, whether it exists or not; `writing`: where changes go."""
    given = flag or os.environ.get("TALOSCONFIG")
    if given:
        return Path(given).expanduser()
    home = os.environ.get("TALOS_HOME")
    if home:
        own = [Path(home) / "config"]
    else:
        xdg = os.environ.get("XDG_CONFIG_HOME", "")
        base = Path(xdg) if xdg.startswith("/") else Path.home() / ".config"
        own = [Path.home() / ".talos" / "config", base / "talos" / "config"]
    places = own if writing else [*own, POD_PATH]
    return next((place for place in places if place.exists()), own[0])


_KNOWN = ("endpoints", "nodes", "ca", "crt", "key", "cluster", "proxy-url", "target")


def _decoded(raw: Mapping[str, Any], key: str, where: str) -> bytes:
    try:
        return base64.b64decode(str(raw.get(key) or ""), validate=True)
    except ValueError as error:
        raise errors.Invalid(f"{where}.{key}: expected base64 of PEM") from error


def _context(name: str, raw: Any, source: str) -> Context:
    where = f"{source}: contexts.{name}"
    if raw is not None and not isinstance(raw, Mapping):
        raise errors.Invalid(f"{where}: expected a mapping")
    raw = raw or {}
    endpoints = raw.get("endpoints") or ([raw["target"]] if raw.get("target") else [])
    return Context(
        endpoints=tuple(str(e) for e in endpoints),
        nodes=tuple(str(n) for n in raw.get("nodes") or ()),
        ca=_decoded(raw, "ca", where),
        crt=_decoded(raw, "crt", where),
        key=_decoded(raw, "key", where),
        cluster=str(raw.get("cluster") or ""),
        proxy_url=str(raw.get("proxy-url") or ""),
        unknown={k: v for k, v in raw.items() if k not in _KNOWN},
    )


def parse(text: bytes, source: str = "talosconfig") -> Talosconfig:
    """Parse a talosconfig. Raises Invalid."""
    try:
        raw = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 both are safe
    except yaml.YAMLError as error:
        raise errors.Invalid(f"{source}: not YAML: {error}") from error
    if raw is None:
        return Talosconfig()
    if not isinstance(raw, Mapping) or not isinstance(raw.get("contexts") or {}, Mapping):
        raise errors.Invalid(f"{source}: expected keys `context` and `contexts`")
    contexts = {str(n): _context(str(n), c, source) for n, c in (raw.get("contexts") or {}).items()}
    unknown = {str(k): v for k, v in raw.items() if k not in ("context", "contexts")}
    return Talosconfig(str(raw.get("context") or ""), contexts, unknown)


def load(at: Path) -> Talosconfig:
    """Read a talosconfig; one that does not exist is empty. Raises Invalid, OSError."""
    try:
        text = at.read_bytes()
    except FileNotFoundError:
        return Talosconfig()
    return parse(text, str(at))


def encode(config: Talosconfig) -> bytes:
    """Return the YAML form."""
    contexts: dict[str, Any] = {}
    for name, context in config.contexts.items():
        raw: dict[str, Any] = {"endpoints": list(context.endpoints)}
        if context.nodes:
            raw["nodes"] = list(context.nodes)
        for key in ("ca", "crt", "key"):
            if value := getattr(context, key):
                raw[key] = base64.b64encode(value).decode()
        if context.cluster:
            raw["cluster"] = context.cluster
        if context.proxy_url:
            raw["proxy-url"] = context.proxy_url
        contexts[name] = raw | dict(context.unknown)
    data = {"context": config.context, "contexts": contexts} | dict(config.unknown)
    text: str = yaml.dump(
        data,
        Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper),
        sort_keys=False,
        indent=4,
        width=1 << 16,
        default_flow_style=False,
    )
    return text.encode()


def save(config: Talosconfig, at: Path) -> None:
    """Write atomically with mode 0600, keeping the comments that are there. Raises OSError."""
    text = encode(config)
    # There is nothing to keep in one that is new, or was broken and is replaced on purpose.
    with contextlib.suppress(FileNotFoundError, UnicodeDecodeError, yaml.YAMLError):
        text = _comments.keep(at.read_text(), text.decode()).encode()
    write(text, at)


def write(text: bytes, at: Path) -> None:
    """Put a text there atomically with mode 0600; a symbolic link is followed. Raises OSError."""
    target = at.resolve()
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.{os.getpid()}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
