"""The asyncio client against a server that misbehaves."""

from __future__ import annotations

import asyncio
from typing import Dict, List, Tuple, Type

import pytest

import assay
from assay._proto.assay.v1 import assay_pb2 as pb

from .fake_server import BUNDLE_BYTES, IN_FLIGHT_MAX, FakeServer, Peer, answer, frame, refusal, reply_to


async def test_every_method_returns_its_value() -> None:
    with FakeServer() as server:
        async with assay.AsyncClient(server.address, client_name="tests") as client:
            assert (await client.score("cards", [1.0, None, 2.5])).score == 3.5
            assert (await client.score("wide", [0.1])).score == 0.1
            assert (await client.score("btc", transaction=assay.BitcoinTransaction())).bundle == "btc"
            assert [row.score for row in await client.score_batch("cards", [[1], [2]])] == [0.25, 0.25]
            assert (await client.get_decision(7)).sequence == 7
            assert (await client.get_decision(transaction_id="t-1")).transaction_id == "t-1"
            assert len(await client.find_decisions("t-1", limit=2)) == 2
            assert (await client.list_models())[0].bundle == "cards"
            assert (await client.describe_model("cards")).precision == 32
            assert (await client.fetch_bundle("cards")).data == BUNDLE_BYTES
            assert await client.set_alias("cards", "champion", 2) == assay.AliasMove(1, 2)
            assert await client.rollback("cards") == assay.AliasMove(2, 1)
            assert not (await client.health()).ready
            assert (await client.stats()).uptime_us == 5
            assert (await client.hello()).in_flight_max == IN_FLIGHT_MAX
        assert server.connection_count == 1 and server.hellos[0].client_name == "tests"


async def test_replies_out_of_order_find_their_requests() -> None:
    waiting: List[Tuple[Peer, pb.Request]] = []

    async def reverse(peer: Peer, request: pb.Request) -> None:
        waiting.append((peer, request))
        if len(waiting) == IN_FLIGHT_MAX:
            peer.raw(b"".join(frame(reply_to(request)) for _, request in reversed(waiting)))
            waiting.clear()

    with FakeServer(reverse) as server:
        async with assay.AsyncClient(server.address) as client:
            scores = await asyncio.gather(
                *(client.score("cards", [value], precision=32) for value in range(5 * IN_FLIGHT_MAX))
            )
        assert [decision.score for decision in scores] == list(range(5 * IN_FLIGHT_MAX))
        assert server.connection_count == 1


async def test_no_more_than_the_window_is_in_flight() -> None:
    open_requests = 0
    most = 0

    async def count(peer: Peer, request: pb.Request) -> None:
        nonlocal open_requests, most
        open_requests += 1
        most = max(most, open_requests)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        open_requests -= 1
        peer.reply(reply_to(request))

    with FakeServer(count) as server:
        async with assay.AsyncClient(server.address) as client:
            await asyncio.gather(*(client.score("cards", [value], precision=32) for value in range(200)))
    assert 1 < most <= IN_FLIGHT_MAX


@pytest.mark.parametrize(
    "status, error",
    [(1, assay.InvalidArgument), (4, assay.ResourceExhausted), (5, assay.AuditUnavailable), (9, assay.InternalError)],
)
async def test_status_raises_its_error_and_leaves_the_connection(status: int, error: Type[assay.StatusError]) -> None:
    async def refuse(peer: Peer, request: pb.Request) -> None:
        peer.reply(refusal(request, status, "SOME_REASON", retry_after_us=2_000_000))

    with FakeServer(refuse) as server:
        async with assay.AsyncClient(server.address) as client:
            for _ in range(2):
                with pytest.raises(error) as caught:
                    await client.score("cards", [1.0], precision=32)
                assert (caught.value.reason, caught.value.retry_after) == ("SOME_REASON", 2.0)
        assert server.connection_count == 1


async def test_late_reply_of_a_request_given_up_is_dropped() -> None:
    late: Dict[str, Tuple[Peer, pb.Request]] = {}

    async def serve(peer: Peer, request: pb.Request) -> None:
        if request.WhichOneof("method") == "score":
            late["score"] = (peer, request)
        else:
            if "score" in late:
                peer.reply(reply_to(late.pop("score")[1]))
            peer.reply(reply_to(request))

    with FakeServer(serve) as server:
        async with assay.AsyncClient(server.address, timeout=30) as client:
            with pytest.raises(assay.DeadlineExceeded) as caught:
                await client.score("cards", [1.0], precision=32, deadline=0.05)
            assert caught.value.reason == "CLIENT_DEADLINE" and caught.value.maybe_executed
            assert (await client.stats()).uptime_us == 5
            assert (await client.stats()).uptime_us == 5
        assert server.connection_count == 1


async def test_cancelled_request_leaves_the_others_alone() -> None:
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def serve(peer: Peer, request: pb.Request) -> None:
        if request.WhichOneof("method") == "stats":
            loop.call_soon_threadsafe(release.set)
        else:
            peer.reply(reply_to(request))

    with FakeServer(serve) as server:
        async with assay.AsyncClient(server.address) as client:
            await client.health()
            task = asyncio.ensure_future(client.stats())
            await release.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await client.score("cards", [1.0], precision=32)).score == 1.0
        assert server.connection_count == 1


async def test_silent_server_times_out_and_is_replaced() -> None:
    async def serve(peer: Peer, request: pb.Request) -> None:
        if peer.number > 1:
            peer.reply(reply_to(request))

    with FakeServer(serve) as server:
        async with assay.AsyncClient(server.address, timeout=2) as client:
            with pytest.raises(assay.Timeout) as caught:
                await client.score("cards", [1.0], precision=32)
            assert caught.value.maybe_executed
            assert (await client.score("cards", [1.0], precision=32)).score == 1.0
        assert server.connection_count == 2


async def test_window_full_of_requests_given_up_does_not_send_more() -> None:
    async def silent(peer: Peer, request: pb.Request) -> None:
        pass

    with FakeServer(silent) as server:
        async with assay.AsyncClient(server.address, timeout=30) as client:
            results = await asyncio.gather(
                *(client.score("cards", [1.0], precision=32, deadline=0.1) for _ in range(IN_FLIGHT_MAX + 4)),
                return_exceptions=True,
            )
            assert all(isinstance(result, assay.DeadlineExceeded) for result in results)
            assert [result.maybe_executed for result in results].count(False) == 4  # type: ignore[union-attr]
        assert len(server.requests) == IN_FLIGHT_MAX


async def test_lost_connection_ends_every_request_in_flight_and_scores_are_not_sent_again() -> None:
    async def serve(peer: Peer, request: pb.Request) -> None:
        if peer.number == 1 and len(server.requests) == 1 + IN_FLIGHT_MAX:
            peer.close()
        elif peer.number > 1 or len(server.requests) == 1:
            peer.reply(reply_to(request))

    with FakeServer(serve) as server:
        async with assay.AsyncClient(server.address) as client:
            await client.health()
            results = await asyncio.gather(
                *(client.score("cards", [value], precision=32) for value in range(IN_FLIGHT_MAX + 3)), return_exceptions=True
            )
        lost = [result for result in results if isinstance(result, assay.ConnectionLost)]
        assert len(lost) == IN_FLIGHT_MAX and all(error.maybe_executed for error in lost)
        # Those that still waited for their turn were sent over the next connection.
        assert sum(isinstance(result, assay.Decision) for result in results) == 3
        assert server.methods().count("score") == IN_FLIGHT_MAX + 3


async def test_reading_requests_are_sent_once_more() -> None:
    async def serve(peer: Peer, request: pb.Request) -> None:
        if peer.number == 1 and request.WhichOneof("method") == "stats":
            peer.close()
        else:
            peer.reply(reply_to(request))

    with FakeServer(serve) as server:
        async with assay.AsyncClient(server.address) as client:
            await client.health()
            assert (await client.stats()).uptime_us == 5
        assert server.methods() == ["health", "stats", "stats"] and server.connection_count == 2


async def test_connection_that_ended_while_idle_is_replaced() -> None:
    with FakeServer() as server:
        async with assay.AsyncClient(server.address) as client:
            await client.health()
            server.drop_connections()
            await asyncio.sleep(0.05)
            assert (await client.score("cards", [1.0], precision=32)).score == 1.0
        assert server.connection_count == 2


async def test_draining_server_finishes_what_is_in_flight() -> None:
    async def serve(peer: Peer, request: pb.Request) -> None:
        if peer.number == 1 and request.WhichOneof("method") == "score":
            peer.reply(refusal(request, pb.STATUS_UNAVAILABLE, "DRAINING"))
        else:
            if peer.number == 1 and request.WhichOneof("method") == "stats":
                await asyncio.sleep(0.1)
            peer.reply(reply_to(request))

    with FakeServer(serve) as server:
        async with assay.AsyncClient(server.address) as client:
            stats, refused = await asyncio.gather(
                client.stats(), client.score("cards", [1.0], precision=32), return_exceptions=True
            )
            assert isinstance(stats, assay.Stats) and isinstance(refused, assay.Unavailable)
            assert (await client.score("cards", [1.0], precision=32)).score == 1.0
        assert server.connection_count == 2 and server.methods().count("stats") == 1


@pytest.mark.parametrize(
    "data, error, reason",
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", assay.ProtocolError, "BAD_FLAGS"),
        (b"\x00\xff\xff\xff\xff", assay.ProtocolError, "FRAME_TOO_LONG"),
        (b"\x00\x00\x00\x00\x02\xff\xff", assay.ProtocolError, "BAD_REPLY"),
        (b"\x01\x00\x00\x00\x02ab", assay.CompressedFrame, "COMPRESSED_FRAME"),
        (frame(pb.Reply(id=999, decision=pb.Decision())), assay.ProtocolError, "UNEXPECTED_REPLY"),
        (frame(pb.Reply(id=2, health=pb.HealthReply())), assay.ProtocolError, "WRONG_RESULT"),
        (frame(pb.Reply(status=pb.STATUS_BAD_FRAME, error=pb.Error(reason="LENGTH"))), assay.BadFrame, "LENGTH"),
    ],
)
async def test_bytes_that_are_no_reply_raise_and_harm_nothing_else(
    data: bytes, error: Type[assay.AssayError], reason: str
) -> None:
    async def garbage(peer: Peer, request: pb.Request) -> None:
        if len(server.requests) == 1:
            peer.raw(data)
        else:
            peer.reply(reply_to(request))

    with FakeServer(garbage) as server:
        async with assay.AsyncClient(server.address) as client:
            with pytest.raises(error) as caught:
                await client.score("cards", [1.0], precision=32)
            assert type(caught.value) is error and caught.value.reason == reason
            assert (await client.score("cards", [2.0], precision=32)).score == 2.0


async def test_truncated_reply_is_connection_lost() -> None:
    async def half(peer: Peer, request: pb.Request) -> None:
        peer.raw(frame(reply_to(request))[:-1])
        peer.close()

    with FakeServer(half) as server:
        async with assay.AsyncClient(server.address) as client:
            with pytest.raises(assay.ConnectionLost):
                await client.score("cards", [1.0], precision=32)
        assert len(server.requests) == 1


async def test_nobody_listening_tells_every_waiting_task() -> None:
    client = assay.AsyncClient("127.0.0.1:1", timeout=2)
    results = await asyncio.gather(*(client.health() for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, assay.ConnectionLost) for result in results)
    await client.close()


async def test_hello_that_never_comes_is_a_timeout() -> None:
    async def silent(peer: Peer, request: pb.Request) -> None:
        pass

    with FakeServer() as server:
        server.hello = silent
        async with assay.AsyncClient(server.address, timeout=0.2) as client:
            with pytest.raises(assay.Timeout) as caught:
                await client.score("cards", [1.0], precision=32)
            assert not caught.value.maybe_executed
            server.hello = answer
            assert not (await client.health()).ready


async def test_request_over_the_servers_limit_is_not_sent() -> None:
    with FakeServer() as server:
        async with assay.AsyncClient(server.address) as client:
            with pytest.raises(ValueError, match="send fewer rows"):
                await client.score_batch("cards", [[1.0] * 1000] * 50, precision=32)
        assert server.requests == []


async def test_closed_client_says_so_and_ends_what_is_in_flight() -> None:
    seen = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def silent(peer: Peer, request: pb.Request) -> None:
        loop.call_soon_threadsafe(seen.set)

    with FakeServer(silent) as server:
        client = assay.AsyncClient(server.address)
        task = asyncio.ensure_future(client.score("cards", [1.0], precision=32))
        await seen.wait()
        await client.close()
        with pytest.raises(assay.ConnectionLost):
            await task
        with pytest.raises(assay.ClientClosed):
            await client.health()
