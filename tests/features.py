"""The ledger of compatibility: which of the original's numbered features a passing test shows.

    python -m tests.features              per area: shown / all, from the last `./dev test`
    python -m tests.features --missing E  the numbers of an area that are not shown
    python -m tests.features --markdown   the table for README.md and docs
    python -m tests.features --update     write that table into README.md
    python -m tests.features --documents  which kinds of configuration documents a node reads, and what reads each

The numbers and a few words for each are in docs/features.tsv; the record of the last run is build/features.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- features:begin -->", "<!-- features:end -->"
AREAS = {
    "A": "RPCs",
    "B": "apid",
    "C": "trustd",
    "D": "resources",
    "E": "controllers",
    "F": "machine configuration",
    "G": "talosctl",
    "H": "boot, sequences, services",
    "I": "disks, volumes, encryption",
    "J": "installer, imager, Secure Boot",
    "K": "extensions and overlays",
    "L": "networking",
    "M": "Kubernetes",
    "N": "discovery and membership",
    "O": "platforms",
    "P": "security",
    "Q": "observability and operations",
    "R": "container mode",
    "S": "integration suites",
}


def load_ledger() -> dict[str, str]:
    """Feature number -> a few words."""
    rows = (line.split("\t") for line in (ROOT / "docs/features.tsv").read_text().splitlines())
    return {row[0]: row[1] for row in rows}


def load_shown(record: Path) -> set[str]:
    """Numbers with at least one passing and no failing test in the recorded run."""
    data = json.loads(record.read_text())
    return set(data["passed"]) - set(data["failed"])


def table(ledger: dict[str, str], shown: set[str], *, markdown: bool) -> list[str]:
    rows = [(name, sum(f[0] == a for f in shown), sum(f[0] == a for f in ledger), a) for a, name in AREAS.items()]
    total = ("all", len(shown), len(ledger), "")
    if markdown:
        return ["| area | shown by a passing test | of |", "| --- | ---: | ---: |"] + [
            f"| {a} {name} | {n} | {of} |".replace("|  all", "| all") for name, n, of, a in [*rows, total]
        ]
    width = max(len(name) for name in AREAS.values()) + 2
    return [f"{a or ' '}  {name:<{width}} {n:>4} / {of:<4}" for name, n, of, a in [*rows, total]]


def documents(*, whole: bool) -> list[str]:
    """The kinds of configuration documents nothing reads yet; `whole`: all, with what reads them."""
    sys.path.insert(0, str(ROOT / "src"))
    from talos.machinery.config._generated_consumers import CONSUMERS, KEYS, UNREAD_KEYS

    unused = [kind for kind, names in CONSUMERS.items() if not names]
    lines = [f"{kind:<32} {', '.join(names)}" for kind, names in CONSUMERS.items() if names] if whole else []
    lines.append(
        f"configuration documents: {len(CONSUMERS) - len(unused)} of {len(CONSUMERS)} kinds are read by a node"
    )
    lines += textwrap.wrap(f"accepted, not yet used: {', '.join(unused)}", 110, subsequent_indent="  ")
    lines.append(f"keys of the v1alpha1 document: {KEYS - len(UNREAD_KEYS)} of {KEYS} are read by a node")
    return [*lines, *textwrap.wrap(f"accepted, not yet used: {', '.join(UNREAD_KEYS)}", 110, subsequent_indent="  ")]


def updated(readme: str, rows: list[str]) -> str:
    """A text with the table between its markers replaced. Raises ValueError without markers."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"no {BEGIN} … {END}")
    return "\n".join([before + begin, *rows, end + after])


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev features", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--record", type=Path, default=ROOT / "build/features.json")
    parser.add_argument("--missing", metavar="AREA", help="list what an area does not show yet")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--update", action="store_true", help="write the table into README.md")
    parser.add_argument("--documents", action="store_true", help="which configuration documents a node reads")
    args = parser.parse_args()
    if args.documents:
        print("\n".join(documents(whole=True)))
        return 0
    ledger = load_ledger()
    if not args.record.exists():
        print(f"no record of a test run at {args.record}: run ./dev test first", file=sys.stderr)
        return 2
    shown = load_shown(args.record) & set(ledger)
    if args.missing:
        for feature, words in ledger.items():
            if feature.startswith(args.missing.upper()) and feature not in shown:
                print(f"{feature}  {words}")
        return 0
    if args.update:
        readme = ROOT / "README.md"
        readme.write_text(updated(readme.read_text(), table(ledger, shown, markdown=True)))
    print("\n".join(table(ledger, shown, markdown=args.markdown)))
    if not args.markdown:
        print("", *documents(whole=False), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
