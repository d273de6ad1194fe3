"""What the image is made of, as resources."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from talos.base import errors
from talos.imager import sbom
from talos.machined.controllers.runtime import sbom_item
from talos.machinery.resources.runtime.sbom_item import SBOMItem
from talos.testing import ctest


def _document() -> bytes:
    made = sbom.Materials()
    made.add("/usr/bin/runc", sbom.Package("runc", "v1", "Apache-2.0", "pkg:generic/runc@v1"))
    made.add("/usr/bin/mount", sbom.Package("mount", "2.41"))
    file = sbom.File("0" * 40, "0" * 64)
    return sbom.document(made, {"usr/bin/runc": file, "usr/bin/mount": file})


@pytest.mark.feature("E216", "D174", "P028")
async def test_each_package_is_a_resource(tmp_path: Path) -> None:
    (tmp_path / "a.spdx.json").write_bytes(_document())
    (tmp_path / "other.json").write_text("{}")
    made = sbom_item.SBOMItemController()
    made._folder = tmp_path
    async with ctest.bench(made) as b:
        runc = await b.expect(SBOMItem, "runc")
        assert runc.spec == SBOMItem.Spec(
            name="runc", version="v1", license="Apache-2.0", pur_ls=("pkg:generic/runc@v1",)
        )
        assert (await b.expect(SBOMItem, "mount")).spec == SBOMItem.Spec(name="mount", version="2.41")


def test_references_of_the_vulnerability_databases() -> None:
    references = [
        {"referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:x:y"},
        {"referenceType": "purl", "referenceLocator": "pkg:x/y"},
        {"referenceType": "swh", "referenceLocator": "z"},
    ]
    document = json.dumps({"packages": [{"name": "y", "externalRefs": references}]})
    (item,) = sbom_item.items(document.encode()).values()
    assert (item.cp_es, item.pur_ls) == (("cpe:2.3:a:x:y",), ("pkg:x/y",))


@pytest.mark.parametrize("document", [b"", b"[]", b'{"packages": [{}]}', b'{"packages": 1}'])
def test_what_is_no_bill(document: bytes) -> None:
    with pytest.raises(errors.Invalid):
        sbom_item.items(document)
