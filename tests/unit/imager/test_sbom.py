"""Bills of materials: complete, the same each time, and honest about what is not known."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from talos.base import errors
from talos.imager import sbom, sysroot

TREE = sysroot.Sysroot(
    Path("/nowhere"),
    tuple(
        sysroot.Package(name, "1", "")
        for name in (
            "libc6", "zlib1g", "libssl3t64", "libgcc-s1", "libcom-err2", "libext2fs2t64", "libpython3.13",
            "libstdc++6", "libpcre2-8-0", "libbz2-1.0", "liburcu8t64", "libnftables1", "libcap2",
        )
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("ld-linux-x86-64.so.2", "libc6"),
        ("libm.so.6", "libc6"),
        ("libz.so.1", "zlib1g"),
        ("libcrypto.so.3", "libssl3t64"),
        ("libssl.so.3", "libssl3t64"),
        ("libgcc_s.so.1", "libgcc-s1"),
        ("libcom_err.so.2", "libcom-err2"),
        ("libe2p.so.2", "libext2fs2t64"),
        ("libext2fs.so.2", "libext2fs2t64"),
        ("libpython3.13.so.1.0", "libpython3.13"),
        ("libstdc++.so.6", "libstdc++6"),
        ("libpcre2-8.so.0", "libpcre2-8-0"),
        ("libbz2.so.1.0", "libbz2-1.0"),
        ("liburcu.so.8", "liburcu8t64"),
        ("libnftables.so.1", "libnftables1"),
    ],
)
def test_packages_of_libraries(library: str, package: str) -> None:
    assert sbom.library_package(TREE, f"/usr/lib/{library}").name == package


@pytest.mark.parametrize("library", ["libcapx.so.2", "libcap.so.9", "cap.txt"])
def test_a_library_of_no_package(library: str) -> None:
    with pytest.raises(errors.NotFound):
        sbom.library_package(TREE, library)


def _materials() -> tuple[sbom.Materials, dict[str, sbom.File]]:
    made = sbom.Materials()
    made.add("/b", sbom.own())
    made.add("/a", sbom.Package("x", "2", "MIT", "pkg:x"))
    return made, {"b": sbom.File("b" * 40, "b" * 64), "a": sbom.File("a" * 40, "a" * 64)}


@pytest.mark.feature("J033")
def test_files_belong_to_their_packages() -> None:
    made = json.loads(sbom.document(*_materials()))
    assert made["spdxVersion"] == "SPDX-2.3"
    ids = {entry["SPDXID"]: entry.get("name") or entry["fileName"] for entry in made["packages"] + made["files"]}
    held = [
        (ids[r["spdxElementId"]], ids[r["relatedSpdxElement"]])
        for r in made["relationships"]
        if r["relationshipType"] == "CONTAINS"
    ]
    assert sorted(held) == [("pytalos", "./b"), ("x", "./a")]
    (package,) = [p for p in made["packages"] if p["name"] == "x"]
    code = hashlib.sha1(b"a" * 40).hexdigest()
    assert package["packageVerificationCode"] == {"packageVerificationCodeValue": code}


def test_it_depends_on_nothing_but_the_content(tmp_path: Path) -> None:
    made, files = _materials()
    sbom.save(made, files, tmp_path / "kept")
    loaded, hashed = sbom.load(tmp_path / "kept")
    assert sbom.document(loaded, dict(reversed(hashed.items()))) == sbom.document(made, files)
    changed = files | {"a": sbom.File("c" * 40, "c" * 64)}
    one, other = json.loads(sbom.document(made, files)), json.loads(sbom.document(made, changed))
    assert one["documentNamespace"] != other["documentNamespace"]


def test_a_file_of_no_package_is_refused() -> None:
    made, files = _materials()
    with pytest.raises(errors.Invalid, match="stray"):
        sbom.document(made, files | {"stray": files["a"]})
