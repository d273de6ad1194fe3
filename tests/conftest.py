"""Capabilities, the rule on skips, and the record that the compatibility ledger is made of.

A test says what it needs by a `needs_*` marker. Where the machine lacks it the test is skipped, unless
`--strict-skips` is given (./dev test does): then the lack is a failure, because a lane that was promised would not
have run. `--lacks NAME` declares a known lack, and is printed.

Tests marked `vm_full` take minutes each; they are left out unless `--vm-full` asks for them.

`@pytest.mark.feature("A060", …)` records which ledger numbers a test shows; `--features-out FILE` writes the outcome
of this run as JSON for `./dev features`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import capabilities

_RECORD = pytest.StashKey[dict[str, dict[str, list[str]]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("talos")
    group.addoption("--strict-skips", action="store_true", help="a skipped test is a failure")
    group.addoption(
        "--lacks", action="append", default=[], metavar="NAME", help="capability this machine is known to lack"
    )
    group.addoption("--vm-full", action="store_true", help="also the long tests in virtual machines")
    group.addoption("--features-out", metavar="FILE", help="write which features were shown, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_RECORD] = {"passed": {}, "failed": {}}


def pytest_report_header(config: pytest.Config) -> list[str]:
    absent = {name: reason for name in capabilities.PROBES if (reason := capabilities.missing(name))}
    return [f"capabilities absent: {absent or 'none'}"]


def _needs(item: pytest.Item) -> list[str]:
    return [mark.name for mark in item.iter_markers() if mark.name in capabilities.PROBES]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name in _needs(item):
        reason = capabilities.missing(name)
        if reason is None:
            continue
        excused = name in capabilities.OPTIONAL or name in item.config.getoption("--lacks")
        if item.config.getoption("--strict-skips") and not excused:
            pytest.fail(f"{name}: {reason}; this run promised to skip nothing", pytrace=False)
        pytest.skip(f"{name}: {reason}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    excused = any(n in capabilities.OPTIONAL or n in item.config.getoption("--lacks") for n in _needs(item))
    if report.skipped and item.config.getoption("--strict-skips") and not excused and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although --strict-skips: {report.longrepr}"
    if call.when == "call" or report.failed:
        record = item.config.stash[_RECORD]["passed" if report.passed else "failed"]
        if report.passed or report.failed:
            for mark in item.iter_markers("feature"):
                for feature in mark.args:
                    record.setdefault(feature, []).append(item.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    target = session.config.getoption("--features-out")
    if target:
        path = Path(target)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(session.config.stash[_RECORD], indent=1, sort_keys=True) + "\n")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    known = {line.split("\t")[0] for line in _ledger().splitlines()}
    for item in items:
        for mark in item.iter_markers("feature"):
            unknown = [f for f in mark.args if f not in known]
            if unknown or not mark.args:
                raise pytest.UsageError(f"{item.nodeid}: unknown feature numbers {unknown} (docs/features.tsv)")
    if not config.getoption("--vm-full"):
        left_out = [item for item in items if item.get_closest_marker("vm_full")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _ledger() -> str:
    return (Path(__file__).resolve().parent.parent / "docs" / "features.tsv").read_text()
