"""Whether KVM runs guests here. Only a guest tells: a device that opens may belong to a kernel that cannot enter one,
or that runs a few instructions of one and fails at the next kind.

The guest is the firmware of the machines without a disk: it goes through real, protected and long mode, paging, the
floating point unit and interrupts, and then says on the serial line that it found nothing to start.
"""

from __future__ import annotations

import asyncio
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from talos.provision.providers.qemu.hardware import KVM, TCG, Emulator

TCG_SCALE = 6.0
"""How much longer than with KVM everything may take under emulation."""
_DEVICE = Path("/dev/kvm")
# The boot device selection of EDK II speaks; nothing before it does on this firmware.
_UP = b"BdsDxe"
_BROKEN = (b"KVM internal error", b"emulation failure", b"KVM: entry failed")
_TIMEOUT_S = 20.0


def scale(accelerator: str) -> float:
    """Factor for time limits."""
    return TCG_SCALE if accelerator == TCG else 1.0


async def choose(emulator: Emulator, device: Path = _DEVICE) -> tuple[str, str]:
    """The accelerator to use, and why not KVM (empty with KVM)."""
    if not os.access(device, os.R_OK | os.W_OK):
        return TCG, f"{device} cannot be opened"
    reason = await refusal(emulator, KVM)
    return (TCG, reason) if reason else (KVM, "")


async def refusal(emulator: Emulator, accelerator: str, timeout_s: float = _TIMEOUT_S) -> str:
    """Boot the guest; empty when it ran, else what went wrong."""
    return await asyncio.to_thread(_refusal, emulator, accelerator, timeout_s)


def stub(emulator: Emulator, accelerator: str, variables: Path) -> list[str]:
    """The command line of the guest, whose serial line is standard output."""
    words = [*emulator.argv, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-machine", "q35"]
    words += ["-accel", accelerator, "-cpu", "host" if accelerator == KVM else "max,-svm", "-m", "256M"]
    words += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={emulator.code}"]
    words += ["-drive", f"if=pflash,unit=1,format=raw,file={variables}"]
    return [*words, "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]


def _refusal(emulator: Emulator, accelerator: str, timeout_s: float) -> str:
    with tempfile.TemporaryDirectory(prefix="talos-probe-") as folder:
        variables = Path(folder, "variables.fd")
        shutil.copyfile(emulator.variables, variables)
        try:
            guest = subprocess.Popen(
                stub(emulator, accelerator, variables),
                env={**os.environ, **emulator.environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            return str(error)
        try:
            return _listen(guest, time.monotonic() + timeout_s, timeout_s)
        finally:
            guest.kill()
            guest.communicate()


def _listen(guest: subprocess.Popen[bytes], deadline: float, timeout_s: float) -> str:
    assert guest.stdout is not None
    said = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([guest.stdout], [], [], left)[0]:
            break
        chunk = os.read(guest.stdout.fileno(), 1 << 16)
        said += chunk
        if _UP in said:
            return ""
        if broken := next((one for one in _BROKEN if one in said), None):
            return f"a guest does not run: {broken.decode()}"
        if not chunk:
            lines = said.decode(errors="replace").strip().splitlines()
            return lines[-1] if lines else "a guest ended at once"
    return f"a guest does not come up within {timeout_s:g} s"
