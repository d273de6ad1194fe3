"""The system's own expressions, answered without the expression language: as it would have answered."""

from __future__ import annotations

import pytest

from talos.machined.controllers.block import _selectors
from talos.machinery import cel
from talos.machinery.resources.block.discovered_volume import DiscoveredVolume
from talos.machinery.resources.block.disk import Disk


@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize("label", ["STATE", "EPHEMERAL", ""])
@pytest.mark.parametrize("name", ["", "xfs"])
def test_the_short_way_answers_as_the_language_does(label: str, name: str, filled: bool) -> None:
    spec = DiscoveredVolume.Spec(partition_label=label, name=name)
    expression = _selectors.label("STATE", filled=filled)
    short = _selectors.Subject(Disk.Spec(), True, spec).matches(expression)
    assert short == cel.matches(expression, "volume", {"disk": Disk.Spec(), "system_disk": True, "volume": spec})
    assert short == (label == "STATE" and (bool(name) or not filled))
