"""A node upgrades to a second build over its API, and boots it.

The second build has the same files under another version and command line; it comes as the imager's installer image,
imported over the API as a registry is not in reach.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from talos.base.constants import versions
from talos.imager import output, uki
from tests.vm import installed
from tests.vm.installed import Machine
from tests.vm.test_bad_systems import install

pytestmark = [pytest.mark.needs_machine, pytest.mark.slow, pytest.mark.vm_full, pytest.mark.timeout(3600)]
SECOND = "v1.14.99"
NAME = "example.org/installer:second"


def archive(folder: Path) -> Path:
    """An OCI archive of an installer image with the second build."""
    base = output.find_base(installed.image_dir(), installed.tree(folder).path)
    parts = {section.name: section.data for section in uki.sections(base.image.read_bytes())}
    release = parts[".osrel"].replace(versions.RELEASE.encode(), SECOND.encode())
    assert release != parts[".osrel"]
    made = uki.build(
        base.stub.read_bytes(),
        kernel=parts[".linux"],
        initramfs=parts[".initrd"],
        cmdline=parts[".cmdline"].decode().strip("\0\n") + " second.build",
        os_release=release,
        release=parts[".uname"].decode().strip("\0\n"),
    )
    (folder / "second.efi").write_bytes(made)
    scratch = folder / "installer"
    scratch.mkdir()
    output.installer(base, folder / "second.efi", folder / "installer.tar", NAME, scratch)
    return folder / "installer.tar"


def asks(machine: Machine, *words: str) -> str:
    return machine.answer(*words, insecure=False)


def is_second(machine: Machine) -> bool:
    return "second.build" in asks(machine, "read", "/proc/cmdline")


@pytest.mark.feature("J009")
def test_a_node_upgrades_over_its_api(tmp_path: Path) -> None:
    install(tmp_path)
    image = archive(tmp_path)
    with Machine(tmp_path, serial="first.log") as machine:
        machine.answer("version")
        applied = machine.talosctl("apply-config", "--file", str(installed.generate_config(tmp_path, disk="/dev/vda")))
        assert applied.returncode == 0, applied.stderr
        machine.wait_for(r"service\[cri\]\(Running\): health check succeeded", 600)
        assert not is_second(machine)
        imported = machine.talosctl("image", "import", str(image), "--namespace", "system", insecure=False)
        assert imported.returncode == 0, imported.stderr
        done = machine.talosctl("upgrade", "--image", NAME, "--force", "--wait=false", insecure=False, timeout_s=600)
        assert done.returncode == 0, done.stdout + done.stderr + machine.console()[-3000:]
        machine.wait_end()
        assert f"upgrading to {SECOND}" in machine.console()
    assert "pytalos-00000002+3.conf" in installed.marks(machine)
    with Machine(tmp_path, serial="second.log") as machine:
        assert is_second(machine)
