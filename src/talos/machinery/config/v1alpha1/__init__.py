"""The v1alpha1 document: the one without apiVersion and kind.

Since 1.14 it holds the machine's identity and etcd's authority, and documents hold the rest; before, it held
everything, and all of that is still accepted. Sections that a document replaces are listed in that document's `legacy`.
"""

from __future__ import annotations

from typing import Annotated

from talos.machinery.config import document, values
from talos.machinery.config.v1alpha1.cluster import ClusterConfig, ControlPlaneConfig, EtcdConfig
from talos.machinery.config.v1alpha1.machine import FeaturesConfig, MachineConfig

__all__ = ["VERSION", "ClusterConfig", "Config", "ControlPlaneConfig", "EtcdConfig", "FeaturesConfig", "MachineConfig"]

VERSION = "v1alpha1"


class Config(document.Section, frozen=True, kw_only=True):
    """Machine and cluster in one document."""

    version: Annotated[str, values.ALWAYS] = ""
    """Format of this document; `v1alpha1` is the only one."""
    debug: bool | None = None
    """Write the logs of all services to the console as well."""
    persist: bool | None = None
    """Must be true if given: a machine always keeps its configuration across boots."""
    machine: Annotated[MachineConfig | None, values.ALWAYS] = None
    """What concerns this machine alone."""
    cluster: Annotated[ClusterConfig | None, values.ALWAYS] = None
    """What all machines of the cluster share."""
