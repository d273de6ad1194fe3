"""machine.StorageService: capacity of the file system that holds a path."""

from __future__ import annotations

import os
from typing import ClassVar

from talos.base import errors
from talos.machined.api import Handlers
from talos.machinery.api._generated.machine import storage_pb2
from talos.machinery.rpc import server as rpc


class Storage(Handlers):
    """Statfs."""

    service: ClassVar[str] = "machine.StorageService"

    async def statfs(
        self, request: storage_pb2.StorageServiceStatfsRequest, call: rpc.Call
    ) -> storage_pb2.StorageServiceStatfsResponse:
        """Bytes and inodes of the file system under `path`; NotFound when the path does not exist."""
        if not request.path.startswith("/"):
            raise errors.Invalid(f"path must be absolute, got {request.path!r}")
        try:
            status = os.statvfs(request.path)
        except FileNotFoundError as error:
            raise errors.NotFound(f"{request.path}: no such file or directory") from error
        return storage_pb2.StorageServiceStatfsResponse(
            size=status.f_blocks * status.f_frsize,
            used=(status.f_blocks - status.f_bfree) * status.f_frsize,
            available=status.f_bavail * status.f_frsize,
            inodes=status.f_files,
            inodes_used=status.f_files - status.f_ffree,
            inodes_free=status.f_ffree,
        )
