"""Resources as talosctl shows them: types by alias, tables, YAML, JSON, watching."""

from __future__ import annotations

import difflib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from talos.base import errors
from talos.talosctl import jsonpath, output

if TYPE_CHECKING:
    from talos.talosctl.session import Session

_SERVICE = "/cosi.resource.State/"
_META, _DEFINITIONS = "meta", "ResourceDefinitions.meta.cosi.dev"
_YAML_STRING = "talos.dev/yaml-spec"
# Mark in tables and word in documents, by the number on the wire.
_EVENTS = {0: ("+", "created"), 1: (" ", "updated"), 2: ("-", "destroyed")}


@dataclass(frozen=True, slots=True)
class Definition:
    """A type as the node defines it."""

    type: str
    display_type: str
    namespace: str
    all_aliases: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]


async def known(session: Session) -> list[Definition]:
    """Ask the nodes for their resource types, and take the first answer. Raises RpcError if none answers."""
    from talos.machinery.rpc import status

    *others, last = session.nodes
    for node in others:
        try:
            return await definitions(session, node)
        except status.RpcError:
            # This node's own call fails likewise, and tells why.
            continue
    return await definitions(session, last)


async def definitions(session: Session, node: str) -> list[Definition]:
    """Ask a node for its resource types. Raises RpcError."""
    from talos.machinery.api._generated.cosi import meta_pb2, state_pb2

    found = []
    request = state_pb2.ListRequest(namespace=_META, type=_DEFINITIONS)
    async for reply in session.stream(f"{_SERVICE}List", request, node=node, timeout_s=30):
        spec = meta_pb2.ResourceDefinitionSpec.FromString(reply.resource.spec.proto_spec)
        columns = tuple((c.name, c.json_path) for c in spec.print_columns)
        found.append(
            Definition(spec.resource_type, spec.display_type, spec.default_namespace, tuple(spec.all_aliases), columns)
        )
    return found


def resolve(name: str, known: Sequence[Definition]) -> Definition:
    """Return the type a person means. Raises NotFound, Invalid with the candidates when it is ambiguous."""
    wanted = name.lower()
    exact = [d for d in known if d.type.lower() == wanted]
    matched = exact or [d for d in known if wanted in d.all_aliases]
    if len(matched) == 1:
        return matched[0]
    if matched:
        candidates = ", ".join(d.type for d in matched)
        raise errors.Invalid(f"resource type {name!r} is ambiguous: {candidates}")
    near = difflib.get_close_matches(wanted, [a for d in known for a in d.all_aliases], n=1)
    hint = f", did you mean {near[0]!r}?" if near else " (`talosctl get rd` lists them)"
    raise errors.NotFound(f"resource type {name!r} is not registered{hint}")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Times stay text, as JSON wants them."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def spec_data(resource: Any) -> Any:
    """Return the spec as data."""
    return yaml.load(resource.spec.yaml_spec, Loader=_Loader)  # noqa: S506  (a safe loader)


def _stamp(moment: Any) -> str:
    # Whole seconds, as the original shows them.
    return f"{moment.ToDatetime():%Y-%m-%dT%H:%M:%SZ}"


def document(node: str, resource: Any, event: str = "") -> dict[str, Any]:
    """Return a resource as the document `-o json` prints; `event` says what happened to it."""
    m = resource.metadata
    metadata: dict[str, Any] = {
        "namespace": m.namespace, "type": m.type, "id": m.id,
        "version": int(m.version) if m.version.isdigit() else m.version,
        "owner": m.owner, "phase": m.phase, "created": _stamp(m.created), "updated": _stamp(m.updated),
    }  # fmt: skip
    for key in ("labels", "annotations"):
        if values := dict(getattr(m, key)):
            metadata[key] = values
    if m.finalizers:
        metadata["finalizers"] = list(m.finalizers)
    head = {"node": node} | ({"event": event} if event else {})
    return head | {"metadata": metadata, "spec": spec_data(resource)}


def _indented(text: str) -> str:
    return "".join(f"    {line}" if line.strip() else line for line in text.splitlines(keepends=True))


def yaml_document(node: str, resource: Any, event: str = "") -> str:
    """Return a resource as `-o yaml` prints it: the metadata in their order, the spec in the node's own words."""
    found = document(node, resource, event)
    lines = [f"{key}: {found[key]}\n" for key in ("node", "event") if key in found]
    lines.append("metadata:\n")
    for key, value in found["metadata"].items():
        if isinstance(value, dict | list):
            lines.append(_indented(output.yaml_text({key: value})))
        else:
            lines.append(f"    {key}: {value}\n" if value != "" else f"    {key}:\n")
    spec = resource.spec.yaml_spec.rstrip("\n")
    if isinstance(found["spec"], str):
        # A configuration: readable as lines, however the node wrote it.
        lines.append(output.yaml_text({"spec": found["spec"]}))
    elif isinstance(found["spec"], dict | list) and spec[:1] not in "{[":
        lines.append(f"spec:\n{_indented(spec)}\n")
    else:
        lines.append(f"spec: {_indented(spec).lstrip()}\n")
    return "".join(lines)


class Printer:
    """Prints resources in one of the formats, as they come or as one table at the end."""

    def __init__(self, style: str, definition: Definition, *, watching: bool) -> None:
        """Raises Invalid for an unknown style."""
        self.style, _, self.template = style.partition("=")
        if self.style not in ("table", "yaml", "json", "jsonpath"):
            raise errors.Invalid(f"--output: expected table, yaml, json or jsonpath=TEMPLATE, got {style!r}")
        if self.style == "jsonpath" and not self.template:
            raise errors.Invalid("--output jsonpath needs a template: jsonpath='{.spec.field}'")
        self._definition = definition
        self._watching = watching
        self._rows: list[Sequence[str]] = []
        self._widths: list[int] = []
        self._documents = 0

    @property
    def _headers(self) -> list[str]:
        head = ["*"] if self._watching else []
        columns = [name.upper() for name, _ in self._definition.columns]
        return ["NODE", *head, "NAMESPACE", "TYPE", "ID", "VERSION", *columns]

    def add(self, node: str, resource: Any, event: tuple[str, str] = ("", "")) -> None:
        """Show one resource; `event` is the mark and the word of what happened to it while watching."""
        mark, word = event
        if self.style == "table":
            self._add_row(node, resource, mark)
        elif self.style == "jsonpath":
            print(jsonpath.render(self.template, document(node, resource, word)), flush=True)
        elif self.style == "json":
            print(output.json_text(document(node, resource, word)), flush=True)
        else:
            print(("---\n" if self._documents else "") + yaml_document(node, resource, word), end="", flush=True)
        self._documents += 1

    def _add_row(self, node: str, resource: Any, mark: str) -> None:
        m = resource.metadata
        data = spec_data(resource) if resource.spec.yaml_spec else None
        if m.annotations.get(_YAML_STRING):
            data = None
        cells = [
            " ".join(jsonpath.text_of(v) for v in jsonpath.evaluate(path.strip("{}"), data))
            for _, path in self._definition.columns
        ]
        row = [node, *([mark] if self._watching else []), m.namespace, self._definition.display_type, m.id, m.version]
        row += cells
        if not self._watching:
            self._rows.append(row)
            return
        if not self._widths:
            self._widths = [max(len(h), len(c)) + output.GAP for h, c in zip(self._headers, row, strict=True)]
            self._line(self._headers)
        self._line(row)

    def _line(self, cells: Sequence[str]) -> None:
        # A later row may be wider than the first.
        padded = (c + " " * max(w - len(c), output.GAP) for c, w in zip(cells, self._widths, strict=True))
        print("".join(padded).rstrip(), flush=True)

    def end(self) -> None:
        """Print the table."""
        if self.style == "table" and not self._watching:
            output.table(self._headers, self._rows)


async def read(session: Session, node: str, definition: Definition, namespace: str, id: str) -> AsyncIterator[Any]:
    """Yield one resource or all of a type."""
    from talos.machinery.api._generated.cosi import state_pb2

    if id:
        request = state_pb2.GetRequest(namespace=namespace, type=definition.type, id=id)
        yield (await session.unary(f"{_SERVICE}Get", request, node=node)).resource
        return
    listing = state_pb2.ListRequest(namespace=namespace, type=definition.type)
    async for reply in session.stream(f"{_SERVICE}List", listing, node=node, timeout_s=60):
        yield reply.resource


async def watch(
    session: Session, node: str, definition: Definition, namespace: str, id: str
) -> AsyncIterator[tuple[tuple[str, str], Any]]:
    """Yield ((mark, word), resource) of every change, the present resources first."""
    from talos.machinery.api._generated.cosi import state_pb2

    options = state_pb2.WatchOptions(bootstrap_contents=not id)
    request = state_pb2.WatchRequest(namespace=namespace, type=definition.type, options=options, api_version=1)
    if id:
        request.id = id
    async for reply in session.stream(f"{_SERVICE}Watch", request, node=node):
        for event in reply.event:
            if event.error:
                raise errors.Temporary(event.error)
            if event.event_type in _EVENTS:
                yield _EVENTS[event.event_type], event.resource
