"""Writes the bill of materials of a root filesystem: every file with its hashes, and the package it came from.

Format: SPDX 2.3 as JSON. The image carries it, so that a node tells what it is made of without asking anybody
(`talosctl get sbomitems`). Nothing in it depends on when or where it was made.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from talos.base import errors
from talos.base.constants import versions
from talos.imager.sysroot import Sysroot

PATH = "usr/share/spdx/pytalos.spdx.json"
OWN = "pytalos"
_CREATED = "2023-11-14T22:13:20Z"  # the time every file of the image carries
_NAMESPACE = "https://spdx.org/spdxdocs/pytalos"
_NOTHING = "NOASSERTION"
_LICENSE = "Apache-2.0"
# Libraries whose package is not named after them.
_PACKAGES = {
    "ld-linux-x86-64": "libc6", "libc": "libc6", "libm": "libc6", "libpthread": "libc6", "libdl": "libc6",
    "librt": "libc6", "libresolv": "libc6", "libutil": "libc6", "libcrypto": "libssl3t64", "libe2p": "libext2fs2t64",
    "libz": "zlib1g",
}  # fmt: skip
_SONAME = re.compile(r"(?P<stem>.+?)\.so\.(?P<major>\d+)")


@dataclass(frozen=True, slots=True)
class Package:
    """Something with a version of its own; `purl` as in the package-url specification."""

    name: str
    version: str
    license: str = _NOTHING
    purl: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file's hashes, in hexadecimal."""

    sha1: str
    sha256: str


@dataclass(slots=True)
class Materials:
    """What went into a tree: packages by key, and the key of each file's package by path without leading slash."""

    packages: dict[str, Package] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def add(self, path: str, package: Package) -> None:
        """Record that the file `path` came from `package`."""
        key = package.purl or package.name
        self.packages[key] = package
        self.origins[path.lstrip("/")] = key


def own() -> Package:
    """This project."""
    return Package(OWN, versions.RELEASE, _LICENSE, f"pkg:generic/{OWN}@{versions.RELEASE}")


def debian(tree: Sysroot, name: str) -> Package:
    """A package of the tree. Its licences are in no form that a program could tell for sure."""
    return Package(name, tree.version(name), _NOTHING, f"pkg:deb/debian/{name}@{tree.version(name)}?arch=amd64")


def library_package(tree: Sysroot, path: str) -> Package:
    """The package of a shared library, found by Debian's rules for their names. Raises `NotFound`."""
    present = {package.name for package in tree.packages}
    found = _SONAME.match(Path(path).name)
    if found is None:
        raise errors.NotFound(f"{path} has no name of a shared library")
    stem, major = found["stem"], found["major"]
    joined = f"{stem}-{major}" if stem[-1].isdigit() else f"{stem}{major}"
    plain = stem.replace("_", "-").lower()
    names = [
        _PACKAGES.get(stem, ""),
        joined,
        f"{joined}t64",
        f"{plain}{major}",
        f"{plain}-{major}",
        f"{plain}{major}t64",
    ]
    names += [f"{Path(path).name.split('.so.')[0]}-{major}.0", stem]
    for name in names:
        if name in present:
            return debian(tree, name)
    raise errors.NotFound(f"no package of the tree is known to hold {path}")


def hashes(path: Path) -> File:
    """Both hashes of a file."""
    content = path.read_bytes()
    return File(hashlib.sha1(content, usedforsecurity=False).hexdigest(), hashlib.sha256(content).hexdigest())


def _id(kind: str, text: str) -> str:
    return f"SPDXRef-{kind}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _package(key: str, package: Package, members: Iterable[File]) -> dict[str, object]:
    # SPDX 2.3, 7.9: the hash over the sorted hashes of the files.
    code = hashlib.sha1("".join(sorted(file.sha1 for file in members)).encode(), usedforsecurity=False).hexdigest()
    described: dict[str, object] = {
        "SPDXID": _id("Package", key),
        "name": package.name,
        "versionInfo": package.version,
        "downloadLocation": _NOTHING,
        "filesAnalyzed": True,
        "packageVerificationCode": {"packageVerificationCodeValue": code},
        "licenseDeclared": package.license,
        "licenseConcluded": _NOTHING,
        "copyrightText": _NOTHING,
    }
    if package.purl:
        reference = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl"}
        described["externalRefs"] = [{**reference, "referenceLocator": package.purl}]
    return described


def _file(path: str, file: File) -> dict[str, object]:
    checksums = {"SHA1": file.sha1, "SHA256": file.sha256}
    return {
        "SPDXID": _id("File", path),
        "fileName": f"./{path}",
        "checksums": [{"algorithm": name, "checksumValue": value} for name, value in checksums.items()],
        "licenseConcluded": _NOTHING,
        "licenseInfoInFiles": [_NOTHING],
        "copyrightText": _NOTHING,
    }


def document(materials: Materials, files: Mapping[str, File]) -> bytes:
    """The bill as JSON. Raises `Invalid` naming every file whose package is not recorded."""
    if unknown := sorted(path for path in files if path not in materials.origins):
        raise errors.Invalid([errors.Problem("file of no known package", path) for path in unknown])
    members: dict[str, dict[str, File]] = {}
    for path, file in sorted(files.items()):
        members.setdefault(materials.origins[path], {})[path] = file
    relation = [("SPDXRef-DOCUMENT", "DESCRIBES", _id("Package", key)) for key in sorted(members)]
    relation += [
        (_id("Package", key), "CONTAINS", _id("File", path)) for key in sorted(members) for path in members[key]
    ]
    digest = hashlib.sha256("".join(f"{p} {f.sha256}\n" for p, f in sorted(files.items())).encode()).hexdigest()
    made = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{OWN}-{versions.RELEASE}",
        "documentNamespace": f"{_NAMESPACE}-{versions.RELEASE}-{digest[:32]}",
        "creationInfo": {"created": _CREATED, "creators": [f"Tool: {OWN}-imager-{versions.RELEASE}"]},
        "packages": [_package(key, materials.packages[key], members[key].values()) for key in sorted(members)],
        "files": [_file(path, file) for path, file in sorted(files.items())],
        "relationships": [
            {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
            for one, kind, other in relation
        ],
    }
    return (json.dumps(made, separators=(",", ":")) + "\n").encode()


def save(materials: Materials, files: Mapping[str, File], path: Path) -> None:
    """Keep both for `load`."""
    packages = {key: [p.name, p.version, p.license, p.purl] for key, p in materials.packages.items()}
    kept = {name: [file.sha1, file.sha256] for name, file in files.items()}
    path.write_text(json.dumps({"packages": packages, "origins": materials.origins, "files": kept}))


def load(path: Path) -> tuple[Materials, dict[str, File]]:
    """What `save` kept."""
    kept = json.loads(path.read_text())
    packages = {key: Package(*fields) for key, fields in kept["packages"].items()}
    files = {name: File(*both) for name, both in kept["files"].items()}
    return Materials(packages, dict(kept["origins"])), files
