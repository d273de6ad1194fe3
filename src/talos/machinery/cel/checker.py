"""From a tree to something that runs: types are checked on the way, and each node becomes a function of the variables.

Types are strict as in the original: `disk.size > 10` compares a uint with an int and is an error that says so, when the
configuration is read and not when a machine looks for its disk.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, NoReturn

from talos.machinery.cel import functions, kinds, syntax
from talos.machinery.cel.environment import Environment
from talos.machinery.cel.functions import EvaluationError, Optional
from talos.machinery.cel.kinds import Kind
from talos.machinery.cel.syntax import ExpressionError, Node, Unsigned

Variables = Mapping[str, Any]


class Part(NamedTuple):
    """A checked node: its type, and its value for given variables."""

    kind: Kind
    run: Callable[[Variables], Any]


_LITERALS: dict[type, Kind] = {
    bool: kinds.BOOL,
    int: kinds.INT,
    Unsigned: kinds.UINT,
    float: kinds.DOUBLE,
    str: kinds.STRING,
    bytes: kinds.BYTES,
    type(None): kinds.NULL,
}
_MACROS = frozenset({"all", "exists", "exists_one", "existsOne", "map", "filter", "optMap", "optFlatMap"})
_SIGNS = frozenset(("+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=", "in"))


def _or(left: Part, right: Part, decides: bool) -> Callable[[Variables], bool]:
    """`||` (`decides` is true) and `&&`: either side may decide, also if the other one has no value."""

    def run(variables: Variables) -> bool:
        failure: EvaluationError | None = None
        for part in (left, right):
            try:
                if bool(part.run(variables)) is decides:
                    return decides
            except EvaluationError as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return not decides

    return run


def _given(variables: Variables, name: str) -> Any:
    try:
        return variables[name]
    except KeyError:
        raise EvaluationError(f"{name} is not known here") from None


def _get(value: Any, name: str, convert: Callable[[Any], Any]) -> Any:
    if value is None:
        raise EvaluationError(f"there is no {name} of nothing")
    return convert(getattr(value, name))


class Checker:
    """Checks one expression against one environment."""

    def __init__(self, text: str, environment: Environment) -> None:
        self.text = text
        self.environment = environment
        self.local: dict[str, Kind] = {}

    def fail(self, node: Node, message: str, near: tuple[str, Iterable[str]] | None = None) -> NoReturn:
        """Raise what is wrong with a node, with the nearest of the words it could have been."""
        if near is not None:
            found = difflib.get_close_matches(near[0], list(near[1]), 1)
            message += f"; did you mean {found[0]!r}?" if found else ""
        raise ExpressionError(message, self.text, node.offset)

    def check(self, node: Node) -> Part:
        """Return a node with its type. Raises ExpressionError."""
        return getattr(self, "_" + node.kind.replace("-", "_"))(node)  # type: ignore[no-any-return]

    def _literal(self, node: Node) -> Part:
        value = node.value
        return Part(_LITERALS[type(value)], lambda _: value)

    def _name(self, node: Node) -> Part:
        name = node.value
        if name in self.local:
            return Part(self.local[name], lambda variables: variables[name])
        if name in self.environment.constants:
            kind, value = self.environment.constants[name]
            return Part(kind, lambda _: value)
        if name in self.environment.variables:
            convert = self.environment.converter(self.environment.variables[name])
            return Part(self.environment.variables[name], lambda variables: convert(_given(variables, name)))
        if name not in kinds.PLAIN and name not in ("list", "map"):
            self._unknown(node)
        return Part(kinds.TYPE, lambda _: functions.TypeName(name))

    def _unknown(self, node: Node) -> NoReturn:
        variables = self.environment.variables
        names = f": here there is {', '.join(variables)}" if len(variables) < 6 else ""
        self.fail(node, f"unknown name {node.value!r}{names}", (node.value, [*variables, *self.environment.constants]))

    def _select(self, node: Node) -> Part:
        operand = self.check(node.parts[0])
        kind, name, run = operand.kind, node.value, operand.run
        if kind.name == "optional":
            inner = self._field(node, kind.of[0])
            return Part(kinds.optional(inner.kind), _optional_field(run, inner.run))
        field = self._field(node, kind)
        get = field.run
        if kind == kinds.DYN:
            return Part(kinds.DYN, lambda variables: functions.lookup(run(variables), name))
        return Part(field.kind, lambda variables: get(run(variables)))

    def _field(self, node: Node, kind: Kind) -> Part:
        """The type of a field, and how it is read from a value."""
        name = node.value
        if kind.name == "map":
            return Part(kind.of[1], lambda table: functions.lookup(table, name))
        if kind == kinds.DYN:
            return Part(kinds.DYN, lambda table: functions.lookup(table, name))
        fields = self.environment.messages.get(kind.name)
        if fields is None:
            self.fail(node, f"{self._words(kind)} has no fields, {name!r} was asked for")
        if name not in fields:
            self.fail(node, f"{self._words(kind)} has no field {name!r}", (name, fields))
        convert = self.environment.converter(fields[name])
        return Part(fields[name], lambda value: _get(value, name, convert))

    def _optional_select(self, node: Node) -> Part:
        operand = self.check(node.parts[0])
        if not self.environment.optionals:
            self.fail(node, "optional values are not there in this expression")
        kind = operand.kind.of[0] if operand.kind.name == "optional" else operand.kind
        field = self._field(node, kind)
        run = operand.run
        if operand.kind.name != "optional":
            inner = run
            run = lambda variables: Optional(True, inner(variables))  # noqa: E731
        return Part(kinds.optional(field.kind), _optional_field(run, field.run))

    def _list(self, node: Node) -> Part:
        parts = [self.check(one.parts[0] if one.kind == "optional" else one) for one in node.parts]
        marks = [one.kind == "optional" for one in node.parts]
        found = [
            p.kind.of[0] if mark and p.kind.name == "optional" else p.kind for p, mark in zip(parts, marks, strict=True)
        ]

        def run(variables: Variables) -> list[Any]:
            values = [(part.run(variables), mark) for part, mark in zip(parts, marks, strict=True)]
            return [value.value if mark else value for value, mark in values if not mark or value.present]

        return Part(kinds.listing(kinds.join(found)), run)

    def _map(self, node: Node) -> Part:
        keys = [self.check(one) for one in node.parts[::2]]
        for one, key in zip(node.parts[::2], keys, strict=True):
            if key.kind not in (kinds.BOOL, kinds.INT, kinds.UINT, kinds.STRING, kinds.DYN):
                self.fail(one, f"{self._words(key.kind)} can not be the key of a map")
        values = [self.check(one.parts[0] if one.kind == "optional" else one) for one in node.parts[1::2]]
        marks = [one.kind == "optional" for one in node.parts[1::2]]
        found = [
            p.kind.of[0] if mark and p.kind.name == "optional" else p.kind
            for p, mark in zip(values, marks, strict=True)
        ]

        def run(variables: Variables) -> dict[Any, Any]:
            table: dict[Any, Any] = {}
            for key_part, part, mark in zip(keys, values, marks, strict=True):
                key, value = key_part.run(variables), part.run(variables)
                if key in table:
                    raise EvaluationError(f"the map has the key {key!r} twice")
                if not mark or value.present:
                    table[key] = value.value if mark else value
            return table

        return Part(kinds.mapping(kinds.join([key.kind for key in keys]), kinds.join(found)), run)

    def _optional(self, node: Node) -> Part:
        self.fail(node, "a question mark has no meaning here")

    def _call(self, node: Node) -> Part:
        name = node.value
        if name in ("&&", "||"):
            left, right = (self._boolean(part, name) for part in node.parts)
            return Part(kinds.BOOL, _or(left, right, name == "||"))
        if name == "?:":
            return self._choice(node)
        if name == "has":
            return self._has(node)
        return self._apply(node, name, [self.check(part) for part in node.parts])

    def _method(self, node: Node) -> Part:
        name, target = node.value, node.parts[0]
        if (
            target == Node("name", target.offset, "optional")
            and self.environment.optionals
            and "optional" not in self.local
        ):
            return self._apply(node, f"optional.{name}", [self.check(part) for part in node.parts[1:]])
        if name in _MACROS and len(node.parts) in (3, 4):
            return self._macro(node)
        return self._apply(node, "." + name, [self.check(part) for part in node.parts])

    def _boolean(self, node: Node, user: str) -> Part:
        part = self.check(node)
        if part.kind not in (kinds.BOOL, kinds.DYN):
            self.fail(node, f"{user!r} wants true or false, this is {self._words(part.kind)}")
        return part

    def _choice(self, node: Node) -> Part:
        condition = self._boolean(node.parts[0], "?")
        yes, no = self.check(node.parts[1]), self.check(node.parts[2])
        if not kinds.unify(yes.kind, no.kind, {}):
            self.fail(node.parts[2], f"both sides of ':' have to be of one type, {yes.kind} or {no.kind}")
        kind = no.kind if yes.kind == kinds.DYN else yes.kind
        return Part(kind, lambda variables: (yes if condition.run(variables) else no).run(variables))

    def _has(self, node: Node) -> Part:
        if len(node.parts) != 1 or node.parts[0].kind != "select":
            self.fail(node, "has() wants a field such as has(disk.model)")
        operand, field = self.check(node.parts[0].parts[0]), node.parts[0]
        self.check(field)
        name = field.value

        def run(variables: Variables) -> bool:
            value = operand.run(variables)
            if isinstance(value, Mapping):
                return name in value
            return bool(getattr(value, name))

        return Part(kinds.BOOL, run)

    def _apply(self, node: Node, name: str, parts: list[Part]) -> Part:
        overloads = self.environment.functions.get(name)
        if overloads is None:
            plain = name.lstrip(".")
            known = {key.lstrip(".") for key in self.environment.functions if key.lstrip(".")[:1].isalpha()}
            self.fail(node, f"unknown function {plain!r}", (plain, known))
        given = [part.kind for part in parts]
        fitting: list[tuple[functions.Overload, Kind]] = []
        for one in overloads:
            bound: dict[str, Kind] = {}
            if len(one.takes) == len(given) and all(
                kinds.unify(wanted, kind, bound) for wanted, kind in zip(one.takes, given, strict=True)
            ):
                fitting.append((one, kinds.substitute(one.gives, bound)))
        if not fitting:
            self.fail(node, self._misfit(name, given, overloads))
        runs = [part.run for part in parts]
        kind = kinds.join([gives for _, gives in fitting])
        if len(fitting) == 1:
            work = fitting[0][0].run
            return Part(kind, lambda variables: work(*[run(variables) for run in runs]))
        return Part(kind, _dispatch(name, [one for one, _ in fitting], runs))

    def _misfit(self, name: str, given: list[Kind], overloads: tuple[functions.Overload, ...]) -> str:
        plain = name.lstrip(".").removesuffix("_")
        types = " and ".join(map(self._words, given)) or "nothing"
        if name not in _SIGNS:
            wanted = " or ".join(f"({', '.join(map(str, one.takes))})" for one in overloads[:4])
            return f"{plain!r} can not take {types}; it takes {wanted}"
        hint = ""
        if {kinds.INT, kinds.UINT} == set(given):
            hint = "; write an unsigned number with a u: 10u"
        elif kinds.DOUBLE in given and set(given) & {kinds.INT, kinds.UINT}:
            hint = "; write a double with a point: 10.0, or use double(…)"
        return f"{plain!r} can not take {types}{hint}"

    def _words(self, kind: Kind) -> str:
        return f"a {kind.name.rpartition('.')[2].removesuffix('Spec')}" if "." in kind.name else str(kind)

    def _macro(self, node: Node) -> Part:
        name, target = node.value, self.check(node.parts[0])
        variable = node.parts[1]
        if variable.kind != "name":
            self.fail(variable, f"{name}() wants the name of a variable first")
        if name in ("optMap", "optFlatMap"):
            if target.kind.name != "optional" or len(node.parts) != 3:
                self.fail(node, f"{name}() is for optional values, this is {self._words(target.kind)}")
            return self._optional_macro(node, target)
        if target.kind.name not in ("list", "map", "dyn"):
            self.fail(node, f"{name}() is for lists and maps, this is {self._words(target.kind)}")
        if len(node.parts) == 4 and name != "map":
            self.fail(node, f"{name}() takes a variable and one expression")
        outer = dict(self.local)
        self.local[variable.value] = target.kind.of[0] if target.kind.of else kinds.DYN
        inner = [
            self._boolean(part, name) if name != "map" or (len(node.parts) == 4 and number == 0) else self.check(part)
            for number, part in enumerate(node.parts[2:])
        ]
        self.local = outer
        return _loop(name, target, variable.value, inner)

    def _optional_macro(self, node: Node, target: Part) -> Part:
        variable = node.parts[1].value
        outer = dict(self.local)
        self.local[variable] = target.kind.of[0]
        inner = self.check(node.parts[2])
        self.local = outer
        flat = node.value == "optFlatMap"
        if flat and inner.kind.name != "optional":
            self.fail(node.parts[2], "optFlatMap() wants an optional value")

        def run(variables: Variables) -> Any:
            value = target.run(variables)
            if not value.present:
                return functions.NOTHING
            found = inner.run({**variables, variable: value.value})
            return found if flat else Optional(True, found)

        return Part(inner.kind if flat else kinds.optional(inner.kind), run)


def _optional_field(run: Callable[[Variables], Any], get: Callable[[Any], Any]) -> Callable[[Variables], Optional]:
    def selected(variables: Variables) -> Optional:
        value = run(variables)
        if not value.present:
            return functions.NOTHING
        try:
            found = get(value.value)
        except EvaluationError:
            return functions.NOTHING
        return Optional(True, found) if isinstance(value.value, Mapping) or found else functions.NOTHING

    return selected


def _dispatch(
    name: str, overloads: list[functions.Overload], runs: list[Callable[[Variables], Any]]
) -> Callable[[Variables], Any]:
    """A call whose types are known only when it happens."""

    def run(variables: Variables) -> Any:
        values = [one(variables) for one in runs]
        names = [str(functions.type_name(value)) for value in values]
        for one in overloads:
            if all(
                len(kind.name) == 1 or kind.name in (given, "dyn") for kind, given in zip(one.takes, names, strict=True)
            ):
                return one.run(*values)
        raise EvaluationError(f"{name.lstrip('.')!r} can not take {' and '.join(names)}")

    return run


def _loop(name: str, target: Part, variable: str, inner: list[Part]) -> Part:
    def rounds(variables: Variables) -> Iterable[tuple[Any, dict[str, Any]]]:
        items = target.run(variables)
        if not isinstance(items, (list, dict)):
            raise EvaluationError(f"{name}() is for lists and maps")
        for item in items:
            yield item, {**variables, variable: item}

    body = inner[0].run
    if name in ("all", "exists"):
        return Part(kinds.BOOL, lambda variables: _any(rounds(variables), body, name == "exists"))
    if name in ("exists_one", "existsOne"):
        return Part(kinds.BOOL, lambda variables: sum(bool(body(one)) for _, one in rounds(variables)) == 1)
    if name == "filter":
        kind = target.kind.of[0] if target.kind.of else kinds.DYN
        return Part(kinds.listing(kind), lambda variables: [item for item, one in rounds(variables) if body(one)])
    if len(inner) == 2:
        keep, make = body, inner[1].run
        return Part(
            kinds.listing(inner[1].kind), lambda variables: [make(one) for _, one in rounds(variables) if keep(one)]
        )
    return Part(kinds.listing(inner[0].kind), lambda variables: [body(one) for _, one in rounds(variables)])


def _any(rounds: Iterable[tuple[Any, dict[str, Any]]], body: Callable[[Variables], Any], decides: bool) -> bool:
    failure: EvaluationError | None = None
    for _, one in rounds:
        try:
            if bool(body(one)) is decides:
                return decides
        except EvaluationError as error:
            failure = failure or error
    if failure is not None:
        raise failure
    return not decides


def check(text: str, environment: Environment) -> Part:
    """Return an expression, checked and ready to run. Raises ExpressionError."""
    try:
        return Checker(text, environment).check(syntax.parse(text))
    except RecursionError:
        raise ExpressionError("the expression is too long", text, 0) from None
