"""OCI layouts in tar files: what `docker save`, `skopeo copy oci-archive:` or `crane` write.

Only the members a layout has are unpacked, under names that can not leave the folder.
"""

from __future__ import annotations

import re
import shutil
import tarfile
from pathlib import Path

from talos.base import errors

_MEMBER = re.compile(r"(\./)?(index\.json|oci-layout|blobs/sha256/[0-9a-f]{64})")


def unpack(archive: Path, target: Path) -> None:
    """Unpack the OCI layout in a tar file. Raises Invalid for a file that is none. Blocks; meant for a thread."""
    try:
        with tarfile.open(archive) as source:
            for member in source:
                match = _MEMBER.fullmatch(member.name)
                content = source.extractfile(member) if match and member.isreg() else None
                if match is None or content is None:
                    continue
                path = target / match.group(2)
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as sink:
                    shutil.copyfileobj(content, sink, 1 << 20)
    except tarfile.TarError as error:
        raise errors.Invalid("the image is not a tar archive, compressed or not") from error
    if not (target / "index.json").exists():
        raise errors.Invalid("image is not an OCI archive: it has no index.json")
