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
_EVENTS = {0: "+", 1: " ", 2: "-"}


@dataclass(frozen=True, slots=True)
class Definition:
    """A type as the node defines it."""

    type: str
    display_type: str
    namespace: str
    all_aliases: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]


async def definitions(session: Session, node: str) -> list[Definition]:
    """Ask a node for its resource types."""
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


def spec_data(resource: Any) -> Any:
    """Return the spec as data."""
    return yaml.load(resource.spec.yaml_spec, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


def _stamp(moment: Any) -> str:
    return str(moment.ToJsonString())


def document(node: str, resource: Any) -> dict[str, Any]:
    """Return a resource as the document `-o yaml` and `-o json` print."""
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
    return {"node": node, "metadata": metadata, "spec": spec_data(resource)}


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

    def add(self, node: str, resource: Any, event: str = "") -> None:
        """Show one resource; `event` marks what happened to it while watching."""
        if self.style == "table":
            self._add_row(node, resource, event)
        elif self.style == "jsonpath":
            print(jsonpath.render(self.template, document(node, resource)), flush=True)
        elif self.style == "json":
            print(output.json_text(document(node, resource)), flush=True)
        else:
            print(("---\n" if self._documents else "") + output.yaml_text(document(node, resource)), end="", flush=True)
        self._documents += 1

    def _add_row(self, node: str, resource: Any, event: str) -> None:
        m = resource.metadata
        data = spec_data(resource) if resource.spec.yaml_spec else None
        if m.annotations.get(_YAML_STRING):
            data = None
        cells = [
            " ".join(jsonpath.text_of(v) for v in jsonpath.evaluate(path.strip("{}"), data))
            for _, path in self._definition.columns
        ]
        row = [node, *([event] if self._watching else []), m.namespace, self._definition.display_type, m.id, m.version]
        row += cells
        if not self._watching:
            self._rows.append(row)
            return
        if not self._widths:
            self._widths = [max(len(h), len(c)) + output.GAP for h, c in zip(self._headers, row, strict=True)]
            self._line(self._headers)
        self._line(row)

    def _line(self, cells: Sequence[str]) -> None:
        padded = (c.ljust(w) for c, w in zip(cells, self._widths, strict=True))
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
) -> AsyncIterator[tuple[str, Any]]:
    """Yield (mark, resource) of every change, the present resources first."""
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
