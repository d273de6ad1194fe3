"""Writes the files of extension services to where their containers are shown them from, and takes old ones away.

Below `/system/overlays/extensions/<service>` a file has its path in the container with dashes for slashes: a flat
directory, out of which no path can lead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from talos.cosi import controller
from talos.machinery.resources.runtime.extension_service_config import ExtensionServiceConfig
from talos.machinery.resources.runtime.extension_service_config_status import ExtensionServiceConfigStatus

ROOT = Path("/system/overlays/extensions")


def file_name(mount_path: str) -> str:
    """`/usr/local/etc/nut/upsmon.conf` -> `usr-local-etc-nut-upsmon.conf`."""
    return mount_path.strip("/").replace("/", "-")


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    scratch = path.with_name(f".{path.name}.new")
    fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w") as target:
        target.write(text)
    scratch.replace(path)


def store(folder: Path, files: Mapping[str, str]) -> None:
    """Make a directory hold these files and no others. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for one in folder.iterdir():
        if one.name not in files:
            one.unlink()
    for name, text in files.items():
        _write(folder / name, text)


class ExtensionServiceConfigFilesController(controller.Controller):
    """Reports the version that is on disk, so that a service is started with it and not before."""

    inputs = (controller.weak(ExtensionServiceConfig),)
    outputs = (controller.exclusive(ExtensionServiceConfigStatus),)

    def __init__(self) -> None:
        self._root = ROOT

    async def reconcile(self, r: controller.Handle) -> None:
        """A directory for each service; those of services that nobody configures any more go."""
        wanted = {one.id: one for one in await r.list(ExtensionServiceConfig)}
        if self._root.is_dir():
            for old in self._root.iterdir():
                if old.name not in wanted:
                    shutil.rmtree(old)
        for id, one in wanted.items():
            files = {file_name(file.mount_path): file.content for file in one.spec.files}
            store(self._root / file_name(id), files)
            spec = ExtensionServiceConfigStatus.Spec(spec_version=str(one.metadata.version))
            await r.put(ExtensionServiceConfigStatus(id, spec))
