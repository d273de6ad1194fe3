"""The runtime specification every pod container starts from, when the configuration changes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from talos.cosi import controller
from talos.machinery.resources.cri.base_runtime_spec_config import (
    BASE_RUNTIME_SPEC_OVERRIDES_ID,
    BaseRuntimeSpecConfig,
)
from talos.machinery.resources.files.etc_file_spec import EtcFileSpec
from talos.supervisor.containerd import spec


def merge(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `overrides` merged into it: objects key by key, everything else replaced."""
    merged = dict(base)
    for key, value in overrides.items():
        present = merged.get(key)
        merged[key] = merge(present, value) if isinstance(present, dict) and isinstance(value, dict) else value
    return merged


def base_spec() -> dict[str, Any]:
    """Return what containerd itself starts from."""
    options = spec.Options(host_namespaces=frozenset(), args=("/bin/sh",))
    return spec.build(spec.ImageConfig(), options, spec.Host(bounding=frozenset(spec.DEFAULT_CAPABILITIES)))


class CRIBaseRuntimeSpecController(controller.Controller):
    """Writes base-spec.json while there are overrides."""

    inputs = (controller.weak(BaseRuntimeSpecConfig),)
    outputs = (controller.shared(EtcFileSpec),)

    async def reconcile(self, r: controller.Handle) -> None:
        """One file from one resource."""
        overrides = await r.find(BaseRuntimeSpecConfig, BASE_RUNTIME_SPEC_OVERRIDES_ID)
        if overrides is None:
            return
        contents = json.dumps(merge(base_spec(), overrides.spec.object), indent=2).encode()
        await r.put(EtcFileSpec("cri/conf.d/base-spec.json", EtcFileSpec.Spec(contents=contents, mode=0o600)))
