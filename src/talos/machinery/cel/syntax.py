"""From text to a tree: the grammar of CEL (github.com/google/cel-spec, doc/langdef.md).

A recursive descent over tokens found by one pattern. Nodes keep the offset they begin at, so that whatever is found
wrong later can be pointed to. Macros (`has`, `exists`, …) are calls here; `checker` gives them their meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from talos.base import errors

MAXIMUM_DEPTH = 50
_TOKEN = re.compile(
    r"""(?P<space>(?:\s|//[^\n]*)+)
    | (?P<text>(?:[rR][bB]?|[bB][rR]?)?(?:\"{3}|'{3}|"|'))
    | (?P<float>(?:\d+\.\d+|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)
    | (?P<integer>(?:0[xX][0-9a-fA-F]+|\d+)[uU]?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>&&|\|\||[=!<>]=|\.\?|\[\?|[-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE,
)
_RESERVED = frozenset({
    "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "namespace",
    "package", "return", "var", "void", "while",
})  # fmt: skip
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_LEVELS = (("||",), ("&&",), ("<", "<=", ">", ">=", "==", "!=", "in"), ("+", "-"), ("*", "/", "%"))


class ExpressionError(errors.Invalid):
    """An expression that is wrong; `offset` is the character, from 0, where it went wrong."""

    def __init__(self, message: str, text: str, offset: int) -> None:
        self.offset = offset
        line = text.count("\n", 0, offset)
        column = offset - (text.rfind("\n", 0, offset) + 1) + 1
        place = f"line {line + 1}, character {column}" if line else f"character {column}"
        super().__init__(f"{message} (at {place} of the expression)")


class Node(NamedTuple):
    """One node. `kind` says how `value` and `parts` are read:

    literal: `value`; name: `value` is the name; select and optional-select: field `value` of `parts[0]`;
    call: function `value` over `parts`; method: the same, `parts[0]` is what it is called on; list: items;
    map: keys and values in turn; optional: an item or value that is left out when empty.
    """

    kind: str
    offset: int
    value: Any = None
    parts: tuple[Node, ...] = ()


class Unsigned(int):
    """A CEL `uint`: a type of its own in the language, so one at run time."""

    __slots__ = ()


class _Token(NamedTuple):
    kind: str
    text: str
    offset: int
    value: Any = None


def _escape(text: str, body: str, start: int, index: int, binary: bool) -> tuple[str, int]:
    """The character an escape at `index` of `body` means, and where it ends."""
    if index + 1 >= len(body):
        raise ExpressionError("an escape without a character", text, start + index)
    letter = body[index + 1]
    if letter in _ESCAPES:
        return _ESCAPES[letter], index + 2
    if letter in "\\?\"'`":
        return letter, index + 2
    digits, base = {"x": (2, 16), "X": (2, 16), "u": (4, 16), "U": (8, 16)}.get(letter, (3, 8))
    begin = index + (2 if base == 16 else 1)
    found = body[begin : begin + digits]
    try:
        if len(found) != digits or not found.isalnum() or (binary and letter in "uU"):
            raise ValueError
        code = int(found, base)
        if (binary and code > 255) or 0xD800 <= code < 0xE000:
            raise ValueError
        return chr(code), begin + digits
    except (ValueError, OverflowError):
        raise ExpressionError(f"unknown escape \\{letter}", text, start + index) from None


def _string(text: str, offset: int, opening: str) -> _Token:
    prefix = opening.rstrip("\"'").lower()
    quote = opening[len(prefix) :]
    start = offset + len(opening)
    index, raw, binary = start, "r" in prefix, "b" in prefix
    parts: list[str] = []
    while True:
        if text.startswith(quote, index):
            break
        if index >= len(text) or (len(quote) == 1 and text[index] in "\r\n"):
            raise ExpressionError(f"the text that begins here has no closing {quote}", text, offset)
        if text[index] == "\\" and not raw:
            character, index = _escape(text, text, 0, index, binary)
            # In bytes, an escape is one byte and a plain character its UTF-8.
            parts.append(character if not binary else character.encode("latin-1").decode("latin-1"))
            continue
        if text[index] == "\\" and index + 1 < len(text):
            parts.append(text[index])
            index += 1
        parts.append(text[index] if not binary else text[index].encode().decode("latin-1"))
        index += 1
    whole = "".join(parts)
    value = whole.encode("latin-1") if binary else whole
    return _Token("literal", text[offset : index + len(quote)], offset, value)


def _number(text: str, offset: int, found: str) -> _Token:
    unsigned = found[-1] in "uU"
    number = int(found.rstrip("uU"), 16 if found[:2].lower() == "0x" else 10)
    if number >= 1 << 64 or (not unsigned and number > 1 << 63):
        raise ExpressionError(f"{found} does not fit into 64 bits", text, offset)
    return _Token("literal", found, offset, Unsigned(number) if unsigned else number)


def tokens(text: str) -> list[_Token]:
    """Split an expression. Raises ExpressionError."""
    found: list[_Token] = []
    offset = 0
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if match is None:
            hint = "; to compare, write ==" if text[offset] == "=" else ""
            raise ExpressionError(f"{text[offset]!r} has no meaning here{hint}", text, offset)
        kind, part = str(match.lastgroup), match.group()
        if kind == "text":
            token = _string(text, offset, part)
        elif kind == "float":
            token = _Token("literal", part, offset, float(part))
        elif kind == "integer":
            token = _number(text, offset, part)
        else:
            token = _Token(kind, part, offset)
        if kind != "space":
            found.append(token)
        offset += len(token.text)
    found.append(_Token("end", "", len(text)))
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.index = 0
        self.depth = 0

    @property
    def now(self) -> _Token:
        return self.tokens[self.index]

    def fail(self, message: str, offset: int | None = None) -> NoReturn:
        raise ExpressionError(message, self.text, self.now.offset if offset is None else offset)

    def take(self, *signs: str) -> str:
        """The sign if it is next, which is then behind us; else nothing."""
        token = self.now
        if token.kind in ("sign", "name") and token.text in signs:
            self.index += 1
            return token.text
        return ""

    def expect(self, sign: str, opened: _Token | None = None) -> None:
        if not self.take(sign):
            what = f"{self.now.text!r}" if self.now.kind != "end" else "the end"
            after = f" to close the {opened.text!r} of character {opened.offset + 1}" if opened else ""
            self.fail(f"expected {sign!r}{after}, found {what}")

    def expression(self) -> Node:
        self.depth += 1
        if self.depth > MAXIMUM_DEPTH:
            self.fail(f"more than {MAXIMUM_DEPTH} expressions inside each other")
        offset = self.now.offset
        node = self.level(0)
        if self.take("?"):
            first = self.level(0)
            self.expect(":")
            node = Node("call", offset, "?:", (node, first, self.expression()))
        self.depth -= 1
        return node

    def level(self, number: int) -> Node:
        if number == len(_LEVELS):
            return self.unary()
        node = self.level(number + 1)
        while True:
            offset = self.now.offset
            sign = self.take(*_LEVELS[number])
            if not sign:
                return node
            node = Node("call", offset, sign, (node, self.level(number + 1)))

    def unary(self) -> Node:
        offset = self.now.offset
        signs = 0
        sign = self.take("!", "-")
        if not sign:
            return self.member()
        while True:
            signs += 1
            if signs > MAXIMUM_DEPTH:
                self.fail(f"more than {MAXIMUM_DEPTH} signs")
            if sign == "-" and self.now.kind == "literal" and type(self.now.value) in (int, float):
                value = self.now.value
                self.index += 1
                node = self.suffixes(Node("literal", offset, -value))
                signs -= 1
                break
            if not self.take(sign):
                node = self.member()
                break
        for _ in range(signs % 2 or (2 if signs else 0)):
            node = Node("call", offset, "!_" if sign == "!" else "-_", (node,))
        return node

    def member(self) -> Node:
        return self.suffixes(self.primary())

    def suffixes(self, node: Node) -> Node:
        while True:
            token = self.now
            if self.take(".", ".?"):
                name = self.now
                if name.kind != "name":
                    self.fail("expected the name of a field after the dot")
                self.index += 1
                if token.text == "." and self.now.text == "(" and self.now.kind == "sign":
                    node = Node("method", name.offset, name.text, (node, *self.arguments()))
                else:
                    kind = "select" if token.text == "." else "optional-select"
                    node = Node(kind, name.offset, name.text, (node,))
            elif self.take("[", "[?"):
                index = self.expression()
                self.expect("]", token)
                node = Node("call", token.offset, token.text.replace("[", "[]"), (node, index))
            elif token.kind == "sign" and token.text == "{" and node.kind in ("name", "select"):
                self.fail("messages can not be made in an expression")
            else:
                return node

    def arguments(self) -> tuple[Node, ...]:
        opened = self.now
        self.expect("(")
        found: list[Node] = []
        while not self.take(")"):
            if found:
                self.expect(",")
            found.append(self.expression())
            if self.now.text != ",":
                self.expect(")", opened)
                break
        return tuple(found)

    def primary(self) -> Node:
        token = self.now
        if token.kind == "literal":
            self.index += 1
            if type(token.value) is int and token.value == 1 << 63:
                self.fail(f"{token.text} does not fit into 64 bits", token.offset)
            return Node("literal", token.offset, token.value)
        if self.take("("):
            node = self.expression()
            self.expect(")", token)
            return node
        if self.take("["):
            return Node("list", token.offset, None, self.items("]", token, self.item))
        if self.take("{"):
            return Node("map", token.offset, None, self.items("}", token, self.entry))
        rooted = bool(self.take("."))
        return self.word(rooted)

    def word(self, rooted: bool) -> Node:
        token = self.now
        if token.kind != "name" or token.text == "in":
            self.fail("expected a value, found " + (repr(token.text) if token.kind != "end" else "the end"))
        self.index += 1
        if token.text in ("true", "false", "null") and not rooted:
            return Node("literal", token.offset, {"true": True, "false": False, "null": None}[token.text])
        if token.text in _RESERVED:
            self.fail(f"{token.text!r} is a reserved word", token.offset)
        if self.now.kind == "sign" and self.now.text == "(":
            return Node("call", token.offset, token.text, self.arguments())
        return Node("name", token.offset, token.text)

    def items(self, closing: str, opened: _Token, one: Callable[[], tuple[Node, ...]]) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self.take(closing):
            found += one()
            if not self.take(","):
                self.expect(closing, opened)
                break
        return tuple(found)

    def item(self) -> tuple[Node, ...]:
        offset = self.now.offset
        if self.take("?"):
            return (Node("optional", offset, None, (self.expression(),)),)
        return (self.expression(),)

    def entry(self) -> tuple[Node, ...]:
        offset = self.now.offset
        optional = self.take("?")
        key = self.expression()
        self.expect(":")
        value = self.expression()
        return key, Node("optional", offset, None, (value,)) if optional else value


def parse(text: str) -> Node:
    """Return the tree of an expression. Raises ExpressionError."""
    if not text.strip():
        raise ExpressionError("the expression is empty", text, 0)
    parser = _Parser(text)
    node = parser.expression()
    if parser.now.kind != "end":
        parser.fail(f"{parser.now.text!r} is not expected here")
    return node
