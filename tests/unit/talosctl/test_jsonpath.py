"""JSONPath: the examples of its documentation, and what is broken."""

from __future__ import annotations

import pytest

from talos.base import errors
from talos.talosctl import jsonpath

DATA = {
    "kind": "List",
    "items": [
        {"kind": "None", "name": "127.0.0.1", "status": {"capacity": {"cpu": "4"}}, "ready": True, "n": 1},
        {"kind": "None", "name": "127.0.0.2", "status": {"capacity": {"cpu": "8"}}, "n": 2, "a.b": "dotted"},
    ],
    "users": [{"name": "myself", "user": {}}, {"name": "e2e", "user": {"username": "admin", "password": "secret"}}],
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("kind is {.kind}", "kind is List"),
        ("{.kind}", "List"),
        ("{['kind']}", "List"),
        ("{..name}", "127.0.0.1 127.0.0.2 myself e2e"),
        ("{.items[*].name}", "127.0.0.1 127.0.0.2"),
        ("{.users[0].name}", "myself"),
        ("{.users[-1].name}", "e2e"),
        ("{.items[0:1].name}", "127.0.0.1"),
        ("{.users[0,1].name}", "myself e2e"),
        ('{.users[?(@.name=="e2e")].user.password}', "secret"),
        ("{.users[?(@.name=='e2e')].user.username}", "admin"),
        ("{.items[?(@.n>1)].name}", "127.0.0.2"),
        ("{.items[?(@.ready)].name}", "127.0.0.1"),
        ("{.items[1]['a.b']}", "dotted"),
        ("{.items[0].ready} {.items[0].n}", "true 1"),
        ("{.items[0].status}", '{"capacity":{"cpu":"4"}}'),
        ("{range .items[*]}[{.name}, {.status.capacity.cpu}] {end}", "[127.0.0.1, 4] [127.0.0.2, 8] "),
        ('{range .items[*]}{.name}{"\\t"}{.n}{"\\n"}{end}', "127.0.0.1\t1\n127.0.0.2\t2\n"),
        ("{.missing}|", "|"),
        (".kind", "List"),
        ("{@.kind}", "List"),
        ("{$.kind}", "List"),
    ],
)
def test_templates(template: str, text: str) -> None:
    assert jsonpath.render(template, DATA) == text


@pytest.mark.parametrize("template", ["{.a", "{range .a[*]}x", "{end}", "{.a[}", "{.a[?(b)]}", "{.a[?(@.b==c)]}{.x"])
def test_broken_templates(template: str) -> None:
    with pytest.raises(errors.Invalid):
        jsonpath.render(template, {"a": [{"b": 1}]})
