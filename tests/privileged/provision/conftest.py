"""One throw-away machine for the tests that leave it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.privileged.provision import host


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[host.Host]:
    """Shared by the tests of a module."""
    with host.host(tmp_path_factory.mktemp("host")) as made:
        yield made
