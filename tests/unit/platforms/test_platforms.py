import base64

import pytest

from talos import platforms
from talos.base import errors
from talos.platforms import container


@pytest.mark.feature("R001")
async def test_container_takes_its_configuration_from_userdata() -> None:
    environment = {
        "PLATFORM": "container",
        "USERDATA": base64.b64encode(b"version: v1alpha1").decode(),
        "TALOSSKU": "2CPU",
    }
    found = platforms.current(environment)
    assert (found.name, found.mode) == ("container", "container")
    made = container.Container(environment)
    assert await made.configuration() == b"version: v1alpha1"
    metadata = await made.metadata()
    assert (metadata.platform, metadata.instance_type) == ("container", "2CPU")
    assert metadata.hostname


async def test_no_userdata_and_bad_userdata() -> None:
    assert await container.Container({}).configuration() is None
    with pytest.raises(errors.Invalid, match="not base64"):
        await container.Container({"USERDATA": "!!!"}).configuration()


@pytest.mark.parametrize("name", ["nothing", "../container", ""])
def test_unknown_platforms(name: str) -> None:
    with pytest.raises(errors.NotFound):
        platforms.find(name)
