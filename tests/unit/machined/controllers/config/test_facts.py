from pathlib import Path

import pytest

from talos.base import errors
from talos.cosi import inmem
from talos.machined.controllers.config import _facts
from talos.machinery.resources.network import hardware_address, hostname_status
from talos.machinery.resources.runtime import meta_key

UUID = "4c4c4544-0039-3010-8048-b7c04f384432"


@pytest.fixture
def dmi(tmp_path: Path) -> Path:
    (tmp_path / "product_uuid").write_text(UUID.upper() + "\n")
    (tmp_path / "product_serial").write_text("90H8D2\n")
    return tmp_path


@pytest.mark.feature("O018")
async def test_what_is_known_of_a_machine(dmi: Path) -> None:
    store = inmem.InMemory()
    facts = _facts.Facts(store, dmi, timeout_s=5)
    address = hardware_address.HardwareAddress.Spec(name="eth0", hardware_addr="52:54:00:AA:BB:CC")
    await store.create(hardware_address.HardwareAddress("first", address))
    await store.create(hostname_status.HostnameStatus("hostname", hostname_status.HostnameStatus.Spec(hostname="n1")))
    names = ("uuid", "serial", "mac", "hostname", "code")
    assert [await facts.value(n) for n in names] == [UUID, "90H8D2", "52:54:00:aa:bb:cc", "n1", ""]
    for key, value in (("0x0b", "secret"), ("0x0f", UUID.replace("4", "5"))):
        await store.create(meta_key.MetaKey(key, meta_key.MetaKey.Spec(value=value)))
    assert [await facts.value(n) for n in ("uuid", "code")] == [UUID.replace("4", "5"), "secret"]


async def test_what_does_not_come(dmi: Path) -> None:
    facts = _facts.Facts(inmem.InMemory(), dmi, timeout_s=0.05)
    for name in ("mac", "hostname"):
        with pytest.raises(errors.TimedOut):
            await facts.value(name)
    (dmi / "product_uuid").write_text("Not Settable\n")
    with pytest.raises(errors.NotFound, match="not settable"):
        await facts.value("uuid")
