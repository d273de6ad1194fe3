"""The test kit: controllers on a bench, a clock turned by hand, conformance suites for what has several makers."""

import pytest

# Asserts in these modules explain themselves like those in test files.
pytest.register_assert_rewrite("talos.testing.ctest", "talos.testing.conformance.state")
