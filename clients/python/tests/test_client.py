"""The blocking client against a server that misbehaves."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, Type

import pytest

import assay
from assay._proto.assay.v1 import assay_pb2 as pb

from .fake_server import BUNDLE_BYTES, DIGEST, FakeServer, Peer, answer, frame, refusal, reply_to


def test_every_method_returns_its_value() -> None:
    with FakeServer() as server, assay.Client(server.address, client_name="tests") as client:
        decision = client.score("cards", [1.0, None, 2.5], transaction_id="t-1", include_raw=True, explain=2)
        assert (decision.score, decision.outcome, decision.stage) == (3.5, assay.Outcome.REVIEW, assay.Stage.ONLINE)
        assert (decision.bundle, decision.version, decision.digest) == ("cards", 3, DIGEST.hex())
        assert (decision.audit_sequence, decision.raw, decision.reasons[0].code) == (42, (-1.0,), "SCORE_AT_LEAST_REVIEW")
        assert not decision.approved
        batch = client.score_batch("cards", [[1, 2], [3, 4], [5, 6]], include_raw=True, transaction_ids=["a", "b", "c"])
        assert len(batch) == 3 and [row.audit_sequence for row in batch] == [100, 101, 102]
        assert batch.raw == ((0.0, 1.0), (2.0, 3.0), (4.0, 5.0)) and batch[-1].raw == (4.0, 5.0)
        assert batch[0].outcome is assay.Outcome.DECLINE
        record = client.get_decision(7)
        assert record.sequence == 7 and record.features[0] == 1.5 and record.features[1] != record.features[1]
        assert (record.precision, record.scores, record.void) == (32, (0.5,), None)
        assert client.get_decision(transaction_id="t-1").transaction_id == "t-1"
        assert [found.sequence for found in client.find_decisions("t-1", limit=3)] == [99, 99, 99]
        for wrong in (lambda: client.get_decision(), lambda: client.get_decision(1, transaction_id="t"), lambda: client.find_decisions("")):
            with pytest.raises(ValueError):
                wrong()
        assert client.list_models()[0].aliases == ("champion",)
        assert client.describe_model("cards").features[0].missing_allowed
        assert client.fetch_bundle("cards").data == BUNDLE_BYTES
        assert client.set_alias("cards", "champion", 2, who="me", why="test") == assay.AliasMove(1, 2)
        assert client.rollback("cards") == assay.AliasMove(2, 1)
        assert client.health().reasons[0].blocking and not client.health().ready
        assert client.stats().decisions_by_outcome == (1, 2, 3)
        assert client.hello().server_id == "01" * 16
        assert server.connection_count == 1
        assert server.hellos[0].client_name == "tests" and server.hellos[0].protocol == 1 and not server.hellos[0].accepts_lz4


def test_unix_sockets_work(tmp_path: Any) -> None:
    with FakeServer(unix_path=str(tmp_path / "assay.sock")) as server, assay.Client(server.address) as client:
        assert client.hello().server_version == "fake"


@pytest.mark.parametrize(
    "status, error",
    [
        (1, assay.InvalidArgument), (2, assay.NotFound), (3, assay.DeadlineExceeded), (4, assay.ResourceExhausted),
        (5, assay.AuditUnavailable), (6, assay.Unavailable), (7, assay.PermissionDenied), (8, assay.Unimplemented),
        (9, assay.InternalError), (10, assay.BadFrame), (11, assay.FailedPrecondition), (77, assay.StatusError),
    ],
)
def test_every_status_raises_its_error(status: int, error: Type[assay.StatusError]) -> None:
    async def refuse(peer: Peer, request: pb.Request) -> None:
        peer.reply(refusal(request, status, "SOME_REASON", "in words", 1500))

    with FakeServer(refuse) as server, assay.Client(server.address) as client:
        with pytest.raises(error) as caught:
            client.score("cards", [1.0], precision=32)
        assert type(caught.value) is error and caught.value.status == status
        assert (caught.value.reason, caught.value.retry_after) == ("SOME_REASON", 0.0015)
        assert "in words" in str(caught.value)
        assert caught.value.maybe_executed == (status in (9, 77))
        assert len(server.requests) == 1


def test_record_that_could_not_be_made_durable_may_have_been_written() -> None:
    async def refuse(peer: Peer, request: pb.Request) -> None:
        peer.reply(refusal(request, pb.STATUS_AUDIT_UNAVAILABLE, "AUDIT_FAILED"))

    with FakeServer(refuse) as server, assay.Client(server.address) as client:
        with pytest.raises(assay.AuditUnavailable) as caught:
            client.score("cards", [1.0], precision=32, durability="disk")
        assert caught.value.maybe_executed
        assert [request.score.durability for request in server.requests] == [pb.DURABILITY_DISK]


def test_refused_hello_raises_its_status() -> None:
    async def refuse(peer: Peer, request: pb.Request) -> None:
        peer.reply(refusal(request, pb.STATUS_RESOURCE_EXHAUSTED, "CONNECTIONS"))

    with FakeServer() as server, assay.Client(server.address) as client:
        server.hello = refuse
        with pytest.raises(assay.ResourceExhausted):
            client.health()
        server.hello = answer
        assert not client.health().ready


# -- Precision


def test_precision_is_looked_up_once_a_bundle() -> None:
    with FakeServer() as server, assay.Client(server.address) as client:
        for _ in range(3):
            assert client.score("wide", [0.1]).score == 0.1
            assert client.score("cards", [0.1]).score == struct.unpack("<f", struct.pack("<f", 0.1))[0]
        assert server.methods().count("describe_model") == 2
        assert client.score("other", [0.1], precision=64).score == 0.1
        assert server.methods().count("describe_model") == 2


def test_precision_that_changed_with_a_new_version_is_looked_up_again() -> None:
    bits = 32

    async def serve(peer: Peer, request: pb.Request) -> None:
        reply = reply_to(request)
        if request.WhichOneof("method") == "describe_model":
            reply.describe_model.precision_bits = bits
        elif bits == 64 and not request.score.features64:
            reply = refusal(request, pb.STATUS_INVALID_ARGUMENT, "PRECISION")
        peer.reply(reply)

    with FakeServer(serve) as server, assay.Client(server.address) as client:
        client.score("cards", [0.1])
        bits = 64
        assert client.score("cards", [0.1]).score == 0.1
        assert server.methods() == ["describe_model", "score", "score", "describe_model", "score"]


def test_precision_of_16_is_refused() -> None:
    with assay.Client() as client, pytest.raises(ValueError, match="precision"):
        client.score("cards", [1.0], precision=16)


# -- Time


def test_slow_reply_is_a_timeout_and_its_connection_is_not_used_again() -> None:
    async def serve(peer: Peer, request: pb.Request) -> None:
        if len(server.requests) > 1:
            peer.reply(reply_to(request))

    with FakeServer(serve) as server, assay.Client(server.address, timeout=2) as client:
        begin = time.monotonic()
        with pytest.raises(assay.Timeout) as caught:
            client.score("cards", [1.0], precision=32)
        assert time.monotonic() - begin > 1.5
        assert caught.value.maybe_executed and isinstance(caught.value, TimeoutError)
        assert client.score("cards", [2.0], precision=32).score == 2.0
        assert server.connection_count == 2


def test_deadline_travels_and_ends_the_wait() -> None:
    async def silent(peer: Peer, request: pb.Request) -> None:
        pass

    with FakeServer(silent) as server, assay.Client(server.address, timeout=30) as client:
        with pytest.raises(assay.DeadlineExceeded) as caught:
            client.score("cards", [1.0], deadline=0.1, precision=32)
        assert caught.value.reason == "CLIENT_DEADLINE" and caught.value.maybe_executed
        assert abs(server.requests[0].deadline_us / 1e6 - time.time()) < 10


def test_deadline_in_the_past_sends_nothing() -> None:
    with FakeServer() as server, assay.Client(server.address) as client:
        for deadline in (0.0, -1.0, float("nan")):
            with pytest.raises(assay.DeadlineExceeded) as caught:
                client.score("cards", [1.0], deadline=deadline)
            assert not caught.value.maybe_executed
        assert server.connection_count == 0


def test_server_that_accepts_and_says_nothing_is_a_timeout() -> None:
    async def silent(peer: Peer, request: pb.Request) -> None:
        pass

    with FakeServer() as server, assay.Client(server.address, timeout=0.2) as client:
        server.hello = silent
        with pytest.raises(assay.Timeout) as caught:
            client.score("cards", [1.0])
        assert not caught.value.maybe_executed


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_timeouts_without_end_are_refused(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        assay.Client(timeout=timeout)


# -- Connections that die


def test_nobody_listening_is_connection_lost() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with assay.Client(address) as client, pytest.raises(assay.ConnectionLost) as caught:
            client.health()
    assert caught.value.reason == "CONNECT_FAILED" and not caught.value.maybe_executed
    assert isinstance(caught.value, ConnectionError)


def test_idle_connection_that_ended_is_replaced_before_a_score_is_sent() -> None:
    with FakeServer() as server, assay.Client(server.address) as client:
        client.score("cards", [1.0], precision=32)
        server.drop_connections()
        time.sleep(0.05)
        assert client.score("cards", [2.0], precision=32).score == 2.0
        assert server.connection_count == 2 and len(server.requests) == 2


def die_on(count: int) -> Callable[[Peer, pb.Request], Any]:
    """Answers the first request of the first connection and ends the connection at its later ones."""

    async def serve(peer: Peer, request: pb.Request) -> None:
        if peer.number <= count and len(server_requests(peer)) > 1:
            peer.close()
        else:
            peer.reply(reply_to(request))

    seen: Dict[int, List[int]] = {}

    def server_requests(peer: Peer) -> List[int]:
        requests = seen.setdefault(peer.number, [])
        requests.append(1)
        return requests

    return serve


def test_score_that_may_have_been_carried_out_is_not_sent_again() -> None:
    with FakeServer(die_on(1)) as server, assay.Client(server.address) as client:
        client.score("cards", [1.0], precision=32)
        with pytest.raises(assay.ConnectionLost) as caught:
            client.score("cards", [2.0], precision=32)
        assert caught.value.maybe_executed and len(server.requests) == 2
        assert client.score("cards", [3.0], precision=32).score == 3.0


@pytest.mark.parametrize("method", ["set_alias", "rollback"])
def test_alias_moves_are_not_sent_again(method: str) -> None:
    with FakeServer(die_on(1)) as server, assay.Client(server.address) as client:
        client.health()
        with pytest.raises(assay.ConnectionLost):
            client.set_alias("cards", "champion", 1) if method == "set_alias" else client.rollback("cards")
        assert server.methods().count(method) == 1


def test_reading_request_is_sent_once_more_on_a_fresh_connection() -> None:
    with FakeServer(die_on(1)) as server, assay.Client(server.address) as client:
        client.health()
        assert client.stats().uptime_us == 5
        assert server.methods() == ["health", "stats", "stats"] and server.connection_count == 2


def test_reading_request_is_not_sent_a_third_time() -> None:
    async def die(peer: Peer, request: pb.Request) -> None:
        if len(server.requests) > 1:
            peer.close()
        else:
            peer.reply(reply_to(request))

    with FakeServer(die) as server, assay.Client(server.address) as client:
        client.health()
        with pytest.raises(assay.ConnectionLost):
            client.stats()
        assert len(server.requests) == 3


def test_reply_that_breaks_off_is_not_asked_for_again() -> None:
    async def half(peer: Peer, request: pb.Request) -> None:
        if len(server.requests) > 1:
            peer.raw(frame(reply_to(request))[:7])
            peer.close()
        else:
            peer.reply(reply_to(request))

    with FakeServer(half) as server, assay.Client(server.address) as client:
        client.health()
        with pytest.raises(assay.ConnectionLost) as caught:
            client.stats()
        assert caught.value.reply_began and len(server.requests) == 2


def test_score_whose_last_byte_never_left_is_sent_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeServer() as server, assay.Client(server.address) as client:
        client.score("cards", [1.0], precision=32)
        # The check for a dead connection came too early: the server goes away right after it.
        connection = client._idle[0]
        monkeypatch.setattr(connection, "is_dead", lambda: False)
        connection._socket.shutdown(socket.SHUT_WR)
        assert client.score("cards", [2.0], precision=32).score == 2.0
        assert len(server.requests) == 2 and server.connection_count == 2


def test_draining_server_gets_no_further_request_on_that_connection() -> None:
    async def drain(peer: Peer, request: pb.Request) -> None:
        peer.reply(refusal(request, pb.STATUS_UNAVAILABLE, "DRAINING") if peer.number == 1 else reply_to(request))

    with FakeServer(drain) as server, assay.Client(server.address) as client:
        with pytest.raises(assay.Unavailable):
            client.score("cards", [1.0], precision=32)
        assert client.score("cards", [1.0], precision=32).score == 1.0
        assert server.connection_count == 2


# -- Bytes that are no reply


@pytest.mark.parametrize(
    "data, error, reason",
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", assay.ProtocolError, "BAD_FLAGS"),
        (b"\x00\xff\xff\xff\xff", assay.ProtocolError, "FRAME_TOO_LONG"),
        (b"\x00\x00\x00\x00\x02\xff\xff", assay.ProtocolError, "BAD_REPLY"),
        (b"\x01\x00\x00\x00\x02ab", assay.CompressedFrame, "COMPRESSED_FRAME"),
        (frame(pb.Reply(id=999, decision=pb.Decision(score=1))), assay.ProtocolError, "UNEXPECTED_REPLY"),
        (frame(pb.Reply(id=2, health=pb.HealthReply())), assay.ProtocolError, "WRONG_RESULT"),
        (frame(pb.Reply(id=2)), assay.ProtocolError, "WRONG_RESULT"),
        (frame(pb.Reply(id=2, decision=pb.Decision())) + b"\x00", assay.ProtocolError, "UNEXPECTED_REPLY"),
        (
            frame(pb.Reply(id=0, status=pb.STATUS_BAD_FRAME, error=pb.Error(reason="BAD_LENGTH"))), assay.BadFrame,
            "BAD_LENGTH",
        ),
    ],
)
def test_bytes_that_are_no_reply_raise_and_harm_nothing_else(data: bytes, error: Type[assay.AssayError], reason: str) -> None:
    async def garbage(peer: Peer, request: pb.Request) -> None:
        if len(server.requests) == 1:
            peer.raw(data)
        else:
            peer.reply(reply_to(request))

    with FakeServer(garbage) as server, assay.Client(server.address) as client:
        with pytest.raises(error) as caught:
            client.score("cards", [1.0], precision=32)
        assert type(caught.value) is error and caught.value.reason == reason
        assert client.score("cards", [2.0], precision=32).score == 2.0


def test_reply_in_single_bytes_is_read() -> None:
    async def drip(peer: Peer, request: pb.Request) -> None:
        for byte in frame(reply_to(request)):
            peer.raw(bytes([byte]))
            await peer.writer.drain()

    with FakeServer(drip) as server, assay.Client(server.address) as client:
        assert client.score("cards", [1.0], precision=32).score == 1.0


def test_request_over_the_servers_limit_is_not_sent() -> None:
    with FakeServer() as server, assay.Client(server.address) as client:
        with pytest.raises(ValueError, match="send fewer rows"):
            client.score_batch("cards", [[1.0] * 1000] * 50, precision=32)
        assert server.requests == [] and client.score("cards", [1.0], precision=32).score == 1.0
        assert server.connection_count == 1


def test_batch_reply_of_the_wrong_length_is_a_protocol_error() -> None:
    async def short(peer: Peer, request: pb.Request) -> None:
        reply = reply_to(request)
        del reply.score_batch.scores[-1]
        peer.reply(reply)

    with FakeServer(short) as server, assay.Client(server.address) as client:
        with pytest.raises(assay.ProtocolError):
            client.score_batch("cards", [[1.0]] * 3, precision=32)


def test_bundle_with_a_wrong_digest_is_refused() -> None:
    async def lie(peer: Peer, request: pb.Request) -> None:
        reply = reply_to(request)
        reply.fetch_bundle.digest = DIGEST
        peer.reply(reply)

    with FakeServer(lie) as server, assay.Client(server.address) as client:
        with pytest.raises(assay.ProtocolError) as caught:
            client.fetch_bundle("cards")
        assert caught.value.reason == "BAD_DIGEST"


def test_bundle_pieces_stay_with_the_version_of_the_first() -> None:
    with FakeServer() as server, assay.Client(server.address) as client:
        client.fetch_bundle("cards", alias="champion")
        assert [request.fetch_bundle.version for request in server.requests] == [0, 3, 3]
        with pytest.raises(ValueError, match="byte_count_max"):
            client.fetch_bundle("cards", byte_count_max=100)


def test_bundle_pieces_that_make_no_progress_end() -> None:
    async def stall(peer: Peer, request: pb.Request) -> None:
        reply = reply_to(request)
        reply.fetch_bundle.bytes = b""
        peer.reply(reply)

    with FakeServer(stall) as server, assay.Client(server.address) as client:
        with pytest.raises(assay.ProtocolError):
            client.fetch_bundle("cards")


# -- Threads, pool, forks


def test_many_threads_share_few_connections() -> None:
    with FakeServer() as server, assay.Client(server.address, pool_size=3, timeout=30) as client:
        with ThreadPoolExecutor(16) as threads:
            scores = list(threads.map(lambda value: client.score("cards", [value], precision=32).score, range(400)))
        assert scores == list(range(400)) and 1 <= server.connection_count <= 3


def test_pool_that_stays_busy_is_a_timeout() -> None:
    async def silent(peer: Peer, request: pb.Request) -> None:
        pass

    with FakeServer(silent) as server, assay.Client(server.address, pool_size=1, timeout=5) as client:
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(client.health)
            while not server.requests:
                time.sleep(0.001)
            with pytest.raises(assay.DeadlineExceeded) as caught:
                client.score("cards", [1.0], deadline=0.1, precision=32)
            assert not caught.value.maybe_executed and len(server.requests) == 1
            with pytest.raises(assay.Timeout):
                first.result()
        server.handler = answer
        assert not client.health().ready


def test_failed_connections_give_their_place_in_the_pool_back() -> None:
    async def die(peer: Peer, request: pb.Request) -> None:
        peer.abort()

    with FakeServer(die) as server, assay.Client(server.address, pool_size=2) as client:
        for _ in range(5):
            with pytest.raises(assay.ConnectionLost):
                client.score("cards", [1.0], precision=32)
        server.hello = die
        for _ in range(5):
            with pytest.raises(assay.ConnectionLost):
                client.health()
        server.hello = server.handler = answer
        assert not client.health().ready


def test_closed_client_says_so() -> None:
    with FakeServer() as server:
        client = assay.Client(server.address)
        client.health()
        client.close()
        client.close()
        with pytest.raises(assay.ClientClosed):
            client.health()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_child_of_a_fork_opens_connections_of_its_own() -> None:
    with FakeServer() as server, assay.Client(server.address) as client:
        client.health()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = 0 if client.stats().uptime_us == 5 else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert client.stats().uptime_us == 5
        assert server.connection_count == 2


# -- TLS (with real certificates: Tests/EndToEnd/test_tls.py)


def test_tls_makes_no_sense_of_other_things() -> None:
    with pytest.raises(ValueError):
        assay.Client("unix:/run/assay.sock", tls=True)
    with pytest.raises(TypeError):
        assay.Client("127.0.0.1:7171", tls="yes")  # type: ignore[arg-type]


def test_a_server_that_speaks_no_tls_is_a_lost_connection_and_nothing_was_executed() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def answer_in_plain_text() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    thread = threading.Thread(target=answer_in_plain_text)
    thread.start()
    with assay.Client(f"127.0.0.1:{listener.getsockname()[1]}", timeout=30, tls=True) as client:
        with pytest.raises(assay.ConnectionLost) as lost:
            client.health()
    thread.join()
    listener.close()
    assert lost.value.reason == "TLS_FAILED" and not lost.value.maybe_executed
