"""A configuration that promises protection which this release does not give is refused, not kept with a note."""

import pytest

from talos.base import errors
from talos.machined import configuration
from talos.machinery.config import _generated_consumers, loader

DOCUMENT = b"""apiVersion: v1alpha1
kind: ImageVerificationConfig
rules:
  - image: '*'
    deny: true
"""


def test_images_would_run_unchecked() -> None:
    with pytest.raises(errors.Invalid, match=r"ImageVerificationConfig.*signatures unchecked"):
        configuration.check(loader.load(DOCUMENT), "metal")


def test_a_document_that_is_read_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_generated_consumers.CONSUMERS, "ImageVerificationConfig", ("security.Somebody",))
    configuration.check(loader.load(DOCUMENT), "metal")


def test_others_are_taken_with_a_note() -> None:
    notes = configuration.check(loader.load(b"apiVersion: v1alpha1\nkind: UdevRulesConfig\nrules: [x]\n"), "metal")
    assert any("UdevRulesConfig" in one for one in notes)


def test_what_is_done_in_part_is_told() -> None:
    text = b"apiVersion: v1alpha1\nkind: SideroLinkConfig\napiUrl: https://x.example\n"
    notes = configuration.check(loader.load(text), "metal")
    assert any("SideroLinkConfig" in one and "tunnel is not made" in one for one in notes)
