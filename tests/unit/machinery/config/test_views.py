"""Where the v1alpha1 document and documents of their own say something about the same: what counts."""

from __future__ import annotations

import pytest

from talos.machinery.config import loader, views

BOTH = b"""version: v1alpha1
machine:
  sysctls: {a: legacy, b: legacy}
  sysfs: {devices.a: legacy, devices.b: legacy}
cluster:
  discovery: {enabled: true, registries: {service: {endpoint: "https://legacy.example.com/"}}}
---
apiVersion: v1alpha1
kind: SysctlConfig
params: {b: document, c: document}
---
apiVersion: v1alpha1
kind: SysfsConfig
params: {devices.b: document, devices.c: document}
---
apiVersion: v1alpha1
kind: DiscoveryServiceConfig
name: own
endpoint: https://document.example.com/
"""


@pytest.mark.feature("F007")
def test_parameters_of_both_are_taken_and_the_document_wins() -> None:
    config = loader.load(BOTH)
    assert views.sysctls(config) == {"a": "legacy", "b": "document", "c": "document"}
    assert views.sysfs(config) == {"devices.a": "legacy", "devices.b": "document", "devices.c": "document"}


@pytest.mark.feature("F007")
def test_discovery_of_the_old_section_wins() -> None:
    config = loader.load(BOTH)
    assert views.discovery(config).services == (("default", "https://legacy.example.com/"),)
    without = BOTH.replace(b"  discovery:", b"  # discovery:")
    assert views.discovery(loader.load(without)).services == (("own", "https://document.example.com/"),)
