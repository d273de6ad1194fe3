"""Which part of a node reads which kind of configuration document: found in the source, not written down by hand.

A document is read by `config.one(Kind)` or `config.all(Kind)`. Starting at every controller, service, API handler and
sequencer task, names are followed through the functions and classes they use (views of the configuration, modules
beside a controller) to such calls. Annotations are not followed: they mention kinds without reading them.
"""

from __future__ import annotations

import ast
import functools
import re
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from talos.machinery.config import _decode, document

SOURCE = Path(__file__).resolve().parent.parent / "src"
DOCUMENTS = "talos.machinery.config.documents."
FOLLOWED = ("talos.machined.", "talos.machinery.config.views", "talos.k8s.", "talos.supervisor.")
_SECTIONS = re.compile(r"import v1alpha1|config\.v1alpha1|\.v1alpha1\b|machine_section|cluster_section")
# Sections that are handed on whole, as data of the format they are written in.
_WHOLE = frozenset({"machine.kubelet.extraMounts"})
_READS = frozenset({"one", "all"})
Symbol = tuple[str, str]


@dataclass
class Module:
    """What a module defines and imports at its top; `modules` and `symbols` are imported names."""

    defined: dict[str, ast.AST] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    symbols: dict[str, Symbol] = field(default_factory=dict)
    sections: bool = False
    """Whether it has to do with sections of the v1alpha1 document."""


def _file(name: str) -> Path | None:
    base = SOURCE.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.exists():
            return path
    return None


@functools.cache
def module(name: str) -> Module | None:
    """Read a module, None for one that is not ours."""
    path = _file(name) if name.startswith("talos.") else None
    if path is None:
        return None
    text = path.read_text()
    made = Module(sections=_SECTIONS.search(text) is not None)
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                whole = f"{node.module}.{one.name}"
                if whole.startswith("talos.") and _file(whole) is not None:
                    made.modules[one.asname or one.name] = whole
                else:
                    made.symbols[one.asname or one.name] = (node.module, one.name)
        elif isinstance(node, ast.Import):
            made.modules.update({one.asname: one.name for one in node.names if one.asname})
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.defined[statement.name] = statement
        elif isinstance(statement, ast.Assign):
            made.defined.update({t.id: statement.value for t in statement.targets if isinstance(t, ast.Name)})
    return made


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below one, without annotations."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _code(child)


def _resolve(where: str, node: ast.AST) -> Symbol | None:
    """What a name or `module.name` in a module stands for."""
    found = module(where)
    assert found is not None
    if isinstance(node, ast.Name):
        if node.id in found.defined:
            return (where, node.id)
        return found.symbols.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in found.modules:
        return (found.modules[node.value.id], node.attr)
    return None


def _defining(symbol: Symbol) -> Symbol:
    """Follow re-exports to where a symbol is defined."""
    while (found := module(symbol[0])) is not None and symbol[1] not in found.defined and symbol[1] in found.symbols:
        symbol = found.symbols[symbol[1]]
    return symbol


class Read(NamedTuple):
    """What the code behind a symbol reads: kinds of documents, names of attributes where it has to do with v1alpha1
    sections, and names it mentions anywhere."""

    kinds: frozenset[str]
    keys: frozenset[str]
    names: frozenset[str]


@functools.cache
def reads(symbol: Symbol) -> Read:
    """Follow a symbol through everything it uses."""
    read: set[str] = set()
    keys: set[str] = set()
    names: set[str] = set()
    seen: set[Symbol] = set()
    todo = [symbol]
    while todo:
        where, name = _defining(todo.pop())
        found = module(where)
        if (where, name) in seen or found is None or name not in found.defined:
            continue
        seen.add((where, name))
        for node in _code(found.defined[name]):
            if isinstance(node, ast.Attribute):
                names.add(node.attr)
                if found.sections:
                    keys.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _READS:
                kind = _resolve(where, node.args[0]) if node.args else None
                if kind is not None and _defining(kind)[0].startswith(DOCUMENTS):
                    read.add(_defining(kind)[1])
            target = _resolve(where, node)
            if target is not None and target[0].startswith(FOLLOWED):
                todo.append(target)
    return Read(frozenset(read), frozenset(keys), frozenset(names))


def table(roots: Iterable[tuple[str, Symbol]], every_kind: Iterable[str]) -> dict[str, list[str]]:
    """Return kind -> names of the roots that read it, all kinds and names sorted."""
    found: dict[str, list[str]] = {kind: [] for kind in sorted(every_kind)}
    for name, symbol in roots:
        for kind in reads(symbol).kinds:
            found[kind].append(name)
    return {kind: sorted(set(names)) for kind, names in found.items()}


def keys(roots: Iterable[tuple[str, Symbol]], section: type[Any]) -> dict[str, list[str]]:
    """Return path -> names of the roots that read it, for every key of the v1alpha1 document.

    A key counts as read when code that has to do with such sections names it, or when what reads the section it is in
    names it anywhere: what is said to be unread surely is.
    """
    asked = [(name, reads(symbol)) for name, symbol in roots]
    found: dict[str, list[str]] = {}
    todo: list[tuple[type[Any], str, frozenset[type[Any]]]] = [(section, "", frozenset())]
    while todo:
        kind, above, outer = todo.pop(0)
        for key, (attribute, _, annotation) in _decode.fields(kind).items():
            path = f"{above}.{key}".lstrip(".")
            # Names of sections are words as others are; the keys inside may be looked up by a table of names.
            inside, depth = found.get(above, []), above.count(".")
            found[path] = sorted(
                {
                    name
                    for name, one in asked
                    if attribute in one.keys or (name in inside and depth and attribute in one.names)
                }
            )
            inner = _section(annotation)
            if inner is not None and inner not in outer and found[path] and path not in _WHOLE:
                todo.append((inner, path, outer | {inner}))
    return dict(sorted(found.items()))


def _section(annotation: Any) -> type[Any] | None:
    """The section an annotation holds, alone or in a list or mapping."""
    if isinstance(annotation, type) and issubclass(annotation, document.Section):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _section(part)) is not None), None)


def tasks() -> list[tuple[str, Symbol]]:
    """The functions of the sequencer."""
    folder = SOURCE / "talos/machined/sequencer/tasks"
    names = [f"talos.machined.sequencer.tasks.{path.stem}" for path in sorted(folder.glob("*.py"))]
    return [
        (f"sequencer task {function}", (name, function))
        for name in names
        if (found := module(name)) is not None
        for function, node in found.defined.items()
        if isinstance(node, ast.AsyncFunctionDef)
    ]


def unread(read_by: dict[str, list[str]]) -> list[str]:
    """The keys nothing reads, without what is inside of them."""
    return [path for path, names in read_by.items() if not names]


def markdown(read_by: dict[str, list[str]], keys_by: dict[str, list[str]]) -> str:
    """Return the page of the documentation."""
    used = {kind: names for kind, names in read_by.items() if names}
    unused = [kind for kind in read_by if kind not in used]
    lines = [
        "# Which configuration documents take effect",
        "",
        "Written by `python tools/generate.py` from the source: a kind is used when something of a node reads it.",
        f"{len(used)} of {len(read_by)} kinds are used. The others are checked and kept, and whoever applies or",
        "validates one is told that nothing reads it yet.",
        "",
        "| kind | read by |",
        "| --- | --- |",
        *(f"| {kind} | {', '.join(names)} |" for kind, names in used.items()),
        "",
        "Not used yet: " + (", ".join(unused) or "none") + ".",
        "",
        "## Keys of the v1alpha1 document",
        "",
        f"Something of a node asks for {sum(map(bool, keys_by.values()))} of {len(keys_by)} keys. What is inside",
        "of one nothing asks for is not counted. Those nothing asks for yet are told like documents:",
        "",
        *(f"- `{path}`" for path in unread(keys_by)),
    ]
    return "\n".join(lines) + "\n"
