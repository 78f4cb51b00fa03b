"""One asyncio connection with many requests in flight, matched with their replies by id."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from typing import Any, Deque, Dict, Optional, cast

from . import _calls, types
from ._address import Address
from ._frames import FRAME_BYTE_COUNT_MAX, FrameDecoder, encode_frame
from ._proto.assay.v1 import assay_pb2 as pb
from .errors import AssayError, ConnectionLost, ProtocolError, StatusError, Timeout, status_error

# Until Hello has told the server's window.
_IN_FLIGHT_BEFORE_HELLO = 1

# A server that says nothing about its window gets no more than this.
_IN_FLIGHT_DEFAULT = 64

# A connection on which nothing came for this share of the client's timeout, although something was asked, is taken for dead.
# Less than one, because a request is sent a little after its timeout began to run.
_SILENCE_SHARE = 0.9


class AsyncConnection(asyncio.Protocol):
    """Pipelines up to the server's in-flight window; replies may come in any order.

    A request given up by its caller (timeout, cancellation) still fills its place in the window until its reply comes, for the
    server still works on it; such a late reply is dropped. An id that was never sent ends the connection.
    """

    def __init__(self, silence_seconds_max: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._silence_seconds_max = silence_seconds_max
        self._retired = False
        self._transport: Optional[asyncio.Transport] = None
        self._decoder = FrameDecoder()
        self._next_id = 1
        self._window = _IN_FLIGHT_BEFORE_HELLO
        self._request_byte_count_max = FRAME_BYTE_COUNT_MAX
        # Sent and not answered, oldest first, None where the caller has given up; and when they were sent (monotonic seconds).
        self._in_flight: Dict[int, Optional["asyncio.Future[pb.Reply]"]] = {}
        self._sent_at: Dict[int, float] = {}
        self._queue: Deque["asyncio.Future[None]"] = deque()
        self._writable = True
        self._received_at = time.monotonic()
        self._end: Optional[AssayError] = None
        self.server: Optional[types.ServerInfo] = None

    @classmethod
    async def open(
        cls, address: Address, hello: "_calls.Call[types.ServerInfo]", timeout: float, tls: Optional[ssl.SSLContext] = None
    ) -> "AsyncConnection":
        """Connects and says hello. Raises ConnectionLost, Timeout, ProtocolError or the server's status."""
        expires = time.monotonic() + timeout
        try:
            connection = await asyncio.wait_for(cls._dial(address, timeout * _SILENCE_SHARE, tls), timeout)
        except asyncio.TimeoutError as error:
            raise Timeout(f"{address}: no connection in time", reason="CLIENT_TIMEOUT") from error
        except ssl.SSLError as error:
            raise ConnectionLost(f"{address}: TLS: {error}", reason="TLS_FAILED") from error
        except OSError as error:
            raise ConnectionLost(f"{address}: {error}", reason="CONNECT_FAILED") from error
        try:
            server = hello.value(await connection.exchange(hello.request, expires))
        except AssayError as error:
            connection.close()
            error.maybe_executed = False
            raise
        except BaseException:
            connection.close()
            raise
        connection._accept(server)
        return connection

    @classmethod
    async def _dial(
        cls, address: Address, silence_seconds_max: float, tls: Optional[ssl.SSLContext]
    ) -> "AsyncConnection":
        loop = asyncio.get_running_loop()
        if address.path is not None:
            _, connection = await loop.create_unix_connection(lambda: cls(silence_seconds_max), address.path)
        else:
            _, connection = await loop.create_connection(lambda: cls(silence_seconds_max), address.host, address.port, ssl=tls)
        return connection

    def _accept(self, server: types.ServerInfo) -> None:
        self.server = server
        self._window = server.in_flight_max or _IN_FLIGHT_DEFAULT
        self._request_byte_count_max = server.frame_bytes_max or FRAME_BYTE_COUNT_MAX
        self._decoder.byte_count_max = FRAME_BYTE_COUNT_MAX

    # -- Requests

    @property
    def is_usable(self) -> bool:
        """Whether it takes new requests."""
        return self._end is None and not self._retired

    def retire(self) -> None:
        """Takes no new requests; those in flight get their replies. For a server that says it is draining."""
        self._retired = True
        self._close_when_idle()

    def _close_when_idle(self) -> None:
        if self._retired and not self._in_flight and not self._queue:
            self.close()

    def close(self) -> None:
        self._finish(ConnectionLost("the connection was closed by this client", reason="CLOSED"))

    async def exchange(self, request: pb.Request, expires: float) -> pb.Reply:
        """Sends ``request`` when the window has room, and returns its reply before ``expires`` (monotonic seconds)."""
        request_byte_count = request.ByteSize()
        if request_byte_count > self._request_byte_count_max:
            raise ValueError(
                f"the request takes {request_byte_count} bytes, the server accepts {self._request_byte_count_max}: "
                "send fewer rows"
            )
        while self._end is None and (len(self._in_flight) >= self._window or not self._writable):
            await self._turn(expires)
        if self._end is not None:
            # Whatever ended the connection, this request was not sent.
            raise ConnectionLost(str(self._end), reason=self._end.reason)
        request.id = self._next_id
        self._next_id += 1
        answer: "asyncio.Future[pb.Reply]" = self._loop.create_future()
        self._in_flight[request.id] = answer
        self._sent_at[request.id] = time.monotonic()
        cast(asyncio.Transport, self._transport).write(encode_frame(request.SerializeToString()))
        try:
            await self._wait(answer, expires, maybe_executed=True)
            return answer.result()
        finally:
            if request.id in self._in_flight:
                self._give_up(request.id)

    async def _turn(self, expires: float) -> None:
        waiter: "asyncio.Future[None]" = self._loop.create_future()
        self._queue.append(waiter)
        try:
            await self._wait(waiter, expires, maybe_executed=False)
        except BaseException:
            # A turn given to one who no longer wants it goes to the next.
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._wake()
            raise
        finally:
            try:
                self._queue.remove(waiter)
            except ValueError:
                pass

    async def _wait(self, future: "asyncio.Future[Any]", expires: float, *, maybe_executed: bool) -> None:
        timer = self._loop.call_later(expires - time.monotonic(), _expire, future, maybe_executed)
        try:
            await future
        finally:
            timer.cancel()

    def _give_up(self, request_id: int) -> None:
        """The caller is gone, the request is not. A server that has been silent for too long is taken for dead."""
        self._in_flight[request_id] = None
        oldest = next(iter(self._in_flight))
        silent_since = max(self._received_at, self._sent_at[oldest])
        if time.monotonic() - silent_since >= self._silence_seconds_max:
            self._finish(ConnectionLost("the server has fallen silent", reason="SILENT", maybe_executed=True))

    def _wake(self) -> None:
        """Gives the turn to as many as there is room for."""
        room = self._window - len(self._in_flight)
        while self._queue and (room > 0 or self._end is not None):
            waiter = self._queue.popleft()
            if not waiter.done():
                waiter.set_result(None)
                room -= 1

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._received_at = time.monotonic()
        try:
            for payload in self._decoder.feed(data):
                self._deliver(_calls.parse_reply(payload))
        except (ProtocolError, StatusError) as error:
            self._finish(error)
        self._wake()
        self._close_when_idle()

    def eof_received(self) -> bool:
        self._finish(ConnectionLost("the server closed the connection", reason="CLOSED_BY_SERVER"))
        return False

    def connection_lost(self, error: Optional[Exception]) -> None:
        self._finish(ConnectionLost(f"the connection ended: {error or 'closed'}", reason="CONNECTION_ENDED"))

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._wake()

    def _deliver(self, reply: pb.Reply) -> None:
        if self._end is not None:
            return
        if reply.id == 0 and reply.status != pb.STATUS_OK:
            # About the connection: the server could not even read an id.
            raise status_error(reply.status, reply.error.reason, reply.error.text, reply.error.retry_after_us)
        if reply.id not in self._in_flight:
            raise ProtocolError(
                f"a reply with id {reply.id}, which is not in flight", reason="UNEXPECTED_REPLY", maybe_executed=True
            )
        answer = self._in_flight.pop(reply.id)
        del self._sent_at[reply.id]
        if answer is not None and not answer.done():
            answer.set_result(reply)

    def _finish(self, error: AssayError) -> None:
        """Ends the connection once; everyone who waits is told."""
        if self._end is not None:
            return
        self._end = error
        if self._transport is not None:
            self._transport.abort()
        in_flight, self._in_flight = self._in_flight, {}
        self._sent_at.clear()
        # With one request in flight, a frame that the server could not read was that one.
        maybe_executed = not isinstance(error, StatusError) or len(in_flight) > 1
        for answer in in_flight.values():
            if answer is not None and not answer.done():
                answer.set_exception(_copy(error, maybe_executed))
        self._wake()


def _copy(end: AssayError, maybe_executed: bool) -> AssayError:
    """The connection's end as one request sees it: an error object of its own."""
    if isinstance(end, StatusError):
        return type(end)(
            str(end), reason=end.reason, retry_after=end.retry_after, maybe_executed=maybe_executed, status=end.status
        )
    return type(end)(str(end), reason=end.reason, maybe_executed=maybe_executed)


def _expire(future: "asyncio.Future[Any]", maybe_executed: bool) -> None:
    if not future.done():
        future.set_exception(Timeout("no reply in time", reason="CLIENT_TIMEOUT", maybe_executed=maybe_executed))
