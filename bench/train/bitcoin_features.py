"""The features of docs/FEATURES.md that the demo bundle uses, computed from a transaction in esplora's form.

An independent second implementation of what the server does in Sources/Decision: formulas in float64, rounded once to float32, NaN
where something needed is not known. clients/python/tests/test_server.py holds the two against each other.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bitcoin import serialized_byte_counts

FEATURE_NAMES = [
    "bitcoin.fee_rate", "bitcoin.fee", "bitcoin.fee_share", "bitcoin.size", "bitcoin.weight", "bitcoin.vsize",
    "bitcoin.input_count", "bitcoin.output_count", "bitcoin.input_value", "bitcoin.output_value", "bitcoin.value_per_input",
    "bitcoin.value_per_output", "bitcoin.change_ratio", "bitcoin.same_type_output_share", "bitcoin.largest_output_share",
    "bitcoin.largest_input_share", "bitcoin.largest_output_value", "bitcoin.smallest_output_value", "bitcoin.round_output_count",
    "bitcoin.round_output_share", "bitcoin.dust_output_count", "bitcoin.coin_age", "bitcoin.coin_age_min", "bitcoin.coin_age_max",
    "bitcoin.coin_days_destroyed", "bitcoin.witness_share", "bitcoin.rbf", "bitcoin.locktime_set", "bitcoin.tx_version",
    "bitcoin.input_script_types", "bitcoin.output_script_types", "bitcoin.input_p2wpkh_share", "bitcoin.input_p2tr_share",
    "bitcoin.output_p2wpkh_share", "bitcoin.output_p2tr_share", "bitcoin.output_op_return_count",
]
TYPES = {"bitcoin.rbf": "boolean", "bitcoin.locktime_set": "boolean"}
TYPES |= {name: "integer" for name in FEATURE_NAMES if name.endswith(("_count", "_types", "size", "weight", "tx_version"))}
# Every transaction has inputs and outputs.
MISSING_REFUSED = {"bitcoin.input_count", "bitcoin.output_count"}

_ROUND_SATOSHIS = 100_000
_WITNESS_PROGRAMS = {"v0_p2wpkh", "v0_p2wsh", "v1_p2tr", "anchor"}


def matrix(transactions: list[dict[str, Any]]) -> np.ndarray:
    """[transactions, features] float32."""
    rows = [[values[name] for name in FEATURE_NAMES] for values in map(features, transactions)]
    return np.array(rows, dtype=np.float64).astype(np.float32)


def features(transaction: dict[str, Any]) -> dict[str, float]:
    """By name, float64."""
    return _whole(transaction) | _inputs(transaction) | _outputs(transaction)


def _ratio(dividend: float, divisor: float) -> float:
    return dividend / divisor if divisor else math.nan


def _whole(transaction: dict[str, Any]) -> dict[str, float]:
    base, witness = serialized_byte_counts(transaction)
    weight = 4 * base + witness
    spent, paid = _spent_value(transaction), sum(output["value"] for output in transaction["vout"])
    fee, vsize = spent - paid, (weight + 3) // 4
    input_count, output_count = len(transaction["vin"]), len(transaction["vout"])
    return {
        "bitcoin.size": base + witness, "bitcoin.weight": weight, "bitcoin.vsize": vsize, "bitcoin.fee": fee,
        "bitcoin.fee_rate": fee / vsize, "bitcoin.fee_share": _ratio(fee, spent), "bitcoin.input_count": input_count,
        "bitcoin.output_count": output_count, "bitcoin.input_value": spent, "bitcoin.output_value": paid,
        "bitcoin.value_per_input": spent / input_count, "bitcoin.value_per_output": paid / output_count,
        "bitcoin.witness_share": witness / (base + witness), "bitcoin.locktime_set": float(transaction["locktime"] != 0),
        "bitcoin.tx_version": transaction["version"],
        "bitcoin.rbf": float(any(item["sequence"] < 0xFFFFFFFE for item in transaction["vin"])),
    }


def _spent_value(transaction: dict[str, Any]) -> float:
    if any(item["prevout"] is None for item in transaction["vin"]):
        return math.nan
    return sum(item["prevout"]["value"] for item in transaction["vin"])


def _inputs(transaction: dict[str, Any]) -> dict[str, float]:
    ages = [item.get("age_blocks") for item in transaction["vin"]]
    spent = _spent_value(transaction)
    known = not math.isnan(spent)
    values = [item["prevout"]["value"] for item in transaction["vin"]] if known else []
    types = [item["prevout"]["scriptpubkey_type"] for item in transaction["vin"]] if known else []
    ages_known = None not in ages
    value_age = sum(value * age for value, age in zip(values, ages)) if known and ages_known else math.nan
    return {
        "bitcoin.coin_age": _ratio(value_age, spent), "bitcoin.coin_days_destroyed": value_age / (144 * 100_000_000),
        "bitcoin.coin_age_min": min(ages) if ages_known else math.nan, "bitcoin.coin_age_max": max(ages) if ages_known else math.nan,
        "bitcoin.largest_input_share": _ratio(max(values), spent) if known else math.nan,
        "bitcoin.input_script_types": len(set(types)) if known else math.nan,
        "bitcoin.input_p2wpkh_share": types.count("v0_p2wpkh") / len(types) if known else math.nan,
        "bitcoin.input_p2tr_share": types.count("v1_p2tr") / len(types) if known else math.nan,
    }


def _outputs(transaction: dict[str, Any]) -> dict[str, float]:
    outputs = transaction["vout"]
    types = [output["scriptpubkey_type"] for output in outputs]
    values = [output["value"] for output in outputs]
    paid, count = sum(values), len(outputs)
    spendable = [output for output in outputs if output["scriptpubkey_type"] != "op_return"]
    rounds = sum(1 for value in values if value > 0 and value % _ROUND_SATOSHIS == 0)
    return _change(transaction, spendable, paid) | {
        "bitcoin.largest_output_value": max(values), "bitcoin.largest_output_share": _ratio(max(values), paid),
        "bitcoin.smallest_output_value": min((output["value"] for output in spendable), default=math.nan),
        "bitcoin.round_output_count": rounds, "bitcoin.round_output_share": rounds / count,
        "bitcoin.dust_output_count": sum(1 for output in outputs if output["value"] < _dust_limit(output)),
        "bitcoin.output_script_types": len(set(types)), "bitcoin.output_p2wpkh_share": types.count("v0_p2wpkh") / count,
        "bitcoin.output_p2tr_share": types.count("v1_p2tr") / count, "bitcoin.output_op_return_count": types.count("op_return"),
    }


def _change(transaction: dict[str, Any], spendable: list[dict[str, Any]], paid: int) -> dict[str, float]:
    """Missing unless all input types are known: change is guessed by them."""
    names = ["bitcoin.same_type_output_share", "bitcoin.change_ratio"]
    if any(item["prevout"] is None for item in transaction["vin"]):
        return dict.fromkeys(names, math.nan)
    input_types = {item["prevout"]["scriptpubkey_type"] for item in transaction["vin"]}
    same = [output["value"] for output in spendable if output["scriptpubkey_type"] in input_types]
    candidates = same if 0 < len(same) < len(spendable) else [output["value"] for output in spendable]
    change = min(candidates) if len(spendable) >= 2 else 0
    return {names[0]: _ratio(sum(same), paid), names[1]: _ratio(change, paid)}


def _dust_limit(output: dict[str, Any]) -> int:
    """Bitcoin Core's, at 3 sat/vB; 0 for what cannot be spent. All scripts here are shorter than 253 bytes."""
    if output["scriptpubkey_type"] == "op_return":
        return 0
    byte_count = 9 + len(output["scriptpubkey"]) // 2
    return 3 * (byte_count + (67 if output["scriptpubkey_type"] in _WITNESS_PROGRAMS else 148))
