"""gRPC status codes and what our errors become on the wire.

Numbers: https://github.com/grpc/grpc/blob/master/doc/statuscodes.md. `RpcError` is what a caller of a remote method
gets; a handler raises talos errors (or an RpcError to pass a status on), and `from_exception` turns them into one.
"""

from __future__ import annotations

import enum

from talos.base import errors


class Code(enum.IntEnum):
    """gRPC status codes."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class RpcError(errors.TalosError):
    """A remote call ended with this status."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"rpc error: code = {_spelling(code)} desc = {message}")
        self.code = code
        self.message = message


def _spelling(code: Code) -> str:
    """`NOT_FOUND` -> `NotFound`, as Go clients print codes."""
    return "".join(word.capitalize() for word in code.name.split("_")) if code is not Code.OK else "OK"


_BY_ERROR: tuple[tuple[type[BaseException], Code], ...] = (
    (errors.NotFound, Code.NOT_FOUND),
    (errors.AlreadyExists, Code.ALREADY_EXISTS),
    (errors.PhaseConflict, Code.FAILED_PRECONDITION),
    (errors.OwnerConflict, Code.PERMISSION_DENIED),
    (errors.VersionConflict, Code.ABORTED),
    (errors.Conflict, Code.FAILED_PRECONDITION),
    (errors.Invalid, Code.INVALID_ARGUMENT),
    (errors.NotReady, Code.FAILED_PRECONDITION),
    (errors.Unsupported, Code.FAILED_PRECONDITION),
    (errors.Denied, Code.PERMISSION_DENIED),
    (errors.TimedOut, Code.DEADLINE_EXCEEDED),
    (errors.Temporary, Code.UNAVAILABLE),
    (errors.TalosError, Code.INTERNAL),
    (FileNotFoundError, Code.NOT_FOUND),
    (FileExistsError, Code.ALREADY_EXISTS),
    (PermissionError, Code.PERMISSION_DENIED),
    (TimeoutError, Code.DEADLINE_EXCEEDED),
    (OSError, Code.INTERNAL),
)


def from_exception(error: BaseException) -> RpcError | None:
    """Return the status an expected error becomes, None for an unexpected one (a bug: INTERNAL, and a log entry)."""
    if isinstance(error, RpcError):
        return error
    for kind, code in _BY_ERROR:
        if isinstance(error, kind):
            return RpcError(code, str(error) or kind.__name__)
    return None


def to_error(error: RpcError) -> errors.TalosError:
    """Return the talos error a caller can react to, for a status received from a state server."""
    kinds: dict[Code, type[errors.TalosError]] = {
        Code.NOT_FOUND: errors.NotFound,
        Code.ALREADY_EXISTS: errors.AlreadyExists,
        Code.ABORTED: errors.VersionConflict,
        Code.FAILED_PRECONDITION: errors.PhaseConflict,
        Code.PERMISSION_DENIED: errors.Denied,
        Code.DEADLINE_EXCEEDED: errors.TimedOut,
    }
    kind = kinds.get(error.code)
    if kind is not None:
        return kind(error.message)
    if error.code is Code.INVALID_ARGUMENT:
        return errors.Invalid(error.message)
    if error.code is Code.UNAVAILABLE:
        return errors.Temporary(error.message)
    return error
