"""What the image is made of, from the bill of materials in it (SPDX 2.3, JSON)."""

from __future__ import annotations

from pathlib import Path

import msgspec

from talos.base import errors
from talos.cosi import controller
from talos.machinery.resources.runtime.sbom_item import SBOMItem

FOLDER = Path("/usr/share/spdx")
_UNSAID = frozenset({"NOASSERTION", "NONE"})


class _Reference(msgspec.Struct):
    kind: str = msgspec.field(default="", name="referenceType")
    locator: str = msgspec.field(default="", name="referenceLocator")


class _Package(msgspec.Struct):
    name: str
    version: str = msgspec.field(default="", name="versionInfo")
    license: str = msgspec.field(default="", name="licenseDeclared")
    references: tuple[_Reference, ...] = msgspec.field(default=(), name="externalRefs")


class _Document(msgspec.Struct):
    """Of a document only this is read; files and relations are skipped while parsing."""

    packages: tuple[_Package, ...] = ()


def items(document: bytes) -> dict[str, SBOMItem.Spec]:
    """Package name -> item. Raises Invalid."""
    try:
        parsed = msgspec.json.decode(document, type=_Document)
    except msgspec.DecodeError as error:
        raise errors.Invalid(f"no bill of materials: {error}") from error
    return {
        package.name: SBOMItem.Spec(
            name=package.name,
            version=package.version,
            license="" if package.license in _UNSAID else package.license,
            cp_es=tuple(r.locator for r in package.references if r.kind.startswith("cpe")),
            pur_ls=tuple(r.locator for r in package.references if r.kind == "purl"),
        )
        for package in parsed.packages
    }


class SBOMItemController(controller.Controller):
    """Read once: an image does not change."""

    outputs = (controller.exclusive(SBOMItem),)

    def __init__(self) -> None:
        self._folder = FOLDER

    async def reconcile(self, r: controller.Handle) -> None:
        """Every document in the folder, one resource for each package."""
        for path in sorted(self._folder.glob("*.spdx.json")):
            try:
                found = items(path.read_bytes())
            except errors.Invalid as error:
                raise errors.Invalid(f"{path}: {error}") from error
            for id, spec in found.items():
                await r.put(SBOMItem(id, spec))
