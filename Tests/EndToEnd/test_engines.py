"""Models of every framework through the network, with their reasons: real files, real servers."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import assay
import numpy as np
import pytest
from assay._proto.assay.v1 import audit_pb2
from conftest import BUNDLES, SHARED, Server, assay_command, needs_shared, output_of, push

MODELS = SHARED / "data" / "models"

# File, tolerance of outputs and of raw scores: bit for bit where 0.
IMPORTED = {
    "lgb_binary_example": ("model.txt", 0),
    "lgb_uci_categorical": ("model.txt", 0),
    "lgb_zero_as_missing": ("model.txt", 0),
    "lgb_multi5_softmax": ("model.txt", 0),
    "lgb_rf": ("model.txt", 0),
    "lleaves_NYC_taxi": ("model.txt", 0),
    "xgb_uci_categorical": ("model.ubj", 0),
    "xgb_cards_dart": ("model.json", 0),
    "onnx_rf_binary": ("model.onnx", 1e-6),
    "onnx_gb_binary": ("model.onnx", 1e-6),
    "onnx_extratrees_reg": ("model.onnx", 1e-6),
}


def reference(name: str) -> tuple[Any, Any]:
    directory = MODELS / name
    rows = np.load(directory / "X.npy")
    if name.startswith("onnx_"):
        expected = np.load(directory / ("out1.npy" if (directory / "out1.npy").exists() else "out0.npy"))
        # Two classes have one output here, the probability of the second.
        expected = expected.reshape(len(rows), -1)[:, -1:].astype(np.float64)
    else:
        expected = np.load(directory / "pred.npy").astype(np.float64).reshape(len(rows), -1)
    return rows, expected


@needs_shared
def test_models_of_every_framework_score_over_the_network_as_at_home(make_server: Any, work: pathlib.Path) -> None:
    server: Server = make_server()
    for name, (file, tolerance) in IMPORTED.items():
        rows, expected = reference(name)
        np.save(work / "rows.npy", rows[:200])
        np.save(work / "expected.npy", expected[:200])
        bundle = work / f"{name}.assay"
        assay_command(
            "bundle", "import", MODELS / name / file, "--name", name.lower(), "--output", bundle, "--golden-rows",
            work / "rows.npy", "--golden-expected", work / "expected.npy", "--golden-tolerance", tolerance,
        )
        push(server.registry, bundle)
    server.start()
    with server.client() as client:
        for name, (_, tolerance) in IMPORTED.items():
            rows, expected = reference(name)
            outputs = []
            for start in range(0, len(rows), 1000):
                batch = client.score_batch(name.lower(), rows[start : start + 1000])
                outputs.append(np.array(batch.all_scores or batch.scores).reshape(-1, expected.shape[1]))
            got = np.concatenate(outputs)
            exact = int((got.view(np.uint64) == expected.view(np.uint64)).all(axis=1).sum())
            print(f"network: {name}: {exact} of {len(rows)} rows bit-equal, greatest difference {np.abs(got - expected).max():.1e}")
            assert np.allclose(got, expected, rtol=tolerance, atol=tolerance)
            assert tolerance > 0 or exact == len(rows)
            single = client.score(name.lower(), rows[0])
            assert tuple(single.scores or (single.score,)) == tuple(got[0])


@needs_shared
def test_reasons_are_the_librarys_contributions_and_are_in_the_trail(make_server: Any, work: pathlib.Path) -> None:
    server: Server = make_server()
    cases = {"xgb_cards_binary": "model.json", "lgb_uci_categorical": "model.txt"}
    for name, file in cases.items():
        rows, expected = reference(name)
        schema = {"features": [{"name": f"x{i}", "reason": f"text of x{i}"} for i in range(rows.shape[1])]}
        (work / "schema.json").write_text(json.dumps(schema))
        bundle = work / f"{name}.assay"
        np.save(work / "expected.npy", expected)
        assay_command(
            "bundle", "import", MODELS / name / file, "--name", name, "--output", bundle, "--golden-rows", MODELS / name / "X.npy",
            "--golden-expected", work / "expected.npy", "--schema", work / "schema.json",
        )
        push(server.registry, bundle)
    server.start()
    with server.client() as client:
        for name in cases:
            rows, _ = reference(name)
            shap = np.load(MODELS / name / "shap64.npy").reshape(64, -1)
            for row in range(64):
                decision = client.score(name, rows[row], explain=5, include_raw=True)
                reasons = [reason for reason in decision.reasons if reason.code == "FEATURE"]
                assert 1 <= len(reasons) <= 5
                magnitudes = [abs(reason.contribution) for reason in reasons]
                assert magnitudes == sorted(magnitudes, reverse=True)
                scale = np.abs(shap[row]).max()
                for reason in reasons:
                    index = int(reason.feature[1:])
                    assert abs(reason.contribution - shap[row][index]) <= 1e-4 * scale, (name, row, reason)
                    assert reason.value == rows[row][index] or np.isnan(rows[row][index])
                    assert reason.text == f"text of x{index}"
                # The fifth greatest of the library is not greater than the least that came.
                assert np.sort(np.abs(shap[row][:-1]))[-len(reasons)] <= magnitudes[-1] + 1e-4 * scale
                record = audit_pb2.AuditRecord.FromString(client.get_decision(decision.audit_sequence).record)
                assert [(r.feature, r.contribution) for r in record.reasons if r.code == "FEATURE"] == [
                    (r.feature, r.contribution) for r in reasons
                ]
            assert sum(1 for r in client.score(name, rows[0], explain=32).reasons if r.code == "FEATURE") <= 32
            with pytest.raises(assay.InvalidArgument):
                client.score(name, rows[0], explain=33)


@needs_shared
def test_contributions_and_leaves_offline(work: pathlib.Path) -> None:
    for name, file in {"xgb_multi5_softprob": "model.json", "lgb_multi5_softmax": "model.txt"}.items():
        bundle = work / f"{name}.assay"
        assay_command("bundle", "import", MODELS / name / file, "--name", name, "--output", bundle)
        assay_command(
            "bundle", "score", bundle, "--rows", MODELS / name / "X.npy", "--raw", "--output", work / "raw.npy",
            "--contributions", work / "contributions.npy", "--leaves", work / "leaves.npy",
        )
        raw = np.load(work / "raw.npy").astype(np.float64)
        contributions = np.load(work / "contributions.npy").reshape(len(raw), raw.shape[1], -1)
        assert np.allclose(contributions.sum(axis=2), raw, rtol=1e-5, atol=1e-5)
        expected = np.load(MODELS / name / "leaf256.npy")
        assert (np.load(work / "leaves.npy")[: len(expected)] == expected).all()


def test_an_unproven_bundle_is_served_only_on_purpose_and_says_so(make_server: Any, work: pathlib.Path) -> None:
    server: Server = make_server()
    model = BUNDLES.parent / "train" / "out" / "cards" / "model-1.json"
    bundle = work / "unproven.assay"
    assert output_of("bundle", "import", model, "--name", "cards", "--output", bundle)["unproven"] is True
    rows = BUNDLES.parent / "train" / "cards_rows.npy"
    assay_command("bundle", "score", bundle, "--rows", rows, "--output", work / "offline.npy")
    arguments = ["registry", "push", bundle, "--registry", server.registry, "--alias", "champion", "--who", "test", "--why", "test"]
    refused = assay_command(*arguments, code=None)
    assert refused.returncode != 0 and "golden" in refused.stderr
    assay_command(*arguments, "--allow-unproven")
    assert "unproven" in assay_command("registry", "history", "cards", "--registry", server.registry).stdout
    server.start()
    with server.client() as client:
        decision = client.score("cards", np.load(rows)[0])
        assert decision.unproven
        record = audit_pb2.AuditRecord.FromString(client.get_decision(decision.audit_sequence).record)
        assert record.unproven


def test_a_bundle_that_scores_otherwise_on_one_golden_row_is_refused_by_its_number(work: pathlib.Path) -> None:
    train = BUNDLES.parent / "train" / "out" / "cards"
    expected = np.load(train / "golden-expected-1.npy")
    expected[37] = np.nextafter(expected[37], np.float32(1))
    np.save(work / "expected.npy", expected)
    arguments = ["bundle", "import", train / "model-1.json", "--name", "cards", "--output", work / "x.assay", "--golden-rows"]
    arguments += [train / "golden-1.npy", "--golden-expected", work / "expected.npy"]
    refused = assay_command(*arguments, code=None)
    assert refused.returncode != 0 and "golden row 37" in refused.stderr and not (work / "x.assay").exists()
    assay_command(*arguments, "--golden-tolerance", "1e-6")
    assert "within" in assay_command("bundle", "verify", work / "x.assay").stdout


def test_an_isolation_forest_learns_without_a_framework_and_is_served(make_server: Any, work: pathlib.Path) -> None:
    rows = np.load(BUNDLES.parent / "train" / "cards_rows.npy")
    complete = rows[~np.isnan(rows).any(axis=1)]
    np.save(work / "rows.npy", complete)
    arguments = ["train", "isolation-forest", "--rows", work / "rows.npy", "--name", "onboarding", "--seed", "7"]
    learnt = output_of(*arguments, "--output", work / "a.assay")
    assert learnt["trees"] == 100 and learnt["golden_rows"] > 0 and learnt["rows"] == len(complete)
    # The same rows and seed give the same file, another seed another.
    assert output_of(*arguments, "--output", work / "b.assay")["digest"] == learnt["digest"]
    arguments[-1] = "8"
    assert output_of(*arguments, "--output", work / "c.assay")["digest"] != learnt["digest"]
    # What is missing cannot be learnt from, and says where.
    np.save(work / "holes.npy", rows)
    refused = assay_command("train", "isolation-forest", "--rows", work / "holes.npy", "--name", "x", "--output", work / "x.assay", code=None)
    assert refused.returncode == 1 and "missing" in refused.stderr and not (work / "x.assay").exists()
    server: Server = make_server()
    push(server.registry, work / "a.assay")
    server.start()
    with server.client() as client:
        usual = np.median(complete, axis=0)
        odd = usual + 20 * complete.std(axis=0)
        low, high = client.score("onboarding", usual), client.score("onboarding", odd, explain=3)
        assert 0 < low.score < high.score <= 1
        assert high.outcome is assay.Outcome.REVIEW and low.outcome is assay.Outcome.APPROVE
        assert len([reason for reason in high.reasons if reason.code == "FEATURE"]) == 3
