"""Everything that should not be sent, sent to a real server."""

from __future__ import annotations

import contextlib
import math
import os
import random
import socket
import struct
import threading
import time
from typing import Iterator, Optional

import assay
import pytest
from assay._proto.assay.v1 import assay_pb2 as pb
from conftest import Server


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=60)


def read_reply(connection: socket.socket) -> Optional[pb.Reply]:
    """One reply, or None at the end of the stream."""

    def exactly(count: int) -> Optional[bytes]:
        data = b""
        while len(data) < count:
            piece = connection.recv(count - len(data))
            if not piece:
                return None
            data += piece
        return data

    header = exactly(5)
    if header is None:
        return None
    payload = exactly(struct.unpack(">I", header[1:])[0])
    assert payload is not None
    return pb.Reply.FromString(payload)


def frame(payload: bytes, flags: int = 0) -> bytes:
    return struct.pack(">BI", flags, len(payload)) + payload


@pytest.fixture
def watched(demo_server: Server) -> Iterator[Server]:
    """A server with another connection that scores before, during and after the test, and must notice nothing."""
    stop = threading.Event()
    progress = threading.Condition()
    scored = 0
    problem: Optional[BaseException] = None

    def bystander() -> None:
        nonlocal scored, problem
        with demo_server.client(client_name="bystander") as client:
            while not stop.is_set() and problem is None:
                try:
                    assert client.score("cards", [0.0] * 30).version == 1
                except BaseException as error:  # noqa: BLE001 - whatever it is, it is the finding
                    problem = error
                with progress:
                    scored += 1
                    progress.notify()

    def wait_for(count: int) -> None:
        with progress:
            assert progress.wait_for(lambda: scored >= count or problem is not None, timeout=60)

    thread = threading.Thread(target=bystander)
    thread.start()
    wait_for(1)
    yield demo_server
    wait_for(scored + 10)
    stop.set()
    thread.join()
    assert problem is None, problem


def test_bad_frames_get_their_error_and_end_their_connection_only(watched: Server) -> None:
    cases = {
        "FRAME_TOO_LONG": struct.pack(">BI", 0, 0x7FFF_FFFF),
        "FRAME_FLAGS": frame(b"", flags=0x42),
        "FRAME_MESSAGE": frame(b"\xff\xff\xff\xff"),
        "FRAME_COMPRESSION": frame(b"\x10\x00\x00\x00\xff\xff", flags=1),
    }
    for reason, data in cases.items():
        with connect(watched) as connection:
            connection.sendall(data)
            reply = read_reply(connection)
            assert reply is not None and reply.status == pb.STATUS_BAD_FRAME and reply.error.reason == reason
            assert read_reply(connection) is None, "the connection is closed after the reply"


def test_truncated_frames_and_random_bytes_never_harm(watched: Server) -> None:
    good = frame(pb.Request(id=1, score=pb.ScoreRequest(bundle="cards", features32=[0.0] * 30)).SerializeToString())
    for cut in range(1, len(good), 7):
        with connect(watched) as connection:
            connection.sendall(good[:cut])
            connection.shutdown(socket.SHUT_WR)
            assert read_reply(connection) is None
    generator = random.Random(7)
    for _ in range(300):
        with connect(watched) as connection:
            data = bytearray(good) if generator.random() < 0.7 else bytearray(generator.randbytes(64))
            for _ in range(generator.randint(1, 5)):
                data[generator.randrange(len(data))] = generator.randrange(256)
            connection.sendall(bytes(data))
            connection.shutdown(socket.SHUT_WR)
            while read_reply(connection) is not None:
                pass


def test_request_that_takes_all_the_memory_of_a_message_never_harms(watched: Server) -> None:
    def field(number: int, data: bytes) -> bytes:
        length = b""
        count = len(data)
        while count > 127:
            length += bytes([count & 127 | 128])
            count >>= 7
        return bytes([number << 3 | 2]) + length + bytes([count]) + data

    known = pb.CardTransaction(amount_minor=100, elapsed_seconds=5.0, components=[0.0] * 28).SerializeToString()
    # Three bytes of a field that the contract does not know become a hundred in memory.
    for count in range(800_000, 1_200_001, 50_000):
        score = pb.ScoreRequest(bundle="cards").SerializeToString() + field(5, known + b"\xa0\x06\x00" * count)
        with connect(watched) as connection:
            connection.sendall(frame(field(3, score)))
            reply = read_reply(connection)
            assert reply is not None, f"no reply to {count} unknown fields"
            assert reply.status == pb.STATUS_OK or reply.error.reason == "FRAME_MESSAGE"


def test_wrong_requests_get_typed_errors_and_the_connection_goes_on(watched: Server) -> None:
    with watched.client() as client:
        for call, kind, reason in [
            (lambda: client.score("nobody", [0.0] * 30), assay.NotFound, "UNKNOWN_BUNDLE"),
            (lambda: client.score("cards", [0.0] * 30, alias="nobody"), assay.NotFound, "UNKNOWN_ALIAS"),
            (lambda: client.score("cards", [0.0] * 30, version=99), assay.NotFound, "UNKNOWN_VERSION"),
            (lambda: client.score("cards", [0.0] * 29), assay.InvalidArgument, "FEATURE_COUNT"),
            (lambda: client.score("cards", [math.inf] + [0.0] * 29), assay.InvalidArgument, "FEATURE_INFINITE"),
            (lambda: client.score("cards", [-math.inf] + [0.0] * 29), assay.InvalidArgument, "FEATURE_INFINITE"),
            (lambda: client.get_decision(1 << 60), assay.NotFound, "UNKNOWN_DECISION"),
            (lambda: client.describe_model("nobody"), assay.NotFound, "UNKNOWN_BUNDLE"),
            (lambda: client.set_alias("cards", "champion", 99, why="no"), assay.NotFound, "UNKNOWN_VERSION"),
        ]:
            with pytest.raises(kind) as caught:
                call()
            assert caught.value.reason == reason
        assert client.score("cards", [0.0] * 30).version == 1


def test_missing_values_are_scored_where_the_schema_allows_them_and_refused_elsewhere(watched: Server) -> None:
    with watched.client() as client:
        for index, feature in enumerate(client.describe_model("cards").features):
            row = [0.0] * 30
            row[index] = math.nan
            if feature.missing_allowed:
                assert client.score("cards", row).score >= 0
            else:
                with pytest.raises(assay.InvalidArgument) as caught:
                    client.score("cards", row)
                assert caught.value.reason == "FEATURE_MISSING"


def test_deadline_in_the_past_is_not_scored(watched: Server) -> None:
    before = watched.get("/metrics")[1]
    with connect(watched) as connection:
        request = pb.Request(id=9, deadline_us=1_000_000, score=pb.ScoreRequest(bundle="cards", features32=[0.0] * 30))
        connection.sendall(frame(request.SerializeToString()))
        reply = read_reply(connection)
    assert reply is not None and reply.id == 9
    assert reply.status == pb.STATUS_DEADLINE_EXCEEDED and reply.error.reason == "DEADLINE_EXCEEDED"
    assert 'method="score",status="DEADLINE_EXCEEDED"' not in before
    watched.wait_until("/metrics", lambda status, body: 'method="score",status="DEADLINE_EXCEEDED"' in body)


def test_slow_reader_is_cut_off_and_the_partial_frame_too(make_server, work) -> None:
    from conftest import with_demo_bundles

    server = make_server("--partial-frame-timeout-seconds", "1", "--write-stall-timeout-seconds", "1", "--idle-timeout-seconds", "2")
    with_demo_bundles(server)
    request = frame(pb.Request(id=1, list_models=pb.ListModelsRequest()).SerializeToString())
    with connect(server) as partial, connect(server) as idle, connect(server) as slow:
        partial.sendall(request[:6])
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(60)
        with pytest.raises(ConnectionError):
            for _ in range(200_000):
                slow.sendall(request * 50)
        def causes(status: int, body: str) -> bool:
            return all(
                any(line.startswith(f'assay_connections_closed_total{{cause="{cause}"}}') and not line.endswith(" 0") for line in body.splitlines())
                for cause in ("partial_frame_timeout", "idle_timeout", "write_stall_timeout")
            )
        server.wait_until("/metrics", causes)
        assert partial.recv(1) == b"" and idle.recv(1) == b""
    with server.client() as client:
        assert client.score("cards", [0.0] * 30).version == 1


def test_server_survives_running_out_of_descriptors(demo_server: Server) -> None:
    import resource

    assert demo_server.process
    pid = demo_server.process.pid
    open_now = len(os.listdir(f"/proc/{pid}/fd"))
    with demo_server.client() as client:
        assert client.score("cards", [0.0] * 30).version == 1
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (open_now + 8, open_now + 8))
        crowd = []
        for _ in range(64):
            # A refusal may overtake the end of the handshake: then connecting itself reports it.
            with contextlib.suppress(ConnectionResetError):
                crowd.append(socket.create_connection(("127.0.0.1", demo_server.port), timeout=5))
        # Who was there before is served; who came too late is closed, not left waiting.
        assert client.score("cards", [0.0] * 30).version == 1
        for connection in crowd:
            connection.close()
    # As soon as the server has seen the crowd leave, it takes new callers.
    deadline = time.monotonic() + 60
    while True:
        try:
            with demo_server.client() as client:
                assert client.score("cards", [0.0] * 30).version == 1
                break
        except assay.ConnectionLost:
            assert time.monotonic() < deadline, "no new connection is served"
