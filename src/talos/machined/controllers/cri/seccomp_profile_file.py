"""Seccomp profiles as files below kubelet's directory, where pods name them."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

from talos.base import errors
from talos.base.constants import paths
from talos.cosi import controller
from talos.machinery.resources.cri.seccomp_profile import SeccompProfile
from talos.machinery.resources.v1alpha1.service import Service


class SeccompProfileFileController(controller.Controller):
    """Writes the profiles once /var is there (cri runs), and removes what nobody asks for."""

    inputs = (controller.weak(SeccompProfile), controller.weak(Service, id="cri"))

    async def reconcile(self, r: controller.Handle) -> None:
        """The directory follows the resources."""
        if await r.find(Service, "cri") is None:
            return
        directory = paths.SECCOMP_PROFILES
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        wanted: set[str] = set()
        for profile in await r.list(SeccompProfile):
            name = profile.spec.name
            if PurePosixPath(name).name != name:
                raise errors.Invalid(f"seccomp profile {name!r} is no file name")
            wanted.add(name)
            contents = json.dumps(profile.spec.value)
            path = directory / name
            if not path.exists() or path.read_text() != contents:
                path.write_text(contents)
        for path in directory.iterdir():
            if path.name not in wanted:
                path.unlink()
