"""Disks are sparse copies, cut off ones are made anew, and who gets which."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest

from talos.base import errors
from talos.pki import bundle
from talos.provision import configs, plan, provider, request, state
from talos.provision.providers.qemu import disks, making, programs, settings
from talos.provision.providers.qemu.hardware import DiskSpec
from talos.provision.request import GIB, MIB, Resources


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """64 MiB with data at the beginning, in the middle and at the end."""
    path = tmp_path / "image.raw"
    with path.open("wb") as made:
        for at, text in ((0, b"first"), (32 * MIB, b"middle"), (64 * MIB - 4, b"last")):
            made.seek(at)
            made.write(text)
    return path


@pytest.fixture
def cluster(tmp_path: Path, image: Path, monkeypatch: pytest.MonkeyPatch) -> state.Cluster:
    """One control plane and one worker, with three disks."""
    firmware = tmp_path / "firmware"
    firmware.mkdir()
    (firmware / "OVMF_CODE.fd").write_bytes(b"code")
    (firmware / "OVMF_VARS.fd").write_bytes(b"variables")
    (tmp_path / "bin").mkdir()
    qemu = tmp_path / "bin" / programs.PROGRAM
    qemu.write_text("#!/bin/sh\n")
    qemu.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    specs = (DiskSpec("virtio", 2 * GIB), DiskSpec("nvme", 64 * MIB), DiskSpec("scsi", 8 * MIB, 4096, "x"))
    wanted = settings.Settings(str(image), disks=specs, firmware=(str(firmware),))
    limits = Resources(disk_bytes=2 * GIB)
    asked = request.build(name="d", control_plane_resources=limits, worker_resources=limits)
    store = state.Store(tmp_path / "clusters")
    store.folder.mkdir()
    options = making.Machines(wanted).to_json()
    return store.create(asked, options=options, provisioner=state.QEMU)


async def test_the_first_disk_is_the_image_and_none_takes_room(cluster: state.Cluster, image: Path) -> None:
    worker = cluster.request.workers[0]
    step = provider.disk(state.QEMU, worker)
    await step.do(cluster, plan.Quiet())
    folder = cluster.node_folder(worker.name)
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.raw")}
    assert sizes == {"disk-0.raw": 2 * GIB, "disk-1.raw": 64 * MIB, "disk-2.raw": 8 * MIB}
    assert sum(path.stat().st_blocks for path in folder.glob("*.raw")) * 512 < MIB
    with (folder / "disk-0.raw").open("rb") as made:
        assert made.read(64 * MIB) == image.read_bytes()
    assert (folder / disks.VARIABLES).read_bytes() == b"variables"
    await step.undo(cluster)
    assert not folder.exists()
    await step.undo(cluster)


async def test_what_is_there_stays_and_what_is_half_there_is_made_anew(cluster: state.Cluster) -> None:
    worker = cluster.request.workers[0]
    folder = cluster.node_folder(worker.name)
    folder.mkdir(parents=True)
    (folder / "disk-1.raw").write_bytes(b"a guest's")
    (folder / ".disk-0.raw").write_bytes(b"cut off")
    await provider.disk(state.QEMU, worker).do(cluster, plan.Quiet())
    assert (folder / "disk-1.raw").read_bytes() == b"a guest's"
    assert os.pread(os.open(folder / "disk-0.raw", os.O_RDONLY), 5, 0) == b"first"
    assert not list(folder.glob(".disk*"))


def test_further_disks_are_for_workers(cluster: state.Cluster) -> None:
    control, worker = cluster.request.control_planes[0], cluster.request.workers[0]
    assert [disk.spec.driver for disk in disks.of(cluster, control)] == ["virtio"]
    assert [disk.spec.driver for disk in disks.of(cluster, worker)] == ["virtio", "nvme", "scsi"]
    everywhere = dataclasses.replace(settings.Settings.of(cluster.state.options), disks_everywhere=True)
    cluster.update(options=making.Machines(everywhere).to_json())
    assert len(disks.of(cluster, control)) == 3


def test_the_state_file_gives_back_what_was_asked_for(cluster: state.Cluster) -> None:
    loaded = cluster.store.load("d")
    assert loaded.state == cluster.state
    assert loaded.state.provisioner == state.QEMU
    # A repeated create compares options as they are in the file.
    assert json.loads(json.dumps(cluster.state.options)) == cluster.state.options
    assert settings.Settings.of(loaded.state.options) == settings.Settings.of(cluster.state.options)


def test_state_files_of_before_are_of_namespaces(cluster: state.Cluster) -> None:
    content = cluster.state.to_json()
    del content["provisioner"]
    assert state.State.from_json(content).provisioner == state.NAMESPACES


@pytest.mark.parametrize(("given", "known"), [("docker", "namespaces"), ("namespaces", "namespaces"), ("qemu", "qemu")])
def test_provisioners_by_name(given: str, known: str) -> None:
    assert provider.known(given) == known


def test_other_provisioners_are_refused() -> None:
    with pytest.raises(errors.Unsupported, match="firecracker"):
        provider.known("firecracker")


def test_emulation_takes_longer(cluster: state.Cluster) -> None:
    assert provider.time_scale(cluster) > 1
    fast = dataclasses.replace(settings.Settings.of(cluster.state.options), accelerator="kvm")
    cluster.update(options=making.Machines(fast).to_json())
    assert provider.time_scale(cluster) == 1


def test_an_emulated_api_server_is_given_time(cluster: state.Cluster) -> None:
    made = bundle.generate()
    asked, options = cluster.request, cluster.state.options
    emulated = configs.containers(asked, made, options)
    assert b"startupProbes: true" in emulated[request.Role.CONTROL_PLANE].encode()
    assert b"startupProbes" not in emulated[request.Role.WORKER].encode()
    fast = dataclasses.replace(settings.Settings.of(options), accelerator="kvm")
    options = making.Machines(fast).to_json()
    assert b"startupProbes: true" not in configs.containers(asked, made, options)[request.Role.CONTROL_PLANE].encode()
