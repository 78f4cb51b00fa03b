"""Everything the clients raise on purpose.

``AssayError`` is the root. ``StatusError`` and its subclasses are the server's own answer; ``ConnectionLost``, ``Timeout`` and
``ProtocolError`` are this side's view of a conversation that went wrong. Plain ``ValueError`` and ``TypeError`` mean that the
arguments of a call made no sense before anything was sent.
"""

from __future__ import annotations

from typing import Optional

__all__ = [
    "AssayError",
    "AuditUnavailable",
    "BadFrame",
    "ClientClosed",
    "CompressedFrame",
    "ConnectionLost",
    "DeadlineExceeded",
    "FailedPrecondition",
    "InternalError",
    "InvalidArgument",
    "NotFound",
    "PermissionDenied",
    "ProtocolError",
    "ResourceExhausted",
    "StatusError",
    "Timeout",
    "TransactionFormatError",
    "Unavailable",
    "Unimplemented",
]


class AssayError(Exception):
    """Root of all errors of this package.

    ``reason`` is machine-readable (UPPER_SNAKE_CASE); ``retry_after`` is in seconds, None when the same request would fail again;
    ``maybe_executed`` says whether the server may have carried the request out (and written its audit record) all the same.
    """

    def __init__(
        self, message: str, *, reason: str = "", retry_after: Optional[float] = None, maybe_executed: bool = False
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after
        self.maybe_executed = maybe_executed


class StatusError(AssayError):
    """The server answered with a status other than OK; ``status`` is its number in assay.v1.Status."""

    status: int = -1

    def __init__(
        self, message: str, *, reason: str = "", retry_after: Optional[float] = None, maybe_executed: bool = False,
        status: Optional[int] = None
    ) -> None:
        super().__init__(message, reason=reason, retry_after=retry_after, maybe_executed=maybe_executed)
        if status is not None:
            self.status = status


class InvalidArgument(StatusError, ValueError):
    """The request is wrong and will be wrong again (count of features, NaN where the schema forbids it …)."""

    status = 1


class NotFound(StatusError, LookupError):
    """No such bundle, version, alias or decision."""

    status = 2


class DeadlineExceeded(StatusError, TimeoutError):
    """The deadline passed. From the server: not scored. Reason CLIENT_DEADLINE: noticed here, see ``maybe_executed``."""

    status = 3


class ResourceExhausted(StatusError):
    """A limit of the server was met; try again after ``retry_after`` seconds."""

    status = 4


class AuditUnavailable(StatusError):
    """The audit trail can't take the record, so there is no decision; try again after ``retry_after`` seconds."""

    status = 5


class Unavailable(StatusError):
    """The server is draining: ask another one."""

    status = 6


class PermissionDenied(StatusError, PermissionError):
    """An administrative request from where the server accepts none."""

    status = 7


class Unimplemented(StatusError):
    """The server does not know this method."""

    status = 8


class InternalError(StatusError):
    """A defect of the server."""

    status = 9


class BadFrame(StatusError):
    """The server could not understand our bytes and closes the connection."""

    status = 10


class FailedPrecondition(StatusError):
    """The operation contradicts the present state (an alias that has nothing to roll back to …)."""

    status = 11


class ConnectionLost(AssayError, ConnectionError):
    """The connection could not be made, or ended before the reply. ``maybe_executed`` is False when no server can have seen the
    whole request."""

    # The first bytes of the reply had come when the connection ended.
    reply_began = False


class Timeout(AssayError, TimeoutError):
    """No reply within the client's ``timeout``. The request may have been carried out: see ``maybe_executed``."""


class ProtocolError(AssayError):
    """The peer sent something that is not a reply of this contract; the connection was closed."""


class CompressedFrame(ProtocolError):
    """The peer sent an LZ4-compressed frame although this client said that it reads none."""


class ClientClosed(AssayError):
    """The client was closed."""


class TransactionFormatError(AssayError, ValueError):
    """A transaction given as a dict is not of the documented form; ``path`` names the place, as in ``vin[2].prevout.value``."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}", reason="TRANSACTION_FORMAT")
        self.path = path
        self.problem = problem


_BY_STATUS = {
    error.status: error
    for error in (
        InvalidArgument, NotFound, DeadlineExceeded, ResourceExhausted, AuditUnavailable, Unavailable, PermissionDenied,
        Unimplemented, InternalError, BadFrame, FailedPrecondition,
    )
}

# A status after which nothing is known about what was done; every other one says that the request was refused.
_MAYBE_EXECUTED = {InternalError.status}


def status_error(status: int, reason: str, text: str, retry_after_us: int) -> StatusError:
    """The typed error for a reply whose status is not OK; a status this version does not know becomes plain StatusError."""
    error = _BY_STATUS.get(status)
    message = ": ".join(part for part in (reason, text) if part) or f"status {status}"
    retry_after = retry_after_us / 1e6 if retry_after_us else None
    # AUDIT_FAILED: the decision was made, and whether its record survives shows after the server's restart.
    maybe_executed = error is None or status in _MAYBE_EXECUTED or reason == "AUDIT_FAILED"
    return (error or StatusError)(
        message, reason=reason, retry_after=retry_after, maybe_executed=maybe_executed, status=status
    )
