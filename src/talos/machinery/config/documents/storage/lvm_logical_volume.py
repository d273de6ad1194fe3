"""Document LVMLogicalVolumeConfig: a volume cut out of a volume group."""

from __future__ import annotations

from typing import Annotated, ClassVar

from talos.machinery.config import document, findings, values
from talos.machinery.config.documents.storage import _sections

TYPES = ("linear", "raid0", "raid1", "raid10")


class LVMLogicalVolumeProvisioningSpec(document.Section, frozen=True, kw_only=True):
    """Where it is made, and how large."""

    volume_group: Annotated[str, values.ALWAYS] = ""
    """Volume group."""
    min_size: values.ByteSize = ""
    """Least size."""
    max_size: values.Size = ""
    """Size: absolute, or a share of the group in percent."""


class LVMLogicalVolumeConfig(document.Document, frozen=True, kw_only=True):
    """A logical volume of LVM."""

    kind: ClassVar[str] = "LVMLogicalVolumeConfig"
    named: ClassVar[bool] = True

    name: str = ""
    """Name."""
    type: Annotated[str, values.Choice(TYPES), values.ALWAYS] = "linear"
    """How it lies on the disks."""
    mirrors: values.U32 | None = None
    """Copies besides the first; raid1 and raid10."""
    stripes: values.U32 | None = None
    """Disks data is spread over; raid0 and raid10."""
    provisioning: LVMLogicalVolumeProvisioningSpec | None = None
    """Where it is made, and how large."""

    def validate(self, found: findings.Findings) -> None:
        """Copies and stripes go with their layouts, and sizes with each other."""
        _sections.check_name(found, self.name, _sections.MAX_LVM_NAME)
        self._check_count(found, "mirrors", self.mirrors, ("raid1", "raid10"), 1)
        self._check_count(found, "stripes", self.stripes, ("raid0", "raid10"), 2)
        spec = self.provisioning or LVMLogicalVolumeProvisioningSpec()
        found.require(spec.volume_group, "provisioning.volumeGroup")
        if not found.require(spec.max_size, "provisioning.maxSize"):
            return
        if spec.max_size.startswith("-"):
            found.error("provisioning.maxSize", "must not be negative")
        elif (
            spec.min_size
            and not spec.max_size.endswith("%")
            and values.parse_size(spec.min_size) > values.parse_size(spec.max_size)
        ):
            found.error("provisioning.minSize", f"{spec.min_size} is more than maxSize, {spec.max_size}")

    def _check_count(
        self, found: findings.Findings, path: str, count: int | None, layouts: tuple[str, ...], least: int
    ) -> None:
        if count is None:
            return
        if self.type not in layouts:
            found.error(path, f"goes with {' and '.join(layouts)}, not with {self.type}")
        elif count < least:
            found.error(path, f"at least {least} is needed, got {count}")

    @classmethod
    def example(cls) -> LVMLogicalVolumeConfig:
        """A mirrored volume."""
        spec = LVMLogicalVolumeProvisioningSpec(volume_group="pool", max_size="50GiB")
        return cls(name="data", type="raid1", mirrors=1, provisioning=spec)
