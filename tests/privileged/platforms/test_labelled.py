"""A configuration on a real block device: a file system with the label, attached to a loop device."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from talos.base import errors
from talos.linux import block, loop
from talos.platforms import _labelled

pytestmark = [pytest.mark.needs_root, pytest.mark.needs_loop]
CONFIG = b"version: v1alpha1\nmachine:\n  type: worker\n"


def image(folder: Path, files: dict[str, bytes]) -> Path:
    content = folder / "content"
    content.mkdir()
    for name, data in files.items():
        (content / name).write_bytes(data)
    path = folder / "disk"
    with path.open("wb") as file:
        file.truncate(4 << 20)
    command = ["mkfs.ext4", "-q", "-L", "metal-iso", "-d", str(content), str(path)]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    return path


@pytest.mark.feature("O018")
@pytest.mark.parametrize(("files", "text"), [({"config.yaml": CONFIG}, CONFIG), ({"config.yaml": b"\n"}, None)])
async def test_the_file_of_the_disk_is_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], text: bytes | None
) -> None:
    with loop.attach(image(tmp_path, files), read_only=True) as device:
        # Other tests may have such disks of their own at this moment.
        mine = [one for one in block.listed() if one.name == device.path.name]
        assert len(mine) == 1
        monkeypatch.setattr(block, "listed", lambda: mine)
        assert await _labelled.configuration(total_s=5, pause_s=0.1) == text
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


async def test_a_disk_without_the_file_is_an_error(tmp_path: Path) -> None:
    with loop.attach(image(tmp_path, {"other": b""}), read_only=True) as device:
        found = _labelled.find([one for one in block.listed() if one.name == device.path.name])
        assert found == (device.path, "ext4")
        with pytest.raises(errors.Invalid, match=r"config\.yaml"):
            _labelled.read(*found)
