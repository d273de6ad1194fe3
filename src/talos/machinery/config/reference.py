"""Reference pages of the configuration in Markdown, one per domain, made from the documents themselves."""

from __future__ import annotations

import typing
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from talos.machinery.config import _decode, docs, document, explain, schema

_DOMAIN = "talos.machinery.config.documents."


def pages() -> dict[str, str]:
    """File name -> text: `index.md`, `v1alpha1.md`, and one file for each domain of documents."""
    domains: dict[str, list[str]] = defaultdict(list)
    for kind, cls in schema.kinds().items():
        domains[_domain(cls)].append(kind)
    found = {f"{domain}.md": _page(domain, names) for domain, names in sorted(domains.items())}
    return {"index.md": _index(domains), **found}


def _domain(cls: Any) -> str:
    name: str = cls.__module__
    return name.removeprefix(_DOMAIN).split(".")[0] if name.startswith(_DOMAIN) else schema.LEGACY


def _index(domains: dict[str, list[str]]) -> str:
    lines = ["# Configuration of a machine", "", "| document | what it is | one each |", "| --- | --- | --- |"]
    for domain, names in sorted(domains.items()):
        for kind in names:
            cls = schema.kinds()[kind]
            each = "name" if issubclass(cls, document.Document) and cls.named else "machine"
            lines.append(f"| [{kind}]({domain}.md#{kind.lower()}) | {_cell(docs.about(cls))} | {each} |")
    return "\n".join(lines) + "\n"


def _page(domain: str, names: list[str]) -> str:
    lines = [f"# {domain}", ""]
    for kind in names:
        lines += _document(kind)
    return "\n".join(lines).rstrip() + "\n"


def _document(kind: str) -> Iterator[str]:
    found = explain.find(kind)[0]
    yield from (f"## {kind}", "", found.about, "")
    facts = [found.holds.capitalize()]
    facts += ["Control planes only"] if found.control_plane_only else []
    yield from (". ".join(facts) + ".", "")
    if found.example:
        yield from ("```yaml", *found.example.rstrip("\n").splitlines(), "```", "")
    seen: set[Any] = set()
    for title, section in _sections(schema.kinds()[kind], "", seen):
        if title:
            yield from (f"### {kind} {title}", "", docs.about(section), "")
        yield from ("| key | holds | what it is |", "| --- | --- | --- |")
        yield from _rows(kind, title, section)
        yield ""


def _sections(section: Any, path: str, seen: set[Any]) -> Iterator[tuple[str, Any]]:
    """A section and those below it, each class once, by the path it is first met at."""
    if section in seen:
        return
    seen.add(section)
    yield path, section
    for name, (_, _, annotation) in _decode.fields(section).items():
        yield from _inner(annotation, f"{path}.{name}" if path else name, seen)


def _inner(annotation: Any, path: str, seen: set[Any]) -> Iterator[tuple[str, Any]]:
    bare, _, _ = _decode.split(annotation)
    if schema.is_section(bare):
        yield from _sections(bare, path, seen)
    for element in schema.arguments(bare):
        yield from _inner(element, f"{path}[]" if typing.get_origin(bare) is tuple else f"{path}.<key>", seen)


def _rows(kind: str, title: str, section: Any) -> Iterator[str]:
    texts = docs.fields(section)
    for name, (attribute, _, annotation) in _decode.fields(section).items():
        path = f"{title}.{name}" if title else name
        about = texts.get(attribute, "")
        if kind == schema.LEGACY and (other := explain.replaced_by(path)):
            about += f" Deprecated: use {other}."
        if explain.is_secret(annotation):
            about += " Secret."
        yield f"| `{name}` | {_cell(schema.words(annotation))} | {_cell(about)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
