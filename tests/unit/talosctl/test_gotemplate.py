"""The part of Go's templates that column files use: outcomes as Go's text/template gives them."""

from __future__ import annotations

from typing import Any

import pytest

from talos.base import errors
from talos.talosctl import gotemplate

DATA: dict[str, Any] = {
    "Name": "web",
    "Empty": "",
    "Count": 3,
    "List": ["a", "b"],
    "Map": {"y": {"z": 2}, "x": {"z": 1}},
    "Method": lambda: "called",
    "Add": lambda *given: sum(given),
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("{{ .Name }}!", "web!"),
        ("{{.Map.y.z}}", "2"),
        ("{{ .Method }}", "called"),
        ("{{ .Add 1 .Count }}", "4"),
        ("{{ .Add 1 | .Add 2 }}", "3"),
        ("{{ .Add (.Add 1 1) 5 }}", "7"),
        ('{{ .Name | printf "%6s|" }}', "   web|"),
        ('{{ printf "%-6s|%3d|%05d|%.2f|%q|%x|%%" .Name .Count .Count 1.5 "a" 255 }}',
         'web   |  3|00003|1.50|"a"|ff|%'),
        ('{{ printf "%.1s" .Name }}', "w"),
        ('{{ printf "%3s" .List }}', "[  a   b]"),
        ('{{ printf "%d" .Name }}', "%!d(web)"),
        ('{{ printf "%s" }}', "%!s(MISSING)"),
        ("{{ .List }} {{ .Map }}", "[a b] map[x:map[z:1] y:map[z:2]]"),
        ("{{ .List | len }}", "2"),
        ('{{ if .Name }}yes{{ else }}no{{ end }}', "yes"),
        ('{{ if .Empty }}yes{{ else }}no{{ end }}', "no"),
        ('{{ if .Empty }}a{{ else if eq .Count 3 }}b{{ else }}c{{ end }}', "b"),
        ('{{ if and .Name (not .Empty) }}both{{ end }}', "both"),
        ('{{ range $k, $v := .Map }}{{ $k }}={{ $v.z }} {{ end }}', "x=1 y=2 "),
        ('{{ range .List }}<{{ . }}>{{ end }}', "<a><b>"),
        ('{{ range $one := .List }}{{ $one }}{{ $.Count }}{{ end }}', "a3b3"),
        ('{{ range .Empty }}x{{ else }}none{{ end }}', "none"),
        ('{{ with .Map }}{{ .x.z }}{{ end }}', "1"),
        ('{{ $n := .Count }}{{ $n }}', "3"),
        ("a  {{- .Name -}}  b", "awebb"),
        ("{{/* nothing */}}x", "x"),
        ("{{ index .Map \"x\" \"z\" }}", "1"),
        ("{{ `raw\\n` }}{{ \"a\\tb\" }}", "raw\\na\tb"),
    ],
)  # fmt: skip
def test_outcomes(template: str, text: str) -> None:
    assert gotemplate.Template(template).render(DATA) == text


@pytest.mark.parametrize(
    "template",
    ["{{ if .Name }}", "{{ end }}", "{{ nothing .Name }}", "{{ (.Name }}", "{{ .Name ! }}", "{{ }}", "{{ .Name ) }}"],
)
def test_templates_that_make_no_sense(template: str) -> None:
    with pytest.raises(errors.Invalid):
        gotemplate.Template(template)


@pytest.mark.parametrize("template", ["{{ .Nope }}", "{{ .Name.x }}", "{{ $x }}", "{{ .Name .Count }}", "{{ len 3 }}"])
def test_data_that_does_not_fit(template: str) -> None:
    with pytest.raises(errors.Invalid):
        gotemplate.Template(template).render(DATA)
