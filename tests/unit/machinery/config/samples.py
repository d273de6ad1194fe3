"""Configurations made once for the tests of this folder, from secrets that guard nothing."""

from __future__ import annotations

from talos.machinery.config import generate
from talos.machinery.types.machine import MachineType
from talos.pki import bundle

SECRETS = bundle.generate()
INPUT = generate.GenerateInput("sample", "https://10.5.0.2:6443", SECRETS)
CONTROL_PLANE = generate.generate(INPUT, MachineType.CONTROL_PLANE).encode()
WORKER = generate.generate(INPUT, MachineType.WORKER).encode()
