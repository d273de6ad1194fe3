"""What holds for any configuration: it survives writing and reading, a patch can be inverted, secrets stay secret."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings

from talos.base import errors
from talos.machinery.config import container, difference, encoder, inverse, lint, loader, patcher, validation

from . import strategies

# The same examples on every run.
PROFILE = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@PROFILE
@given(strategies.configurations())
def test_any_configuration_reads_back_as_it_was_written(config: container.Container) -> None:
    text = encoder.encode(config)
    again = loader.load(text, allow_empty=True)
    assert encoder.encode(again.replace_source()) == text
    assert inverse.same(loader.load(encoder.encode(again.replace_source()), allow_empty=True), again)


@PROFILE
@given(strategies.changed())
@pytest.mark.feature("F020")
def test_the_difference_as_a_patch_turns_one_into_the_other(
    pair: tuple[container.Container, container.Container],
) -> None:
    old, new = pair
    for config in pair:
        note(encoder.encode(config).decode())
    text = inverse.between(old, new)
    assert inverse.same(patcher.patch(old, [text]) if text else old, new)
    assert bool(text) != inverse.same(old, new)


def plain(config: container.Container) -> dict[str, Any]:
    found: dict[str, Any] = {one.title: encoder.document_data(one) for one in config.documents}
    legacy = encoder.struct(config.v1alpha1) if config.v1alpha1 is not None else None
    # Both are written as null when they are not there.
    return found | ({} if legacy is None else {"v1alpha1": {k: v for k, v in legacy.items() if v is not None}})


@PROFILE
@given(strategies.changed())
@pytest.mark.feature("F020")
def test_differences_are_found_exactly_when_there_are_some(
    pair: tuple[container.Container, container.Container],
) -> None:
    old, new = pair
    found = difference.changes(old, new, order=True)
    assert bool(found) == (plain(old) != plain(new))
    assert difference.changes(old, old, order=True) == []
    assert len(difference.text(found).splitlines()) >= len(found)


@PROFILE
@given(strategies.configurations())
def test_checks_of_any_configuration_report_and_do_not_raise(config: container.Container) -> None:
    for mode in validation.Mode:
        validation.check(config, mode)
    config.redacted().encode()
    text = encoder.encode(config)
    if text:
        lint.check(text, "c.yaml")


@PROFILE
@given(strategies.changed())
def test_patching_with_any_configuration_gives_one_that_can_be_written(
    pair: tuple[container.Container, container.Container],
) -> None:
    old, new = pair
    text = encoder.encode(new)
    if not text:
        return
    try:
        merged = patcher.patch(old, [text])
    except errors.Invalid:
        # Foreign data of another type can not be merged.
        return
    loader.load(merged.encode(), allow_empty=True)
