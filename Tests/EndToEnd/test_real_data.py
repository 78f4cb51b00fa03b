"""Real models and real transactions through the network."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import pathlib
import subprocess
from typing import Any

import assay
import numpy as np
import pytest
from assay._proto.assay.v1 import audit_pb2
from conftest import SHARED, Server, assay_command, needs_shared, push

MODELS = {
    "xgb_cards_binary": ("model.json", "model.ubj"),
    "xgb_multi5_softprob": ("model.json", "model.ubj"),
    "treelite_mushroom": ("model_resaved_by_xgb2.1.json", "model_resaved_by_xgb2.1.ubj"),
    "xgb_amount_squarederror": ("model.json", "model.ubj"),
}


def features(record: assay.AuditRecord) -> bytes:
    """As they are in the journal: little-endian float32."""
    return audit_pb2.AuditRecord.FromString(record.record).features32


async def score_all(address: str, bundle: str, inputs: list[dict[str, Any]]) -> list[assay.Decision]:
    """All inputs, 64 in flight on one connection."""
    async with assay.AsyncClient(address, timeout=30) as client:
        gate = asyncio.Semaphore(64)

        async def one(given: dict[str, Any]) -> assay.Decision:
            async with gate:
                return await client.score(bundle, **given)

        return list(await asyncio.gather(*[one(given) for given in inputs]))


@needs_shared
@pytest.mark.parametrize("name", MODELS)
def test_every_row_of_a_real_model_scores_as_its_framework_does(name: str, make_server: Any, work: pathlib.Path) -> None:
    directory = SHARED / "data" / "models" / name
    rows = np.load(directory / "X.npy")
    expected = np.load(directory / "pred.npy").astype(np.float32).reshape(len(rows), -1)
    margins = np.load(directory / "margin.npy").astype(np.float32).reshape(len(rows), -1)
    server = make_server()
    for file in MODELS[name]:
        bundle = work / f"{file}.assay"
        assay_command(
            "bundle", "import", directory / file, "--name", "real", "--output", bundle, "--golden-rows", directory / "X.npy",
            "--golden-expected", directory / "pred.npy",
        )
        push(server.registry, bundle)
        # The offline path gives the same bits.
        assay_command("bundle", "score", bundle, "--rows", directory / "X.npy", "--output", work / "offline.npy")
        assert np.load(work / "offline.npy").astype(np.float32).tobytes() == expected.tobytes()
        assay_command("bundle", "score", bundle, "--rows", directory / "X.npy", "--output", work / "raw.npy", "--raw")
        assert np.load(work / "raw.npy").astype(np.float32).tobytes() == margins.tobytes()
    server.start()
    decisions = asyncio.run(score_all(server.address, "real", [{"features": row.tolist()} for row in rows]))
    scores = np.array([decision.scores or (decision.score,) for decision in decisions], dtype=np.float32)
    equal = int((scores.view(np.uint32) == expected.view(np.uint32)).all(axis=1).sum())
    print(f"parity: {name}: {equal} of {len(rows)} rows bit-equal over the network")
    assert equal == len(rows)
    # The same rows as one batch, and the audit trail's features, bit for bit.
    with server.client() as client:
        batch = client.score_batch("real", rows[:500])
        assert np.array(batch.scores, dtype=np.float32).tobytes() == expected[:500, 0].tobytes()
        record = client.get_decision(decisions[17].audit_sequence)
        assert features(record) == rows[17].astype("<f4").tobytes()
    server.terminate()
    assert server.verify_journal()["decisions"] == len(rows) + len(rows[:500])


@needs_shared
def test_every_real_mempool_transaction_is_scored_as_a_typed_one(demo_server: Server) -> None:
    def unpacked(path: str) -> str:
        return subprocess.run(["zstdcat", SHARED / "data" / "bitcoin" / path], capture_output=True, check=True, text=True).stdout

    lines = unpacked("mempool_tx_esplora.jsonl.zst").splitlines()
    truth = list(csv.DictReader(io.StringIO(unpacked("mempool_tx_esplora.truth.csv.zst"))))
    assert len(lines) == len(truth) == 4020
    transactions = [assay.bitcoin_transaction_from_esplora(json.loads(line)) for line in lines]
    decisions = asyncio.run(
        score_all(demo_server.address, "bitcoin", [{"transaction": transaction} for transaction in transactions])
    )
    with demo_server.client() as client:
        sources = [feature.source for feature in client.describe_model("bitcoin").features]
        columns = {
            "bitcoin.fee": "fee_sat", "bitcoin.vsize": "vsize", "bitcoin.weight": "weight", "bitcoin.size": "size",
            "bitcoin.input_value": "in_sat", "bitcoin.output_value": "out_sat",
        }
        present = {source: sources.index(source) for source in columns if source in sources}
        assert {"bitcoin.fee", "bitcoin.vsize", "bitcoin.weight", "bitcoin.input_value", "bitcoin.output_value"} <= set(present)
        equal = dict.fromkeys(present, 0)
        for row, decision in zip(truth, decisions):
            record = client.get_decision(decision.audit_sequence)
            values = np.frombuffer(features(record), "<f4")
            for source, index in present.items():
                # Features are float32: exact below 2^24, the nearest float above.
                equal[source] += bool(values[index] == np.float32(int(row[columns[source]])))
    print("mempool: " + ", ".join(f"{source} {count} of {len(truth)}" for source, count in equal.items()))
    assert all(count == len(truth) for count in equal.values())
