"""End to end against a real server.

ASSAY_SERVER=HOST:PORT or unix:/path; ASSAY_BUNDLE: names of published bundles, separated by commas (default "cards,bitcoin", those of
bench/train). Tests of typed transactions need a bundle whose features have sources, and the samples in bench/train.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import os
import random
import socket
import struct
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import pytest

import assay
from assay import _calls
from assay._frames import FrameDecoder, encode_frame
from assay._proto.assay.v1 import assay_pb2 as pb

SERVER = os.environ.get("ASSAY_SERVER", "")
BUNDLES = [name for name in os.environ.get("ASSAY_BUNDLE", "cards,bitcoin").split(",") if name]
SAMPLES = Path(__file__).resolve().parents[3] / "bench" / "train"

pytestmark = pytest.mark.skipif(not SERVER, reason="ASSAY_SERVER=HOST:PORT is not set")


@pytest.fixture()
def client() -> Iterator[assay.Client]:
    with assay.Client(SERVER, timeout=10, client_name="python-tests") as client:
        yield client


@pytest.fixture(params=BUNDLES)
def bundle(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def rows_for(description: assay.ModelDescription, count: int) -> List[List[Optional[float]]]:
    """Random rows, a tenth of the values missing where they may be."""
    generator = random.Random(11)
    return [
        [
            None if feature.missing_allowed and generator.random() < 0.1 else generator.gauss(0, 100)
            for feature in description.features
        ]
        for _ in range(count)
    ]


def as_sent(row: List[Optional[float]], precision: int) -> bytes:
    return struct.pack(f"<{len(row)}{'d' if precision == 64 else 'f'}", *(math.nan if value is None else value for value in row))


def test_server_is_ready_and_tells_its_limits(client: assay.Client) -> None:
    server = client.hello()
    assert server.protocol == 1 and len(server.server_id) == 32
    assert min(server.frame_bytes_max, server.in_flight_max, server.batch_rows_max) > 0
    health = client.health()
    assert health.ready, health.reasons


def test_bundle_is_listed_described_and_fetched(client: assay.Client, bundle: str) -> None:
    description = client.describe_model(bundle)
    assert description.model in client.list_models()
    assert "champion" in description.model.aliases and description.output_count >= 1
    fetched = client.fetch_bundle(bundle)
    assert (fetched.version, fetched.digest) == (description.model.version, description.model.digest)
    assert len(fetched.data) == description.byte_count and hashlib.sha256(fetched.data).hexdigest() == fetched.digest


def test_decision_names_its_model_and_is_in_the_audit_trail(client: assay.Client, bundle: str) -> None:
    description = client.describe_model(bundle)
    row = rows_for(description, 1)[0]
    decision = client.score(bundle, row, transaction_id="python-1", include_raw=True, deadline=5)
    assert (decision.bundle, decision.version) == (bundle, description.model.version)
    assert decision.digest == description.model.digest and decision.stage is assay.Stage.ONLINE
    assert len(decision.raw) == description.output_count
    limits = (description.review_threshold, description.decline_threshold)
    expected = assay.Outcome.DECLINE if decision.score >= limits[1] else (
        assay.Outcome.REVIEW if decision.score >= limits[0] else assay.Outcome.APPROVE
    )
    assert decision.outcome is expected
    record = client.get_decision(decision.audit_sequence)
    assert (record.sequence, record.score, record.outcome) == (decision.audit_sequence, decision.score, decision.outcome)
    assert (record.transaction_id, record.caller, record.digest) == (
        "python-1", f"python-tests/{assay.__version__}", decision.digest
    )
    assert as_sent(list(record.features), record.precision) == as_sent(row, description.precision)


def test_batch_scores_as_single_rows_do(client: assay.Client, bundle: str) -> None:
    description = client.describe_model(bundle)
    rows = rows_for(description, 20)
    batch = client.score_batch(bundle, rows, transaction_ids=[f"row-{index}" for index in range(20)], include_raw=True)
    for index, (row, from_batch) in enumerate(zip(rows, batch)):
        single = client.score(bundle, row, include_raw=True, version=batch.version)
        assert (single.score, single.outcome, single.raw) == (from_batch.score, from_batch.outcome, from_batch.raw)
        record = client.get_decision(from_batch.audit_sequence)
        assert (record.score, record.transaction_id) == (single.score, f"row-{index}")


def test_fixed_version_and_champion_are_the_same(client: assay.Client, bundle: str) -> None:
    description = client.describe_model(bundle)
    row = rows_for(description, 1)[0]
    scores = {
        client.score(bundle, row, version=description.model.version).score, client.score(bundle, row, alias="champion").score,
        client.score(bundle, row).score,
    }
    assert len(scores) == 1


def test_wrong_requests_are_refused_and_leave_no_record(client: assay.Client, bundle: str) -> None:
    description = client.describe_model(bundle)
    row = rows_for(description, 1)[0]
    before = client.stats().decisions_total
    with pytest.raises(assay.InvalidArgument):
        client.score(bundle, row[:-1])
    with pytest.raises(assay.InvalidArgument):
        client.score(bundle, [*row, 0.0])
    with pytest.raises(assay.InvalidArgument):
        client.score(bundle, [])
    for value in (math.inf, -math.inf):
        with pytest.raises(assay.InvalidArgument):
            client.score(bundle, [value, *row[1:]])
    for index, feature in enumerate(description.features):
        if not feature.missing_allowed:
            with pytest.raises(assay.InvalidArgument):
                client.score(bundle, [*row[:index], None, *row[index + 1:]])
    with pytest.raises(assay.InvalidArgument):
        client.score(bundle, row, precision=96 - description.precision)
    with pytest.raises(assay.NotFound):
        client.score("no-such-bundle", row)
    with pytest.raises(assay.NotFound):
        client.score(bundle, row, version=4_000_000_000)
    with pytest.raises(assay.NotFound):
        client.score(bundle, row, alias="no-such-alias")
    with pytest.raises(assay.NotFound):
        client.get_decision(1 << 62)
    # The client itself would not send this one.
    late = _calls.score(
        bundle, row, None, precision=description.precision, transaction_id="", version=0, alias="", deadline=-1.0, explain=0,
        include_raw=False, caller="",
    )
    with pytest.raises(assay.DeadlineExceeded) as caught:
        client._call(late)
    assert caught.value.reason != "CLIENT_DEADLINE"
    assert client.stats().decisions_total == before


def test_batch_over_the_limit_is_refused_whole(client: assay.Client, bundle: str) -> None:
    description = client.describe_model(bundle)
    width = len(description.features)
    too_many = client.hello().batch_rows_max + 1
    with pytest.raises((assay.InvalidArgument, ValueError)):
        client.score_batch(bundle, [[0.0] * width] * too_many)
    rows = rows_for(description, 3)
    rows[1][0] = math.inf
    before = client.stats().decisions_total
    with pytest.raises(assay.InvalidArgument):
        client.score_batch(bundle, rows)
    assert client.stats().decisions_total == before


async def test_pipelined_scores_equal_those_of_the_blocking_client(bundle: str) -> None:
    with assay.Client(SERVER, timeout=10) as client:
        description = client.describe_model(bundle)
        rows = rows_for(description, 300)
        version = description.model.version
        expected = [client.score(bundle, row, version=version).score for row in rows]
    async with assay.AsyncClient(SERVER, timeout=30) as pipelined:
        decisions = await asyncio.gather(*(pipelined.score(bundle, row, version=version) for row in rows))
    assert [decision.score for decision in decisions] == expected
    sequences = [decision.audit_sequence for decision in decisions]
    assert len(set(sequences)) == len(sequences)


def test_bitcoin_transactions_get_the_features_of_the_training_script(client: assay.Client) -> None:
    numpy = pytest.importorskip("numpy")
    description = described(client, "bitcoin")
    transactions = [json.loads(line) for line in open(SAMPLES / "bitcoin_transactions.jsonl", encoding="utf-8")]
    rows = numpy.load(SAMPLES / "bitcoin_rows.npy")
    assert len(transactions) == len(rows) > 0
    for transaction, row in zip(transactions, rows):
        message = assay.bitcoin_transaction_from_esplora(transaction)
        decision = client.score("bitcoin", transaction=message, transaction_id=transaction["txid"])
        record = client.get_decision(decision.audit_sequence)
        derived = numpy.array(record.features, dtype=numpy.float32)
        different = [
            (feature.name, float(got), float(want))
            for feature, got, want in zip(description.features, derived, row)
            if got.tobytes() != want.tobytes() and not (math.isnan(got) and math.isnan(want))
        ]
        assert not different, (transaction["txid"], different)
        assert record.bitcoin is not None and record.bitcoin.txid.hex() == transaction["txid"]
        assert client.score("bitcoin", row, version=decision.version).score == decision.score
    print(f"{len(rows)} transactions, {rows.shape[1]} features each: equal")


def test_card_transactions_score_as_their_vectors_do(client: assay.Client) -> None:
    numpy = pytest.importorskip("numpy")
    described(client, "cards")
    for row in numpy.load(SAMPLES / "cards_rows.npy")[:200].tolist():
        payment: Dict[str, Any] = {"amount_minor": round(row[29] * 100), "components": row[1:29]}
        if not math.isnan(row[0]):
            payment["elapsed_seconds"] = row[0]
        typed = client.score("cards", transaction=assay.card_transaction(payment))
        assert typed.score == client.score("cards", row, version=typed.version).score


def described(client: assay.Client, name: str) -> assay.ModelDescription:
    if name not in BUNDLES:
        pytest.skip(f"{name} is not in ASSAY_BUNDLE")
    return client.describe_model(name)


def test_alias_moves_take_effect_at_once(client: assay.Client, bundle: str) -> None:
    version = client.describe_model(bundle).model.version
    try:
        move = client.set_alias(bundle, "python-tests", version, who="tests/test_server.py", why="end-to-end test")
    except assay.PermissionDenied:
        pytest.skip("this server accepts no administration from here")
    assert move.version == version
    assert client.describe_model(bundle, alias="python-tests").model.version == version
    with pytest.raises(assay.NotFound):
        client.set_alias(bundle, "python-tests", 4_000_000_000, why="no such version")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x00\xff\xff\xff\xff", b"\x80\x00\x00\x00\x01a", b"\x00\x00\x00\x00\x03\xff\xff\xff",
        b"\x01\x00\x00\x00\x04abcd",
    ],
)
def test_bytes_that_are_no_request_end_that_connection_only(client: assay.Client, data: bytes) -> None:
    assert client.health().ready
    with connected() as raw:
        raw.sendall(data)
        decoder = FrameDecoder()
        payloads: List[bytes] = []
        while True:
            received = raw.recv(4096)
            if not received:
                break
            payloads += decoder.feed(received)
    assert len(payloads) == 1
    reply = pb.Reply.FromString(payloads[0])
    assert reply.status == pb.STATUS_BAD_FRAME and reply.error.reason
    assert client.health().ready


def test_request_without_a_method_is_unimplemented() -> None:
    with connected() as raw:
        raw.sendall(encode_frame(pb.Request(id=9).SerializeToString()))
        reply = pb.Reply.FromString(FrameDecoder().feed(raw.recv(4096))[0])
    assert reply.id == 9 and reply.status == pb.STATUS_UNIMPLEMENTED


def connected() -> socket.socket:
    from assay._address import Address

    address = Address.parse(SERVER)
    if address.path is not None:
        raw = socket.socket(socket.AF_UNIX)
        raw.settimeout(10)
        raw.connect(address.path)
        return raw
    return socket.create_connection((address.host, address.port), timeout=10)
