"""What the machine is and what is wrong with it, as resources."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from talos.base import errors
from talos.machined.controllers.runtime import (
    diagnostics,
    diagnostics_logger,
    extension_service_config,
    extension_service_config_files,
    extension_status,
    image_factory_schematic,
    mount_status,
    security_state,
    unique_token,
)
from talos.machinery.resources.block import mount_request
from talos.machinery.resources.block import mount_status as block
from talos.machinery.resources.block.volume_status import VolumeStatus
from talos.machinery.resources.config.machine_config import ACTIVE_ID, MachineConfig
from talos.machinery.resources.network.node_address import NODE_ADDRESS_ROUTED_ID, NodeAddress
from talos.machinery.resources.runtime.diagnostic import Diagnostic
from talos.machinery.resources.runtime.extension_service_config import ExtensionServiceConfig
from talos.machinery.resources.runtime.extension_service_config_status import ExtensionServiceConfigStatus
from talos.machinery.resources.runtime.extension_status import ExtensionStatus
from talos.machinery.resources.runtime.image_factory_schematic import (
    IMAGE_FACTORY_SCHEMATIC_ID,
    ImageFactorySchematic,
)
from talos.machinery.resources.runtime.meta_key import MetaKey
from talos.machinery.resources.runtime.meta_load import META_LOADED_ID, MetaLoad
from talos.machinery.resources.runtime.mount_status import MountStatus
from talos.machinery.resources.runtime.security_state import SECURITY_STATE_ID, SecurityState
from talos.machinery.resources.runtime.unique_machine_token import UNIQUE_MACHINE_TOKEN_ID, UniqueMachineToken
from talos.machinery.types import block as block_types
from talos.machinery.types import runtime
from talos.testing import ctest

CLUSTER = b"""version: v1alpha1
machine: {type: worker}
cluster:
  network:
    podSubnets: [10.244.0.0/16]
    serviceSubnets: [10.96.0.0/12]
"""


@pytest.mark.feature("E215")
async def test_mounts_in_the_old_form() -> None:
    mount = block.MountStatus.Spec(
        spec=mount_request.MountRequest.Spec(volume_id="STATE"),
        source="/dev/dm-0",
        target="/system/state",
        filesystem=block_types.FilesystemType.XFS,
        read_only=True,
        encryption_provider=block_types.EncryptionProviderType.LUKS2,
    )
    async with ctest.bench(mount_status.MountStatusController()) as b:
        await b.put(VolumeStatus("STATE", VolumeStatus.Spec(configured_encryption_keys=("nodeID",))))
        await b.put(block.MountStatus("STATE", mount))
        found = (await b.expect(MountStatus, "STATE")).spec
        assert (found.source, found.target, found.filesystem_type) == ("/dev/dm-0", "/system/state", "xfs")
        assert (found.options, found.encrypted, found.encryption_providers) == (("ro",), True, ("nodeID",))
        await b.destroy(block.MountStatus, "STATE")
        assert await b.ids(MountStatus) == []


EXTENSIONS = """layers:
  - image: 000.gvisor.sqsh
    metadata: {name: gvisor, version: 1.0.0}
  - image: ""
    metadata: {name: schematic, version: abcd, annotations: {flavor: metal}}
"""


@pytest.mark.feature("E198", "E199")
async def test_extensions_of_the_image(tmp_path: Path) -> None:
    reader = extension_status.ExtensionStatusController()
    reader._path = tmp_path / "extensions.yaml"
    reader._path.write_text(EXTENSIONS)
    async with ctest.bench(reader, image_factory_schematic.ImageFactorySchematicController()) as b:
        assert await b.ids(ExtensionStatus) == ["0", "schematic"]
        assert (await b.expect(ExtensionStatus, "0")).spec.metadata == {"name": "gvisor", "version": "1.0.0"}
        made = (await b.expect(ImageFactorySchematic, IMAGE_FACTORY_SCHEMATIC_ID)).spec
        assert (made.schematic_id, made.flavor) == ("abcd", "metal")


@pytest.mark.parametrize("text", ["layers: [1]", "[", "layers: {}"])
def test_a_broken_list_is_an_error_or_nothing(text: str) -> None:
    if text == "layers: {}":
        assert extension_status.layers(text) == {}
        return
    with pytest.raises(errors.Invalid):
        extension_status.layers(text)


@pytest.mark.feature("E217")
async def test_how_the_machine_is_protected(tmp_path: Path) -> None:
    reader = security_state.SecurityStateController()
    reader._root = tmp_path
    async with ctest.bench(reader) as b:
        assert (await b.expect(SecurityState, SECURITY_STATE_ID)).spec == SecurityState.Spec()
    for name, value in (
        ("sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", b"\x06\0\0\0\x01"),
        ("sys/firmware/efi/efivars/StubInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", b"\x06\0\0\0s\0d\0"),
        ("sys/module/module/parameters/sig_enforce", b"Y\n"),
        ("sys/fs/selinux/enforce", b"0"),
        ("proc/sys/crypto/fips_enabled", b"1\n"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(value)
    found = security_state.state(tmp_path)
    assert (found.secure_boot, found.booted_with_uki, found.module_signature_enforced) == (True, True, True)
    assert (found.se_linux_state, found.fips_state) == (runtime.SELinuxState.PERMISSIVE, runtime.FIPSState.ENABLED)


@pytest.mark.feature("E218")
async def test_the_token_of_the_machine() -> None:
    document = b"apiVersion: v1alpha1\nkind: SideroLinkConfig\napiUrl: https://x.example\nuniqueToken: mine\n"
    async with ctest.bench(unique_token.UniqueMachineTokenController()) as b:
        await b.put(MetaKey(unique_token.META_KEY, MetaKey.Spec(value="kept")))
        assert await b.ids(UniqueMachineToken) == []
        await b.put(MetaLoad(META_LOADED_ID, MetaLoad.Spec(done=True)))
        assert (await b.expect(UniqueMachineToken, UNIQUE_MACHINE_TOKEN_ID)).spec.token == "kept"
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=document)))
        assert (await b.expect(UniqueMachineToken, UNIQUE_MACHINE_TOKEN_ID)).spec.token == "mine"


@pytest.mark.feature("E187")
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.5.0.2/24", ()),
        ("fd00::1/64", ()),
        ("10.244.3.4/24", ("host address 10.244.3.4/24 is in pod network 10.244.0.0/16",)),
        ("10.1.0.1/8", ("host network 10.0.0.0/8 and pod network 10.244.0.0/16 overlap",)),
    ],
)
async def test_networks_that_overlap(address: str, expected: tuple[str, ...]) -> None:
    async with ctest.bench(diagnostics.DiagnosticsController()) as b:
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=CLUSTER)))
        await b.put(NodeAddress(NODE_ADDRESS_ROUTED_ID, NodeAddress.Spec(addresses=(address,))))
        if not expected:
            assert await b.ids(Diagnostic) == []
            return
        details = (await b.expect(Diagnostic, diagnostics.OVERLAP_ID)).spec.details
        assert set(expected) <= set(details)
        await b.put(NodeAddress(NODE_ADDRESS_ROUTED_ID, NodeAddress.Spec(addresses=("10.5.0.2/24",))))
        assert await b.ids(Diagnostic) == []


@pytest.mark.feature("E188")
async def test_lasting_warnings_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    teller = diagnostics_logger.DiagnosticsLoggerController()
    teller._settle_s = 0.05
    async with ctest.bench(teller) as b:
        warning = Diagnostic("x", Diagnostic.Spec(message="broken", details=("here",)))
        await b.put(warning)
        assert "broken" not in caplog.text
        await _until(lambda: "diagnostic x: broken: here" in caplog.text)
        await b.put(Diagnostic("y", Diagnostic.Spec(message="brief")))
        await b.destroy(Diagnostic, "y")
        await b.destroy(Diagnostic, "x")
        await _until(lambda: "diagnostic x: settled" in caplog.text)
    assert caplog.text.count("broken") == 1
    assert "brief" not in caplog.text


async def _until(condition: Callable[[], bool]) -> None:

    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.feature("E193", "E194")
async def test_files_of_extension_services(tmp_path: Path) -> None:
    writer = extension_service_config_files.ExtensionServiceConfigFilesController()
    writer._root = tmp_path / "extensions"
    document = """apiVersion: v1alpha1
kind: ExtensionServiceConfig
name: nut-client
configFiles:
  - mountPath: /usr/local/etc/nut/upsmon.conf
    content: %s
environment: [NUT_UPS=ups]
"""
    async with ctest.bench(extension_service_config.ExtensionServiceConfigController(), writer) as b:
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=(document % "one").encode())))
        first = (await b.expect(ExtensionServiceConfigStatus, "nut-client")).spec.spec_version
        assert (await b.expect(ExtensionServiceConfig, "nut-client")).spec.environment == ("NUT_UPS=ups",)
        file = writer._root / "nut-client/usr-local-etc-nut-upsmon.conf"
        assert file.read_text() == "one"
        assert file.stat().st_mode & 0o777 == 0o600
        (file.parent / "stale").touch()
        await b.put(MachineConfig(ACTIVE_ID, MachineConfig.Spec(source=(document % "two").encode())))
        second = (await b.expect(ExtensionServiceConfigStatus, "nut-client")).spec.spec_version
        assert (file.read_text(), first != second) == ("two", True)
        assert [one.name for one in file.parent.iterdir()] == [file.name]
        await b.destroy(MachineConfig, ACTIVE_ID)
        assert not file.parent.exists()
