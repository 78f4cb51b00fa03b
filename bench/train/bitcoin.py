"""Synthetic Bitcoin transactions, complete and in esplora's JSON form, with a label: 1 when made by an illicit pattern.

No key signs anything, but everything else is as in the chain: scripts of the right form and length, values that add up, sizes and
txids of the real serialization (BIP 144). All from one seeded random.Random.

Honest (label 0):  payment with change; payout of an exchange to many; sweep of one coin; consolidation of a wallet's own coins at a low
fee rate; channel opening (P2WSH output); note in an OP_RETURN; equal payouts (salaries).
Illicit (label 1): peel chain (a young coin is split into a small round part and a large rest of the same type, again and again);
mixing-like (several inputs, many equal outputs); many-input consolidation (small young coins of mixed types into one output);
dusting (hundreds of satoshi to many).

The patterns overlap on purpose (honest young coins, equal payouts, consolidations), and LABEL_NOISE of the labels are flipped. What a
node may not know is left out: coin ages in a fifth of the transactions, one spent output in one of fifty; size, weight and fee, which
follow from the rest, in half.

Beyond esplora, an input carries "age_blocks", the blocks since its spent output was mined, where known.
"""

from __future__ import annotations

import hashlib
import random
from typing import Any, Callable

LABEL_NOISE = 0.01
ILLICIT_RATE = 0.08

_TYPES = ["v0_p2wpkh", "v1_p2tr", "p2pkh", "p2sh", "v0_p2wsh"]
_TYPE_WEIGHTS = [50, 18, 16, 12, 4]
_HEIGHT = 880_000


def generate(count: int, seed: int) -> tuple[list[dict[str, Any]], list[int]]:
    """Transactions and their labels."""
    source = random.Random(seed)
    transactions, labels = [], []
    for _ in range(count):
        illicit = source.random() < ILLICIT_RATE
        patterns = _ILLICIT if illicit else _HONEST
        pattern = source.choices([pattern for pattern, _ in patterns], [weight for _, weight in patterns])[0]
        transactions.append(_finished(source, pattern(source)))
        labels.append(int(illicit) ^ int(source.random() < LABEL_NOISE))
    return transactions, labels


# -- Patterns: each returns inputs [(type, value, age)], outputs [(type, value)], fee rate in sat/vB. The first output takes what is left.

Draft = tuple[list[tuple[str, int, int]], list[tuple[str, int]], float]


def _kind(source: random.Random) -> str:
    return source.choices(_TYPES, _TYPE_WEIGHTS)[0]


def _amount(source: random.Random, median: float = 1_500_000, spread: float = 2.0) -> int:
    """Satoshi, log-normal; a third of all are rounded as people round."""
    value = int(median * source.lognormvariate(0, spread))
    if source.random() < 0.33:
        value = max(1, round(value / 100_000)) * 100_000
    return min(max(value, 1000), 50_000_000_000)


def _age(source: random.Random, median: float = 400) -> int:
    return int(min(median * source.lognormvariate(0, 1.8), _HEIGHT - 1))


def _rate(source: random.Random, median: float = 12) -> float:
    return min(max(median * source.lognormvariate(0, 0.7), 1.0), 400.0)


def _coins(source: random.Random, kind: str, total: int, count: int, median_age: float = 400) -> list[tuple[str, int, int]]:
    """`count` coins of together at least `total` satoshi."""
    parts = [source.uniform(0.2, 1) for _ in range(count)]
    return [(kind, int(total * part / sum(parts)) + 1, _age(source, median_age)) for part in parts]


def _payment(source: random.Random) -> Draft:
    kind, amount = _kind(source), _amount(source)
    change = int(amount * source.lognormvariate(-0.3, 1.2)) + 1000
    young = source.random() < 0.2
    coins = _coins(source, kind, amount + change, source.choices([1, 2, 3, 4], [62, 22, 10, 6])[0], 3 if young else 400)
    return coins, [(kind, change), (_kind(source), amount)], _rate(source)


def _payout(source: random.Random) -> Draft:
    kind = source.choice(["v0_p2wpkh", "p2sh", "v0_p2wsh"])
    outputs = [(_kind(source), _amount(source, 700_000, 1.5)) for _ in range(source.randint(4, 30))]
    rest = _amount(source, 80_000_000, 1)
    coins = _coins(source, kind, rest + sum(value for _, value in outputs), source.randint(1, 3), 20)
    return coins, [(kind, rest), *outputs], _rate(source, 18)


def _sweep(source: random.Random) -> Draft:
    amount = _amount(source, spread=2.3)
    return _coins(source, _kind(source), amount, 1), [(_kind(source), amount)], _rate(source)


def _tidy(source: random.Random) -> Draft:
    kind, count = _kind(source), source.randint(4, 16)
    amount = _amount(source, 900_000, 1) * count
    return _coins(source, kind, amount, count, 2500), [(kind, amount)], _rate(source, 3)


def _channel(source: random.Random) -> Draft:
    amount = source.choice([500_000, 1_000_000, 2_000_000, 5_000_000, 16_000_000])
    change = _amount(source)
    return _coins(source, "v0_p2wpkh", amount + change, 1, 150), [("v0_p2wpkh", change), ("v0_p2wsh", amount)], _rate(source)


def _note(source: random.Random) -> Draft:
    change = _amount(source, 200_000, 1)
    return _coins(source, "v0_p2wpkh", change, 1, 60), [("v0_p2wpkh", change), ("op_return", 0)], _rate(source, 6)


def _salaries(source: random.Random) -> Draft:
    amount, count, change = _amount(source, 4_000_000, 0.5), source.randint(4, 12), _amount(source, 20_000_000, 1)
    coins = _coins(source, "v0_p2wpkh", amount * count + change, source.randint(1, 2), 300)
    return coins, [("v0_p2wpkh", change), *((_kind(source), amount) for _ in range(count))], _rate(source)


def _peel(source: random.Random) -> Draft:
    kind, rest = source.choice(["v0_p2wpkh", "p2pkh", "p2sh"]), _amount(source, 400_000_000, 1)
    part = max(1, round(rest * source.uniform(0.002, 0.08) / 100_000)) * 100_000
    coins = [(kind, rest + part + 1, source.choices([0, 1, 2, 3, 6], [40, 25, 15, 12, 8])[0])]
    return coins, [(kind, rest), (source.choice([kind, _kind(source)]), part)], _rate(source, 30)


def _mix(source: random.Random) -> Draft:
    kind, count = source.choice(["v0_p2wpkh", "v1_p2tr"]), source.randint(5, 12)
    amount = source.choice([100_000, 1_000_000, 5_000_000, 10_000_000])
    changes = [(kind, _amount(source, 300_000, 1)) for _ in range(source.randint(1, count))]
    total = amount * count + sum(value for _, value in changes)
    return _coins(source, kind, total, source.randint(5, count), 40), [*changes, *[(kind, amount)] * count], _rate(source)


def _gather(source: random.Random) -> Draft:
    coins = [
        (_kind(source), _amount(source, 150_000, 0.8), _age(source, 12)) for _ in range(source.randint(8, 24))
    ]
    return coins, [(_kind(source), sum(value for _, value, _ in coins))], _rate(source, 25)


def _dust(source: random.Random) -> Draft:
    outputs = [(source.choice(["p2pkh", "v0_p2wpkh"]), source.randint(200, 999)) for _ in range(source.randint(10, 32))]
    rest = _amount(source, 90_000, 0.8)
    coins = _coins(source, "v0_p2wpkh", rest + sum(value for _, value in outputs), 1, 20)
    return coins, [("v0_p2wpkh", rest), *outputs], _rate(source, 4)


_HONEST: list[tuple[Callable[[random.Random], Draft], int]] = [
    (_payment, 62), (_payout, 6), (_sweep, 12), (_tidy, 5), (_channel, 5), (_note, 6), (_salaries, 4),
]
_ILLICIT: list[tuple[Callable[[random.Random], Draft], int]] = [(_peel, 45), (_mix, 20), (_gather, 20), (_dust, 15)]


# -- From a draft to a transaction


def _finished(source: random.Random, draft: Draft) -> dict[str, Any]:
    coins, outputs, fee_rate = draft
    rbf, locked = source.random() < 0.6, source.random() < 0.4
    inputs = [_input(source, kind, value, age, 0xFFFFFFFD if rbf else 0xFFFFFFFE if locked else 0xFFFFFFFF) for kind, value, age in coins]
    transaction: dict[str, Any] = {
        "txid": "", "version": source.choices([1, 2], [25, 75])[0], "locktime": _HEIGHT - source.randint(0, 2) if locked else 0,
        "vin": inputs, "vout": [_output(source, kind, value) for kind, value in outputs],
    }
    base, witness = serialized_byte_counts(transaction)
    _settle_fee(transaction, int(fee_rate * ((4 * base + witness + 3) // 4)) + 1)
    head = transaction["vout"].pop(0)
    transaction["vout"].insert(source.randint(0, len(transaction["vout"])), head)
    transaction["txid"] = _txid(transaction)
    if source.random() < 0.5:
        transaction["size"], transaction["weight"] = base + witness, 4 * base + witness
        transaction["fee"] = sum(item["prevout"]["value"] for item in inputs) - sum(item["value"] for item in transaction["vout"])
    transaction["status"] = {"confirmed": False}
    _forget(source, transaction)
    return transaction


def _settle_fee(transaction: dict[str, Any], fee: int) -> None:
    """The first output takes what is left after the fee; when that is not enough, the first coin was larger than drafted."""
    spent = sum(item["prevout"]["value"] for item in transaction["vin"])
    others = sum(item["value"] for item in transaction["vout"][1:])
    missing = max(0, others + fee + 1000 - spent)
    transaction["vin"][0]["prevout"]["value"] += missing
    transaction["vout"][0]["value"] = spent + missing - others - fee


def _forget(source: random.Random, transaction: dict[str, Any]) -> None:
    if source.random() < 0.2:
        for item in transaction["vin"]:
            del item["age_blocks"]
    if source.random() < 0.02:
        item = source.choice(transaction["vin"])
        item["prevout"] = None
        # With the script unknown, only an explicit empty list says that there is no witness.
        item.setdefault("witness", [])
        item.pop("age_blocks", None)
        transaction.pop("fee", None)


def _hex(source: random.Random, byte_count: int) -> str:
    return source.randbytes(byte_count).hex()


def _signature(source: random.Random) -> str:
    """DER with its hash type: 71 or 72 bytes."""
    byte_count = source.choice([71, 72])
    return f"30{byte_count - 3:02x}" + _hex(source, byte_count - 3) + "01"


def _key(source: random.Random) -> str:
    return source.choice(["02", "03"]) + _hex(source, 32)


def _script(source: random.Random, kind: str) -> str:
    if kind == "op_return":
        byte_count = source.randint(8, 75)
        return f"6a{byte_count:02x}" + _hex(source, byte_count)
    return {
        "p2pkh": f"76a914{_hex(source, 20)}88ac", "p2sh": f"a914{_hex(source, 20)}87", "v0_p2wpkh": f"0014{_hex(source, 20)}",
        "v0_p2wsh": f"0020{_hex(source, 32)}", "v1_p2tr": f"5120{_hex(source, 32)}",
    }[kind]


def _output(source: random.Random, kind: str, value: int) -> dict[str, Any]:
    return {"scriptpubkey": _script(source, kind), "scriptpubkey_type": kind, "value": value}


def _input(source: random.Random, kind: str, value: int, age: int, sequence: int) -> dict[str, Any]:
    item: dict[str, Any] = {
        "txid": _hex(source, 32), "vout": source.choices([0, 1, 2, 3], [50, 35, 10, 5])[0], "prevout": _output(source, kind, value),
        "scriptsig": "", "is_coinbase": False, "sequence": sequence, "age_blocks": age,
    }
    if kind == "p2pkh":
        signature = _signature(source)
        item["scriptsig"] = f"{len(signature) // 2:02x}{signature}21{_key(source)}"
    elif kind == "v1_p2tr":
        item["witness"] = [_hex(source, 64)]
    elif kind == "v0_p2wsh":
        script = "52" + "".join("21" + _key(source) for _ in range(3)) + "53ae"
        item["witness"] = ["", _signature(source), _signature(source), script]
    else:
        item["witness"] = [_signature(source), _key(source)]
        if kind == "p2sh":
            item["scriptsig"] = f"160014{_hex(source, 20)}"
    return item


# -- Serialization (BIP 144)


def _compact(value: int) -> bytes:
    return bytes([value]) if value < 0xFD else b"\xfd" + value.to_bytes(2, "little") if value < 0x10000 else b"\xfe" + value.to_bytes(4, "little")


def _with_length(data: bytes) -> bytes:
    return _compact(len(data)) + data


def _base(transaction: dict[str, Any]) -> bytes:
    parts = [transaction["version"].to_bytes(4, "little"), _compact(len(transaction["vin"]))]
    for item in transaction["vin"]:
        parts += [
            bytes.fromhex(item["txid"])[::-1], item["vout"].to_bytes(4, "little"), _with_length(bytes.fromhex(item["scriptsig"])),
            item["sequence"].to_bytes(4, "little"),
        ]
    parts.append(_compact(len(transaction["vout"])))
    for item in transaction["vout"]:
        parts += [item["value"].to_bytes(8, "little"), _with_length(bytes.fromhex(item["scriptpubkey"]))]
    return b"".join([*parts, transaction["locktime"].to_bytes(4, "little")])


def _txid(transaction: dict[str, Any]) -> str:
    return hashlib.sha256(hashlib.sha256(_base(transaction)).digest()).digest()[::-1].hex()


def serialized_byte_counts(transaction: dict[str, Any]) -> tuple[int, int]:
    """Bytes without witnesses, and those of marker, flag and witnesses (0 when no input has any)."""
    stacks = [item.get("witness", []) for item in transaction["vin"]]
    witness = 2 + sum(
        len(_compact(len(stack))) + sum(len(_with_length(bytes.fromhex(element))) for element in stack) for stack in stacks
    )
    return len(_base(transaction)), witness if any(stacks) else 0
