"""The cluster all tests of this folder share: one control plane, one worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import driver

SHARED_PREFIX = "10.87.0"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.needs_cluster)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(driver.CREATE_TIMEOUT_S + 120))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[driver.LocalCluster]:
    """The shared cluster. TALOS_TEST_CLUSTER=HOME:NAME:PREFIX uses one that runs already and leaves it alone."""
    if given := os.environ.get("TALOS_TEST_CLUSTER"):
        home, name, prefix = given.split(":")
        yield driver.LocalCluster(name, Path(home), prefix, 1, 1)
        return
    home = tmp_path_factory.mktemp("cluster-home")
    with driver.created(home, f"t{os.getpid()}", SHARED_PREFIX) as made:
        yield made
