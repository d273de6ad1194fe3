"""Certificate authorities that programs of the node trust: those of the image and those of the configuration."""

from __future__ import annotations

from pathlib import Path

from talos.base.constants import paths
from talos.cosi import controller
from talos.machinery.config import container
from talos.machinery.config.documents.security.trusted_roots import TrustedRootsConfig
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.files.etc_file_spec import EtcFileSpec

FILE_ID = "ssl/certs/ca-certificates.crt"
_ETC = Path("/etc")
_MARK = "\n# Authorities of the machine configuration\n"


def bundle(base: str, config: container.Container) -> str:
    """The image's authorities, then each document's under its name."""
    added = [f"\n# {one.name}\n{one.certificates.strip()}\n" for one in config.all(TrustedRootsConfig)]
    return base + _MARK + "".join(added)


class TrustedRootsController(controller.Controller):
    """Writes the bundle; without documents the image's own file stays as it is."""

    inputs = (controller.weak(MachineConfig, id=ACTIVE_ID),)
    outputs = (controller.shared(EtcFileSpec),)

    def __init__(self, etc: Path = _ETC) -> None:
        self._path = etc / paths.TRUSTED_ROOTS.relative_to(_ETC)
        self._base: str | None = None

    async def reconcile(self, r: controller.Handle) -> None:
        """One file."""
        active = await r.find(MachineConfig, ACTIVE_ID)
        if active is None or not active.documents.all(TrustedRootsConfig):
            if self._base is None:
                return
            contents = self._base
        else:
            contents = bundle(self._image(), active.documents)
        await r.put(EtcFileSpec(FILE_ID, EtcFileSpec.Spec(contents=contents.encode(), mode=0o644)))

    def _image(self) -> str:
        """The image's bundle; what an earlier machined added is left out."""
        if self._base is None:
            try:
                self._base = self._path.read_text().partition(_MARK)[0]
            except FileNotFoundError:
                self._base = ""
        return self._base
