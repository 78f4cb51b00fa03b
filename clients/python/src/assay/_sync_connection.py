"""One blocking connection that carries one request at a time. Every wait on the socket has an end."""

from __future__ import annotations

import socket
import ssl
import time
from typing import List, Optional

from . import _calls, types
from ._address import Address
from ._frames import FRAME_BYTE_COUNT_MAX, FrameDecoder, encode_frame
from ._proto.assay.v1 import assay_pb2 as pb
from .errors import AssayError, ConnectionLost, ProtocolError, Timeout, status_error

_READ_BYTE_COUNT = 256 << 10


class SyncConnection:
    """A connected socket after Hello. Not thread-safe; the pool lends it to one thread at a time."""

    def __init__(
        self, address: Address, hello: _calls.Call[types.ServerInfo], expires: float, tls: Optional[ssl.SSLContext] = None
    ) -> None:
        """Connects, with TLS where ``tls`` is given, and says hello before ``expires`` (monotonic seconds). Raises ConnectionLost, Timeout, ProtocolError or the
        server's status; ``maybe_executed`` is False in all of them, for the caller's own request was not sent."""
        self._decoder = FrameDecoder()
        self._next_id = 1
        self._request_byte_count_max = FRAME_BYTE_COUNT_MAX
        self.usable = True
        self._socket = _connect(address, expires)
        if tls is not None:
            self._socket = _encrypt(self._socket, address, tls, expires)
        # No TLS can peek, and none needs to: any byte ends the connection.
        self._look_flags = 0 if tls is not None else socket.MSG_PEEK
        try:
            self.server = hello.value(self.exchange(hello.request, expires))
        except AssayError as error:
            self.close()
            error.maybe_executed = False
            raise
        except BaseException:
            self.close()
            raise
        self._request_byte_count_max = self.server.frame_bytes_max or FRAME_BYTE_COUNT_MAX
        self._decoder.byte_count_max = FRAME_BYTE_COUNT_MAX

    def close(self) -> None:
        self.usable = False
        try:
            self._socket.close()
        except OSError:
            pass

    def is_dead(self) -> bool:
        """Whether the idle connection has ended, or holds bytes nobody asked for. Costs one system call, waits for nothing."""
        try:
            self._socket.settimeout(0)
            self._socket.recv(1, self._look_flags)
        except (BlockingIOError, InterruptedError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        return True

    def exchange(self, request: pb.Request, expires: float) -> pb.Reply:
        """Sends ``request`` and returns its reply before ``expires``. After any error the connection is not usable."""
        request.id = self._next_id
        self._next_id += 1
        payload = request.SerializeToString()
        if len(payload) > self._request_byte_count_max:
            raise ValueError(
                f"the request takes {len(payload)} bytes, the server accepts {self._request_byte_count_max}: send fewer rows"
            )
        usable, self.usable = self.usable, False
        if not usable:
            raise ConnectionLost("the connection was closed", reason="CLOSED")
        self._send(encode_frame(payload), expires)
        reply = self._receive(request.id, expires)
        # A draining server ends the connection soon: the next request is better off with a new one.
        self.usable = reply.status != pb.STATUS_UNAVAILABLE
        return reply

    def _send(self, frame: bytes, expires: float) -> None:
        """Until the last byte has gone, no server can have seen the whole request: maybe_executed stays False."""
        view = memoryview(frame)
        while view:
            try:
                self._socket.settimeout(_remaining(expires, maybe_executed=False))
                view = view[self._socket.send(view):]
            except (socket.timeout, BlockingIOError):
                _remaining(expires, maybe_executed=False)
            except OSError as error:
                raise ConnectionLost(f"the connection ended while sending: {error}", reason="SEND_FAILED") from error

    def _receive(self, request_id: int, expires: float) -> pb.Reply:
        while True:
            try:
                self._socket.settimeout(_remaining(expires, maybe_executed=True))
                data = self._socket.recv(_READ_BYTE_COUNT)
            except (socket.timeout, BlockingIOError):
                _remaining(expires, maybe_executed=True)
                continue
            except OSError as error:
                raise self._lost(f"the connection ended before the reply: {error}", "RECEIVE_FAILED") from error
            if not data:
                raise self._lost("the server closed the connection before the reply", "CLOSED_BY_SERVER")
            payloads = self._decoder.feed(data)
            if payloads:
                return self._reply(payloads, request_id)

    def _reply(self, payloads: List[bytes], request_id: int) -> pb.Reply:
        reply = _calls.parse_reply(payloads[0])
        if reply.id == 0 and reply.status != pb.STATUS_OK:
            # About the connection, not about one request: the server could not even read an id.
            raise status_error(reply.status, reply.error.reason, reply.error.text, reply.error.retry_after_us)
        if reply.id != request_id or len(payloads) > 1 or self._decoder.pending_byte_count:
            raise ProtocolError(
                f"a reply with id {reply.id} where {request_id} alone was asked for", reason="UNEXPECTED_REPLY",
                maybe_executed=True,
            )
        return reply

    def _lost(self, message: str, reason: str) -> ConnectionLost:
        error = ConnectionLost(message, reason=reason, maybe_executed=True)
        error.reply_began = self._decoder.pending_byte_count > 0
        return error


def _remaining(expires: float, *, maybe_executed: bool) -> float:
    seconds = expires - time.monotonic()
    if seconds <= 0:
        raise Timeout("no reply in time", reason="CLIENT_TIMEOUT", maybe_executed=maybe_executed)
    return seconds


def _connect(address: Address, expires: float) -> socket.socket:
    """The first of the address's endpoints that answers. The name look-up itself takes as long as the system lets it."""
    try:
        if address.path is not None:
            endpoints = [(socket.AF_UNIX, socket.SOCK_STREAM, 0, "", address.path)]
        else:
            endpoints = socket.getaddrinfo(  # type: ignore[assignment]
                address.host, address.port, type=socket.SOCK_STREAM
            )
    except OSError as error:
        raise ConnectionLost(f"{address}: {error}", reason="CONNECT_FAILED") from error
    failure: OSError = OSError("no endpoint")
    for family, kind, protocol, _, endpoint in endpoints:
        candidate = socket.socket(family, kind, protocol)
        try:
            candidate.settimeout(_remaining(expires, maybe_executed=False))
            candidate.connect(endpoint)
            if family != getattr(socket, "AF_UNIX", None):
                candidate.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return candidate
        except socket.timeout as error:
            candidate.close()
            raise Timeout(f"{address}: no connection in time", reason="CLIENT_TIMEOUT") from error
        except OSError as error:
            candidate.close()
            failure = error
        except BaseException:
            candidate.close()
            raise
    raise ConnectionLost(f"{address}: {failure}", reason="CONNECT_FAILED") from failure


def _encrypt(plain: socket.socket, address: Address, tls: ssl.SSLContext, expires: float) -> ssl.SSLSocket:
    try:
        plain.settimeout(_remaining(expires, maybe_executed=False))
        return tls.wrap_socket(plain, server_hostname=address.host)
    except socket.timeout as error:
        plain.close()
        raise Timeout(f"{address}: no TLS handshake in time", reason="CLIENT_TIMEOUT") from error
    except OSError as error:
        plain.close()
        raise ConnectionLost(f"{address}: TLS: {error}", reason="TLS_FAILED") from error
    except BaseException:
        plain.close()
        raise
