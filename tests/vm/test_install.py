"""From a medium to the disk: a configuration sent in maintenance installs the system, and the machine boots from it.

A second disk that holds something stays as it is.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from talos.boot import entries
from tests.vm import installed

pytestmark = [pytest.mark.needs_machine, pytest.mark.slow, pytest.mark.timeout(3000)]
_OTHER = b"somebody else's data" * 50_000


@pytest.mark.feature("H010", "H036", "I006", "J003", "J009")
def test_a_configuration_installs_and_the_machine_boots_from_its_disk(tmp_path: Path) -> None:
    medium = installed.make_medium(tmp_path / "medium.raw", installed.image_dir() / "pytalos.efi", tmp_path)
    config = installed.generate_config(tmp_path, disk="/dev/vdb")
    other = tmp_path / "other.raw"
    other.write_bytes(_OTHER)
    with installed.Machine(tmp_path, start_from=medium, others=[other], serial="first.log") as machine:
        machine.wait_for(r"service\[apid\]\(Running\): health check succeeded")
        machine.answer("version")
        applied = machine.talosctl("apply-config", "--file", str(config))
        assert applied.returncode == 0, applied.stderr
        machine.wait_for(r"sequence install begins", 300)
        machine.wait_for(r"configuration written to STATE", 600)
        machine.wait_end()
    assert hashlib.sha256(other.read_bytes()).digest() == hashlib.sha256(_OTHER).digest()
    fd, part, table = installed.system_partition(tmp_path / "target.raw")
    with os.fdopen(fd, "rb"):
        chosen = entries.choice(part.entries())
        assert chosen is not None
        image = b"".join(part.volume.read(chosen.image))
    assert image == (installed.image_dir() / "pytalos.efi").read_bytes()
    assert [p.label for p in table.partitions][:3] == ["EFI", "META", "STATE"]
    with installed.Machine(tmp_path, others=[other], serial="second.log") as machine:
        # No maintenance: the configuration is found on the disk.
        machine.wait_for(r"sequence boot begins")
        assert "waits for one at" not in machine.console()
        machine.wait_for(r"volume EPHEMERAL is mounted at /var", 600)
        machine.wait_for(r"service\[cri\]\(Running\)", 600)
    assert hashlib.sha256(other.read_bytes()).digest() == hashlib.sha256(_OTHER).digest()
    _comes_back_from_a_bad_system(tmp_path)


def _comes_back_from_a_bad_system(folder: Path) -> None:
    """A kernel that panics three times is given up, and the system before it runs again, without help."""
    entry = installed.add_system(folder / "target.raw", installed.make_panicking(folder), "v9")
    for attempt in range(entries.TRIES):
        with installed.Machine(folder, serial=f"bad-{attempt}.log") as machine:
            machine.wait_end(600)
            assert "Kernel panic" in machine.console()
    assert f"{entry.removesuffix('.conf')}+0-3.conf" in installed.marks(machine)
    with installed.Machine(folder, serial="back.log") as machine:
        machine.wait_for(r"sequence boot begins")
