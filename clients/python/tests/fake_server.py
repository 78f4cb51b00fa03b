"""An Assay server for tests: speaks the frame protocol, answers plausibly, and misbehaves where a test tells it to."""

from __future__ import annotations

import asyncio
import hashlib
import struct
import threading
from typing import Any, Awaitable, Callable, Coroutine, List, Optional, Set

from assay._proto.assay.v1 import assay_pb2 as pb
from assay._proto.assay.v1 import audit_pb2

DIGEST = hashlib.sha256(b"bundle").digest()
BUNDLE_BYTES = bytes(range(256)) * 40
IN_FLIGHT_MAX = 8


def frame(message: pb.Reply, flags: int = 0) -> bytes:
    payload = message.SerializeToString()
    return struct.pack(">BI", flags, len(payload)) + payload


class Peer:
    """One client's connection, as a handler sees it."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.reader = reader
        self.writer = writer

    def reply(self, message: pb.Reply) -> None:
        self.writer.write(frame(message))

    def raw(self, data: bytes) -> None:
        self.writer.write(data)

    def close(self) -> None:
        self.writer.close()

    def abort(self) -> None:
        self.writer.transport.abort()


Handler = Callable[[Peer, pb.Request], Awaitable[None]]


class FakeServer:
    """Runs in a thread of its own with its own event loop; ``handler`` sees everything but Hello."""

    def __init__(self, handler: Optional[Handler] = None, *, unix_path: Optional[str] = None) -> None:
        self.handler = handler or answer
        self.hello: Handler = answer
        self.requests: List[pb.Request] = []
        self.hellos: List[pb.HelloRequest] = []
        self.connection_count = 0
        self._unix_path = unix_path
        self._peers: Set[Peer] = set()
        self._tasks: Set["asyncio.Task[None]"] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def address(self) -> str:
        return f"unix:{self._unix_path}" if self._unix_path else f"127.0.0.1:{self.port}"

    def __enter__(self) -> "FakeServer":
        self._thread.start()
        self.run(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def methods(self) -> List[Optional[str]]:
        return [request.WhichOneof("method") for request in self.requests]

    def drop_connections(self) -> None:
        """Ends every connection from the server's side and waits until the bytes of that are out."""
        self.run(self._drop())

    async def _drop(self) -> None:
        for peer in list(self._peers):
            peer.writer.close()
        while self._peers:
            await asyncio.sleep(0.001)

    async def _listen(self) -> None:
        if self._unix_path:
            self._server = await asyncio.start_unix_server(self._serve, self._unix_path)
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await self._drop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection_count += 1
        peer = Peer(self.connection_count, reader, writer)
        self._peers.add(peer)
        try:
            while True:
                flags, byte_count = struct.unpack(">BI", await reader.readexactly(5))
                assert flags == 0
                request = pb.Request.FromString(await reader.readexactly(byte_count))
                if request.WhichOneof("method") == "hello":
                    self.hellos.append(request.hello)
                    await self.hello(peer, request)
                    continue
                self.requests.append(request)
                task = asyncio.get_running_loop().create_task(self._handle(peer, request))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._peers.discard(peer)
            writer.close()

    async def _handle(self, peer: Peer, request: pb.Request) -> None:
        await self.handler(peer, request)


async def answer(peer: Peer, request: pb.Request) -> None:
    """What a well-behaved server replies."""
    peer.reply(reply_to(request))


def refusal(request: pb.Request, status: int, reason: str = "REASON", text: str = "text", retry_after_us: int = 0) -> pb.Reply:
    reply = pb.Reply(id=request.id, error=pb.Error(reason=reason, text=text, retry_after_us=retry_after_us))
    reply.status = status  # type: ignore[assignment]
    return reply


def reply_to(request: pb.Request) -> pb.Reply:
    reply = pb.Reply(id=request.id)
    method = request.WhichOneof("method")
    if method == "hello":
        reply.hello.CopyFrom(
            pb.HelloReply(
                protocol=1, server_version="fake", server_id=b"\x01" * 16, frame_bytes_max=1 << 16,
                in_flight_max=IN_FLIGHT_MAX, batch_rows_max=100,
            )
        )
    elif method == "score":
        reply.decision.CopyFrom(decision(request))
    elif method == "score_batch":
        body = request.score_batch
        reply.score_batch.CopyFrom(
            pb.ScoreBatchReply(
                scores=[0.25] * body.row_count, outcomes=[pb.OUTCOME_DECLINE] * body.row_count, stage=pb.STAGE_ONLINE,
                bundle=body.bundle, version=3, digest=DIGEST, audit_sequence_first=100,
                raw=[float(i) for i in range(2 * body.row_count)] if body.include_raw else [],
            )
        )
    elif method == "describe_model":
        reply.describe_model.CopyFrom(
            pb.DescribeModelReply(
                model=pb.ModelVersion(bundle=request.describe_model.bundle, version=3, digest=DIGEST, aliases=["champion"]),
                features=[pb.FeatureDescription(name="a", type="float", missing_allowed=True)],
                precision_bits=64 if request.describe_model.bundle == "wide" else 32, output_count=1,
                provenance=[pb.Provenance(key="trained", value="here")],
            )
        )
    elif method == "list_models":
        reply.list_models.models.add(bundle="cards", version=3, digest=DIGEST, aliases=["champion"])
    elif method == "fetch_bundle":
        offset = request.fetch_bundle.offset
        reply.fetch_bundle.CopyFrom(
            pb.FetchBundleReply(
                version=3, digest=hashlib.sha256(BUNDLE_BYTES).digest(), byte_count=len(BUNDLE_BYTES), offset=offset,
                bytes=BUNDLE_BYTES[offset:offset + 4000],
            )
        )
    elif method == "get_decision":
        record = audit_pb2.AuditRecord(
            sequence=request.get_decision.audit_sequence or 99, transaction_id=request.get_decision.transaction_id, bundle="cards", version=3, digest=DIGEST,
            features32=struct.pack("<2f", 1.5, float("nan")), scores=struct.pack("<d", 0.5), score=0.5,
            outcome=pb.OUTCOME_REVIEW, stage=pb.STAGE_ONLINE,
        )
        reply.get_decision.record = record.SerializeToString()
        reply.get_decision.records.extend([reply.get_decision.record] * request.get_decision.limit)
    elif method == "health":
        reply.health.CopyFrom(pb.HealthReply(ready=False, reasons=[pb.HealthReason(code="NO_BUNDLE", text="none", blocking=True)]))
    elif method == "stats":
        reply.stats.CopyFrom(pb.StatsReply(uptime_us=5, decisions_by_outcome=[1, 2, 3]))
    elif method == "set_alias":
        reply.set_alias.CopyFrom(pb.SetAliasReply(previous_version=1, version=request.set_alias.version))
    elif method == "rollback":
        reply.rollback.CopyFrom(pb.RollbackReply(previous_version=2, version=1))
    return reply


def decision(request: pb.Request) -> pb.Decision:
    """The score is the sum of the features that are not missing, so that a test sees what arrived."""
    body = request.score
    values = [*body.features32, *body.features64]
    return pb.Decision(
        score=sum(value for value in values if value == value), outcome=pb.OUTCOME_REVIEW, stage=pb.STAGE_ONLINE,
        bundle=body.bundle, version=body.version or 3, digest=DIGEST, audit_sequence=42, server_ns=1000,
        raw=[-1.0] if body.include_raw else [],
        reasons=[pb.Reason(code="SCORE_AT_LEAST_REVIEW", value=0.5, threshold=0.4)],
    )
