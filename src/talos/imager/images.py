"""The container images that a node needs to boot a cluster without any registry.

Each has its upstream name, because configurations, static pods and manifests ask for those. The Kubernetes images share
their bottom layer, the multi-call binary; each adds a link with its program's name and the native tools it runs.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from talos.base.constants import versions
from talos.imager import cache, elf, oci, tarlayer
from talos.imager.components import Built
from talos.imager.sysroot import Sysroot
from talos.imager.tarlayer import Entry

_LAYOUT = 3  # raised when the way images are put together changes
LIBRARIES = ("/usr/lib64", "/usr/lib/x86_64-linux-gnu")  # the loader has to lie where programs name it
_PASSWD = b"root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n"
_GROUP = b"root:x:0:\nnobody:x:65534:\n"
_NSSWITCH = b"hosts: files dns\n"


@dataclass(frozen=True, slots=True)
class Image:
    """One image: `programs` go to their paths, `native` come from the sysroot with the libraries they need."""

    role: str
    name: str
    programs: Mapping[str, str]
    entrypoint: tuple[str, ...]
    base: str = ""  # program whose layer lies below, shared with other images
    native: tuple[str, ...] = ()
    links: Mapping[str, str] | None = None
    extra_folders: tuple[str, ...] = ()
    user: str = ""


def _kubernetes(role: str, name: str, *, native: tuple[str, ...] = (), folders: tuple[str, ...] = ()) -> Image:
    return Image(
        role,
        name,
        programs={},
        entrypoint=(f"/usr/local/bin/{role}",),
        base="kubernetes",
        native=native,
        links={f"/usr/local/bin/{role}": "kubernetes"},
        extra_folders=folders,
    )


_NFT = "/usr/sbin/nft"
_XTABLES = "/usr/sbin/xtables-nft-multi"
_TOOLBOX = (
    "burn cat dial echo env false get hog hostname id ls lookup serve sleep tar tcp-echo true write".split()  # noqa: SIM905
)

IMAGES: tuple[Image, ...] = (
    _kubernetes("kube-apiserver", versions.IMAGE_API_SERVER),
    _kubernetes("kube-controller-manager", versions.IMAGE_CONTROLLER_MANAGER),
    _kubernetes("kube-scheduler", versions.IMAGE_SCHEDULER),
    # kube-proxy in nftables mode runs nft for every change; conntrack it does by netlink.
    _kubernetes("kube-proxy", versions.IMAGE_PROXY, native=(_NFT,)),
    # kubelet runs mount and umount for every volume.
    _kubernetes(
        "kubelet", versions.IMAGE_KUBELET, native=("/usr/bin/mount", "/usr/bin/umount"), folders=("/etc/kubernetes",)
    ),
    Image(
        "etcd",
        versions.IMAGE_ETCD,
        programs={"/usr/local/bin/etcd": "etcd", "/usr/local/bin/etcdctl": "etcdctl"},
        entrypoint=("/usr/local/bin/etcd",),
    ),
    Image(
        "coredns",
        versions.IMAGE_COREDNS,
        programs={"/coredns": "coredns"},
        entrypoint=("/coredns",),
        user="65532:65532",
    ),
    Image(
        "flannel",
        versions.IMAGE_FLANNEL,
        programs={"/opt/bin/flanneld": "flanneld", "/opt/bin/install-conf": "install-conf"},
        entrypoint=("/opt/bin/flanneld",),
        # It clears the rules of the back-end it does not use, and ends when that one's program is absent.
        native=(_NFT, _XTABLES),
        links={
            # The original's manifest installs the CNI configuration by cp; two arguments mean the same to both.
            "/usr/bin/cp": "/opt/bin/install-conf",
            **{
                f"/usr/sbin/{family}{verb}": "xtables-nft-multi"
                for family in ("iptables", "ip6tables")
                for verb in ("", "-save", "-restore")
            },
        },
    ),
    Image("pause", versions.IMAGE_PAUSE, programs={"/pause": "pause"}, entrypoint=("/pause",), user="65535:65535"),
    Image(
        "testbox",
        "ghcr.io/talos-python/testbox:v1",
        programs={"/bin/testbox": "testbox"},
        entrypoint=("/bin/testbox",),
        links={f"/bin/{name}": "testbox" for name in _TOOLBOX},
        extra_folders=("/tmp",),
    ),
)


def native_entries(tree: Path, programs: tuple[str, ...]) -> dict[str, Entry]:
    """The programs, their libraries, and the merged-/usr links their interpreter path needs."""
    if not programs:
        return {}
    found = {path: Entry(source=(tree / path.lstrip("/")).resolve()) for path in programs}
    for path in elf.closure(tree, [tree / p.lstrip("/") for p in programs], LIBRARIES):
        found[path] = Entry(source=(tree / path.lstrip("/")).resolve())
    if _XTABLES in programs:
        plugins = tree / "usr/lib/x86_64-linux-gnu/xtables"
        found |= {f"/usr/lib/x86_64-linux-gnu/xtables/{p.name}": Entry(source=p.resolve()) for p in plugins.iterdir()}
    links = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}
    return found | {name: Entry(target=target) for name, target in links.items()}


def certificates(tree: Path) -> bytes:
    """The Mozilla roots in one file, as update-ca-certificates would make it (its script does not run here)."""
    folder = tree / "usr/share/ca-certificates/mozilla"
    return b"".join(path.read_bytes().rstrip(b"\n") + b"\n" for path in sorted(folder.glob("*.crt")))


def layer_entries(image: Image, built: Built, tree: Path) -> dict[str, Entry]:
    """What an image holds above its shared base."""
    entries = {
        "/etc/passwd": Entry(content=_PASSWD, mode=0o644),
        "/etc/group": Entry(content=_GROUP, mode=0o644),
        "/etc/nsswitch.conf": Entry(content=_NSSWITCH, mode=0o644),
        "/etc/ssl/certs/ca-certificates.crt": Entry(content=certificates(tree), mode=0o644),
        "/tmp": Entry(mode=0o1777),
    }
    entries |= native_entries(tree, image.native)
    entries |= {path: Entry(source=built.path(program)) for path, program in image.programs.items()}
    entries |= {path: Entry(target=target) for path, target in (image.links or {}).items()}
    entries |= {path: entries.get(path, Entry()) for path in image.extra_folders}
    return entries


def key(built: Built, tree: Sysroot) -> str:
    """Changes with everything that decides the layout's bytes."""
    return cache.key(_LAYOUT, [repr(image) for image in IMAGES], dict(built.keys), tree.describe())


def write(folder: Path, built: Built, tree: Sysroot) -> None:
    """Write the layout with every image of the table."""
    layout = oci.Layout(folder)
    bases: dict[str, oci.Descriptor] = {}
    for image in IMAGES:
        layers = []
        if image.base:
            if image.base not in bases:
                shared = {f"/usr/local/bin/{image.base}": Entry(source=built.path(image.base))}
                bases[image.base] = layout.add_layer(lambda path, shared=shared: tarlayer.write(path, shared))  # type: ignore[misc]
            layers.append(bases[image.base])
        entries = layer_entries(image, built, tree.path)
        layers.append(layout.add_layer(lambda path, entries=entries: tarlayer.write(path, entries)))  # type: ignore[misc]
        layout.add_image(image.name, layers, oci.Runtime(image.entrypoint, image.user))
    layout.finish()
    if os.geteuid() == 0:
        unpack(folder)


def unpack(folder: Path) -> None:
    """Lay every layer out below `layers/<SHA-256>`, where nodes that share this machine's disk use it as it is.

    Only root can give the files their owners; without it nodes unpack the layers themselves.
    """
    for name, digest in digests(folder).items():
        target = folder / "layers" / digest
        if "/layer" not in name or target.exists():
            continue
        target.mkdir(parents=True, mode=0o755)
        with tarfile.open(folder / "blobs/sha256" / digest) as archive:
            archive.extractall(target, numeric_owner=True, filter="fully_trusted")  # noqa: S202  (made above)


def cached(built: Built, tree: Sysroot) -> bool:
    """Whether the layout is there."""
    return cache.Cache("images").get(key(built, tree)) is not None


def digests(layout: Path) -> dict[str, str]:
    """SHA-256 of the manifest and of every layer of each image, by `image:<name>` and `image:<name>/layer<n>`."""
    found = {}
    for entry in json.loads((layout / "index.json").read_text())["manifests"]:
        name = f"image:{entry['annotations'][oci.NAME_ANNOTATION]}"
        found[name] = entry["digest"].removeprefix("sha256:")
        manifest = json.loads((layout / "blobs/sha256" / found[name]).read_text())
        for number, layer in enumerate(manifest["layers"]):
            found[f"{name}/layer{number}"] = layer["digest"].removeprefix("sha256:")
    return found


def build(built: Built, tree: Sysroot) -> Path:
    """The layout, from the cache or made now."""
    return cache.Cache("images").build(key(built, tree), lambda folder: write(folder, built, tree), sync=False)


def names() -> dict[str, str]:
    """Image name by role."""
    return {image.role: image.name for image in IMAGES}
