from pathlib import Path

import pytest

from talos.machined.controllers.secrets import trusted_roots
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.files.etc_file_spec import EtcFileSpec
from talos.testing import ctest

DOCUMENT = b"""
apiVersion: v1alpha1
kind: TrustedRootsConfig
name: company
certificates: |
  -----BEGIN CERTIFICATE-----
  MIIB
  -----END CERTIFICATE-----
"""


@pytest.mark.feature("E237")
async def test_authorities_are_added_to_the_images_and_taken_away(tmp_path: Path) -> None:
    file = tmp_path / trusted_roots.FILE_ID
    file.parent.mkdir(parents=True)
    file.write_text("image\n")
    async with ctest.bench(trusted_roots.TrustedRootsController(tmp_path)) as b:
        assert await b.ids(EtcFileSpec) == []
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=DOCUMENT)))
        made = (await b.expect(EtcFileSpec, trusted_roots.FILE_ID)).spec
        text = made.contents.decode()
        assert text.startswith("image\n")
        assert "\n# company\n-----BEGIN CERTIFICATE-----\nMIIB\n" in text
        assert made.mode == 0o644
    # A machined that starts again finds its own work in place.
    file.write_text(text)
    async with ctest.bench(trusted_roots.TrustedRootsController(tmp_path)) as b:
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=DOCUMENT)))
        assert (await b.expect(EtcFileSpec, trusted_roots.FILE_ID)).spec == made
        await b.destroy(MachineConfig, ACTIVE_ID)
        found = await b.expect(EtcFileSpec, trusted_roots.FILE_ID, lambda one: one.spec != made)
        assert found.spec.contents == b"image\n"
