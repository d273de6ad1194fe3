"""Go's text/template, the part that column files of `talosctl cgroups` use.

Text with actions in `{{ }}`: fields (`.A.b`), variables, literals, calls of methods and functions, pipelines, `if`,
`with` and `range` with `else`, comments, and trimming dashes. A field is looked up in mappings; a callable found there
is a method. Formats of printf are Go's verbs s, d, v, q, x, f and t. See https://pkg.go.dev/text/template.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from talos.base import errors

_ACTION = re.compile(r"(\s*)\{\{(-(?=\s))?(.*?)((?<=\s)-)?\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|`[^`]*`)|(?P<number>-?\d+(?:\.\d+)?)|(?P<variable>\$\w*)|(?P<field>\.\w*)"""
    r"""|(?P<word>\w+)|(?P<mark>:=|[|(),=]))"""
)
_VERB = re.compile(r"%([-+ 0#]*)(\d*)(?:\.(\d+))?([sdvqxft%])")
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class Token(NamedTuple):
    """A word of an action; `glued` when nothing is between it and the word before."""

    kind: str
    text: str
    glued: bool


Scope = dict[str, Any]
Node = Callable[[Scope, list[str]], None]
Expression = Callable[[Scope], Any]


def tokens(action: str) -> list[Token]:
    """Cut an action into words. Raises Invalid."""
    found, at = [], 0
    action = action.rstrip()
    while at < len(action):
        match = _TOKEN.match(action, at)
        if match is None:
            raise errors.Invalid(f"template: {action[at:]!r} is not understood")
        kind = str(match.lastgroup)
        found.append(Token(kind, match[kind], match.start(kind) == at))
        at = match.end()
    return found


def truth(value: Any) -> bool:
    """What `if` makes of a value: structs are always true."""
    return bool(value) if isinstance(value, str | int | float | Mapping | Sequence) or value is None else True


def text_of(value: Any) -> str:
    """How a value is printed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "<no value>"
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return "map[" + " ".join(f"{key}:{text_of(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, Sequence):
        return "[" + " ".join(text_of(one) for one in value) + "]"
    return str(value)


def printf(template: str, *values: Any) -> str:
    """Go's fmt.Sprintf, for the verbs s d v q x f t."""
    left = list(values)

    def one(match: re.Match[str]) -> str:
        flags, width, precision, verb = match.groups()
        if verb == "%":
            return "%"
        if not left:
            return f"%!{verb}(MISSING)"
        return _formatted(left.pop(0), flags, int(width or 0), precision, verb)

    return _VERB.sub(one, template)


def _formatted(value: Any, flags: str, width: int, precision: str | None, verb: str) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + " ".join(_formatted(one, flags, width, precision, verb) for one in value) + "]"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if verb == "d" and not number:
        return f"%!d({text_of(value)})"
    if verb == "f" and number:
        text = f"{value:.{int(precision) if precision else 6}f}"
    elif verb == "x" and isinstance(value, int):
        text = f"{value:x}"
    else:
        text = text_of(value)
        text = text[: int(precision)] if precision is not None and verb in "sv" else text
        text = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if verb == "q" else text
    if "-" in flags:
        return text.ljust(width)
    return text.rjust(width, "0" if "0" in flags and number else " ")


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        value = value[key]
    return value


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "printf": printf,
    "print": lambda *values: "".join(text_of(one) for one in values),
    "len": len,
    "index": _index,
    "not": lambda value: not truth(value),
    "and": lambda *values: next((one for one in values if not truth(one)), values[-1]),
    "or": lambda *values: next((one for one in values if truth(one)), values[-1]),
    "eq": lambda first, *others: first in others,
    "ne": lambda first, second: first != second,
    "lt": lambda first, second: first < second,
    "gt": lambda first, second: first > second,
}
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "nil": None}


def _field(value: Any, name: str) -> Any:
    try:
        return value[name]
    except (KeyError, TypeError, IndexError):
        raise errors.Invalid(f"template: there is no field {name!r}") from None


class _Parser:
    """Reads the words of one action."""

    def __init__(self, words: Sequence[Token]) -> None:
        self._words = list(words)

    def done(self) -> bool:
        return not self._words

    def peek(self, text: str) -> bool:
        return bool(self._words) and self._words[0].kind == "mark" and self._words[0].text == text

    def take(self) -> Token:
        if not self._words:
            raise errors.Invalid("template: an action ends too early")
        return self._words.pop(0)

    def pipeline(self) -> Expression:
        """`a b | c d`: the outcome of each part is the last argument of the next."""
        stages = [self._call()]
        while self.peek("|"):
            self.take()
            stages.append(self._call())

        def run(scope: Scope) -> Any:
            value = stages[0](scope, ())
            for stage in stages[1:]:
                value = stage(scope, (value,))
            return value

        return run

    def _call(self) -> Callable[[Scope, tuple[Any, ...]], Any]:
        operands = [self._operand()]
        while self._words and not (self._words[0].kind == "mark" and self._words[0].text in "|),"):
            operands.append(self._operand())
        head, *rest = operands

        def run(scope: Scope, piped: tuple[Any, ...]) -> Any:
            function = head(scope)
            values = [_value(one(scope)) for one in rest]
            if callable(function):
                return _called(function, (*values, *piped))
            if values or piped:
                raise errors.Invalid("template: a value that is no function has arguments")
            return function

        return run

    def _operand(self) -> Expression:
        word = self.take()
        base = self._base(word)
        names: list[str] = [word.text[1:]] if word.kind == "field" and word.text != "." else []
        while self._words and self._words[0].kind == "field" and self._words[0].glued:
            names.append(self.take().text[1:])
        if not names:
            return base

        def run(scope: Scope) -> Any:
            value = base(scope)
            for name in names:
                value = _field(_value(value), name)
            return value

        return run

    def _base(self, word: Token) -> Expression:
        if word.kind == "field":
            return lambda scope: scope["."]
        if word.kind == "variable":
            return lambda scope: _field(scope, word.text)
        if word.kind in ("string", "number"):
            literal = _literal(word)
            return lambda _: literal
        if word.kind == "mark" and word.text == "(":
            inner = self.pipeline()
            if not self.peek(")"):
                raise errors.Invalid("template: a parenthesis is not closed")
            self.take()
            return inner
        if word.text in _CONSTANTS:
            constant = _CONSTANTS[word.text]
            return lambda _: constant
        if word.text not in _FUNCTIONS:
            raise errors.Invalid(f"template: there is no function {word.text!r}")
        return lambda _: _FUNCTIONS[word.text]


def _called(function: Callable[..., Any], values: tuple[Any, ...]) -> Any:
    try:
        return function(*values)
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise errors.Invalid(f"template: a call fails: {error}") from error


def _value(found: Any) -> Any:
    """A method without arguments is called where its value is wanted."""
    return _called(found, ()) if callable(found) else found


def _literal(word: Token) -> Any:
    if word.kind == "number":
        return float(word.text) if "." in word.text else int(word.text)
    if word.text.startswith("`"):
        return word.text[1:-1]
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), word.text[1:-1])


class Template:
    """A parsed template."""

    def __init__(self, text: str) -> None:
        """Raises Invalid."""
        pieces = list(_pieces(text))
        self._nodes, rest, _ = _block(pieces, ())
        if rest:
            raise errors.Invalid(f"template: {rest[0][1]!r} has nothing to end")

    def render(self, data: Mapping[str, Any]) -> str:
        """Return the text for some data. Raises Invalid for fields that are not there."""
        out: list[str] = []
        _run(self._nodes, {".": data, "$": data}, out)
        return "".join(out)


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """("text", …) and ("action", …) in turn, trimmed as the dashes say."""
    at, trim = 0, False
    for match in _ACTION.finditer(text):
        plain = text[at : match.start(1)] + ("" if match[2] else match[1])
        yield "text", plain.lstrip() if trim else plain
        at, trim = match.end(), bool(match[4])
        action = match[3].strip()
        if not action.startswith("/*"):
            yield "action", action
    yield "text", text[at:].lstrip() if trim else text[at:]


Pieces = list[tuple[str, str]]


def _block(pieces: Pieces, ends: Sequence[str]) -> tuple[list[Node], Pieces, str]:
    """Parse until one of the words `ends`; return what is left, and the action that ended it."""
    nodes: list[Node] = []
    while pieces:
        (kind, text), pieces = pieces[0], pieces[1:]
        if kind == "text":
            nodes.append(_text_node(text))
            continue
        word = text.partition(" ")[0]
        if word in ends:
            return nodes, pieces, text
        if word in ("if", "with", "range"):
            node, pieces = _control(word, text[len(word) :], pieces)
            nodes.append(node)
        elif word in ("end", "else"):
            return nodes, [(kind, text), *pieces], ""
        else:
            nodes.append(_action_node(text))
    if ends:
        raise errors.Invalid("template: {{ end }} is missing")
    return nodes, [], ""


def _text_node(text: str) -> Node:
    return lambda _, out: out.append(text)


def _action_node(text: str) -> Node:
    words = tokens(text)
    if len(words) > 2 and words[0].kind == "variable" and words[1].text in (":=", "="):
        expression, name = _whole(words[2:]), words[0].text

        def assign(scope: Scope, out: list[str]) -> None:
            scope[name] = _value(expression(scope))

        return assign
    shown = _whole(words)
    return lambda scope, out: out.append(text_of(_value(shown(scope))))


def _whole(words: Sequence[Token]) -> Expression:
    parser = _Parser(words)
    found = parser.pipeline()
    if not parser.done():
        raise errors.Invalid(f"template: {parser.take().text!r} is one too many")
    return found


def _control(word: str, text: str, pieces: Pieces) -> tuple[Node, Pieces]:
    body, pieces, ended = _block(pieces, ("end", "else"))
    other: list[Node] = []
    condition = ended.partition(" ")[2].strip()
    if ended.startswith("else") and condition:
        inner, _, rest = condition.partition(" ")
        node, pieces = _control(inner, rest, pieces)
        other = [node]
    elif ended.startswith("else"):
        other, pieces, _ = _block(pieces, ("end",))
    if word == "range":
        return _range(tokens(text), body, other), pieces
    expression = _whole(tokens(text))

    def choose(scope: Scope, out: list[str]) -> None:
        value = _value(expression(scope))
        inside = {**scope, ".": value} if word == "with" and truth(value) else dict(scope)
        _run(body if truth(value) else other, inside, out)

    return choose, pieces


def _range(words: list[Token], body: list[Node], other: list[Node]) -> Node:
    marks = [word.text for word in words]
    names: list[str] = []
    if ":=" in marks:
        names = [word.text for word in words[: marks.index(":=")] if word.kind == "variable"]
        words = words[marks.index(":=") + 1 :]
    expression = _whole(words)

    def repeat(scope: Scope, out: list[str]) -> None:
        found = _value(expression(scope))
        pairs = [(key, found[key]) for key in sorted(found)] if isinstance(found, Mapping) else list(enumerate(found))
        for pair in pairs:
            given = zip(names, pair if len(names) == 2 else pair[1:], strict=False)
            _run(body, {**scope, ".": pair[1], **dict(given)}, out)
        if not pairs:
            _run(other, dict(scope), out)

    return repeat


def _run(nodes: Sequence[Node], scope: Scope, out: list[str]) -> None:
    for node in nodes:
        node(scope, out)
