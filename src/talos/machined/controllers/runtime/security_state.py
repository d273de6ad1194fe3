"""How far the machine is protected: Secure Boot, module signatures, SELinux, FIPS mode."""

from __future__ import annotations

import asyncio
from pathlib import Path

from talos.boot import efi
from talos.cosi import controller
from talos.machined.modes import Mode
from talos.machinery.resources.runtime.security_state import SECURITY_STATE_ID, SecurityState
from talos.machinery.types import runtime

_VARIABLES = "sys/firmware/efi/efivars"
_SECURE_BOOT = f"{_VARIABLES}/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_STUB_INFO = f"{_VARIABLES}/StubInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
_SELINUX = "sys/fs/selinux/enforce"
_SIGNATURES = "sys/module/module/parameters/sig_enforce"
_FIPS = "proc/sys/crypto/fips_enabled"
_ATTRIBUTES_BYTES = 4
"""An EFI variable begins with its attributes."""


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def state(root: Path) -> SecurityState.Spec:
    """What the kernel shows; what it does not show is off."""
    selinux = _bytes(root / _SELINUX).strip()
    enforcing = {b"1": runtime.SELinuxState.ENFORCING, b"0": runtime.SELinuxState.PERMISSIVE}
    fips = _bytes(root / _FIPS).strip() == b"1"
    return SecurityState.Spec(
        secure_boot=_bytes(root / _SECURE_BOOT)[_ATTRIBUTES_BYTES:] == b"\x01",
        se_linux_state=enforcing.get(selinux, runtime.SELinuxState.DISABLED),
        fips_state=runtime.FIPSState.ENABLED if fips else runtime.FIPSState.DISABLED,
        booted_with_uki=bool(_bytes(root / _STUB_INFO)[_ATTRIBUTES_BYTES:]),
        module_signature_enforced=_bytes(root / _SIGNATURES).strip() == b"Y",
    )


class SecurityStateController(controller.Controller):
    """Read once: none of it changes while the machine runs."""

    modes = Mode.MACHINE
    outputs = (controller.exclusive(SecurityState),)

    def __init__(self) -> None:
        self._root = Path("/")

    async def reconcile(self, r: controller.Handle) -> None:
        """A few files, one resource."""
        await asyncio.to_thread(efi.mount_variables, self._root / _VARIABLES)
        await r.put(SecurityState(SECURITY_STATE_ID, state(self._root)))
