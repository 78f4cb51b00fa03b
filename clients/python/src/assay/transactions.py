"""Typed transactions from dicts, with errors that name the place. The server derives the features (docs/FEATURES.md)."""

from __future__ import annotations

import math
import numbers
from typing import Any, List, Mapping, Optional, Sequence

from ._proto.assay.v1 import assay_pb2 as pb
from .errors import TransactionFormatError

__all__ = ["bitcoin_transaction_from_esplora", "card_transaction"]

# More than any valid block can hold; keeps a wrong file from building a giant message.
_INPUT_COUNT_MAX = 100_000

_COIN_LIMIT_SATOSHI = 21_000_000 * 100_000_000

# esplora's names. All others ("unknown", "empty") are none of the standard types.
_SCRIPT_TYPES = {
    "p2pk": pb.BITCOIN_SCRIPT_TYPE_P2PK,
    "p2pkh": pb.BITCOIN_SCRIPT_TYPE_P2PKH,
    "p2sh": pb.BITCOIN_SCRIPT_TYPE_P2SH,
    "multisig": pb.BITCOIN_SCRIPT_TYPE_MULTISIG,
    "v0_p2wpkh": pb.BITCOIN_SCRIPT_TYPE_P2WPKH,
    "v0_p2wsh": pb.BITCOIN_SCRIPT_TYPE_P2WSH,
    "v1_p2tr": pb.BITCOIN_SCRIPT_TYPE_P2TR,
    "anchor": pb.BITCOIN_SCRIPT_TYPE_P2A,
    "op_return": pb.BITCOIN_SCRIPT_TYPE_OP_RETURN,
}

_ENTRY_MODES = {
    "chip": pb.CARD_ENTRY_MODE_CHIP,
    "contactless": pb.CARD_ENTRY_MODE_CONTACTLESS,
    "magstripe": pb.CARD_ENTRY_MODE_MAGSTRIPE,
    "manual": pb.CARD_ENTRY_MODE_MANUAL,
    "ecommerce": pb.CARD_ENTRY_MODE_ECOMMERCE,
}

_CARD_KEYS = frozenset(
    {
        "amount_minor", "currency", "time_us", "elapsed_seconds", "components", "merchant_category", "entry_mode",
        "card_country", "merchant_country", "card_reference", "merchant_reference",
    }
)


def bitcoin_transaction_from_esplora(
    transaction: Mapping[str, Any], *, first_seen_us: Optional[int] = None, rbf: Optional[bool] = None,
    input_ages_blocks: Optional[Sequence[Optional[int]]] = None,
) -> pb.BitcoinTransaction:
    """A transaction as esplora (blockstream.info, mempool.space) gives it: txid, version, locktime, vin with prevout, vout, and
    size, weight, fee, sigops where present.

    What a key does not say stays missing. ``first_seen_us`` (Unix microseconds), ``rbf`` and ``input_ages_blocks`` (one per input,
    None where unknown) are what esplora does not tell; an input may also carry its age itself, as ``age_blocks``. Raises
    TransactionFormatError.
    """
    source = _Source("transaction", _mapping(transaction, "transaction"))
    message = pb.BitcoinTransaction(txid=source.hex("txid", byte_count=32))
    _set(message, "tx_version", source.integer("version", -(1 << 31), (1 << 31) - 1))
    _set(message, "locktime", source.integer("locktime", 0, (1 << 32) - 1))
    _set(message, "fee", source.integer("fee", 0, _COIN_LIMIT_SATOSHI))
    for name in ("size", "weight", "sigops"):
        _set(message, name, source.integer(name, 0, (1 << 32) - 1))
    _set(message, "first_seen_us", first_seen_us)
    _set(message, "rbf", rbf)
    inputs = source.sequence("vin")
    if input_ages_blocks is not None and len(input_ages_blocks) != len(inputs):
        raise TransactionFormatError("input_ages_blocks", f"{len(input_ages_blocks)} ages for {len(inputs)} inputs")
    for index, item in enumerate(inputs):
        age = input_ages_blocks[index] if input_ages_blocks is not None else None
        _add_input(message, _Source(f"vin[{index}]", _mapping(item, f"vin[{index}]")), age)
    for index, item in enumerate(source.sequence("vout")):
        _add_output(message, _Source(f"vout[{index}]", _mapping(item, f"vout[{index}]")))
    return message


def _add_input(message: pb.BitcoinTransaction, source: "_Source", age_blocks: Optional[int]) -> None:
    target = message.inputs.add(
        prevout_txid=source.hex("txid", byte_count=32), prevout_index=source.integer("vout", 0, (1 << 32) - 1) or 0,
        is_coinbase=source.boolean("is_coinbase"), script_sig=source.hex("scriptsig"),
        witness=[_hex(item, f"{source.path}.witness[{index}]") for index, item in enumerate(source.sequence("witness", []))],
    )
    _set(target, "sequence", source.integer("sequence", 0, (1 << 32) - 1))
    _set(target, "age_blocks", age_blocks if age_blocks is not None else source.integer("age_blocks", 0, (1 << 32) - 1))
    prevout = source.values.get("prevout")
    if prevout is not None:
        spent = _Source(f"{source.path}.prevout", _mapping(prevout, f"{source.path}.prevout"))
        _set(target, "value", spent.integer("value", 0, _COIN_LIMIT_SATOSHI))
        target.script_pubkey = spent.hex("scriptpubkey")
        target.script_type = _script_type(spent, target.script_pubkey)
    if source.values.get("scriptsig") is not None:
        # esplora leaves the witness out where there is none, its websocket always does: only the spent script can tell.
        whole = source.values.get("witness") is not None or _needs_no_witness(target)
        target.has_scripts, target.has_script_sig = whole, not whole


def _needs_no_witness(spent: pb.BitcoinInput) -> bool:
    """Consensus lets no witness stand here: the spent script is known and neither a witness program nor a P2SH that the script_sig
    fills with one."""
    script, script_sig = spent.script_pubkey, spent.script_sig
    if spent.is_coinbase or not script or _is_witness_program(script):
        return False
    is_script_hash = len(script) == 23 and script[0] == 0xA9 and script[22] == 0x87
    if is_script_hash and script_sig and script_sig[0] == len(script_sig) - 1:
        return not _is_witness_program(script_sig[1:])
    return True


def _is_witness_program(script: bytes) -> bool:
    """A version number and one push of 2 to 40 bytes (BIP 141)."""
    return 4 <= len(script) <= 42 and (script[0] == 0 or 0x51 <= script[0] <= 0x60) and script[1] == len(script) - 2


def _add_output(message: pb.BitcoinTransaction, source: "_Source") -> None:
    target = message.outputs.add(
        script_pubkey=source.hex("scriptpubkey"), address=source.text("scriptpubkey_address"),
        has_script=source.values.get("scriptpubkey") is not None,
    )
    _set(target, "value", source.integer("value", 0, _COIN_LIMIT_SATOSHI))
    target.script_type = _script_type(source, target.script_pubkey)


def _script_type(source: "_Source", script: bytes) -> "pb.BitcoinScriptType":
    """The stated type, where there is no script to tell it: the script itself is the better witness, and the server reads it."""
    name = source.text("scriptpubkey_type")
    if script or not name:
        return pb.BITCOIN_SCRIPT_TYPE_UNSPECIFIED
    return _SCRIPT_TYPES.get(name, pb.BITCOIN_SCRIPT_TYPE_NONSTANDARD)


def card_transaction(transaction: Mapping[str, Any]) -> pb.CardTransaction:
    """A card payment from a dict with the field names of assay.v1.CardTransaction, all optional: amount_minor (cents), currency,
    time_us, elapsed_seconds, components (V1 … V28; None or NaN is missing), merchant_category, entry_mode ("chip", "contactless",
    "magstripe", "manual", "ecommerce"), card_country, merchant_country, card_reference, merchant_reference.

    Raises TransactionFormatError, for an unknown key too: a misspelt one would silently be a missing value.
    """
    source = _Source("transaction", _mapping(transaction, "transaction"))
    unknown = sorted(str(key) for key in source.values if key not in _CARD_KEYS)
    if unknown:
        raise TransactionFormatError(unknown[0], f"unknown key; known are {', '.join(sorted(_CARD_KEYS))}")
    message = pb.CardTransaction(
        currency=_letters(source, "currency", 3), card_country=_letters(source, "card_country", 2),
        merchant_country=_letters(source, "merchant_country", 2), card_reference=source.text("card_reference"),
        merchant_reference=source.text("merchant_reference"), components=_components(source),
    )
    _set(message, "amount_minor", source.integer("amount_minor", -(1 << 63), (1 << 63) - 1))
    _set(message, "time_us", source.integer("time_us", 0, (1 << 63) - 1))
    _set(message, "elapsed_seconds", source.number("elapsed_seconds"))
    _set(message, "merchant_category", source.integer("merchant_category", 0, 9999))
    mode = source.text("entry_mode")
    if mode:
        if mode not in _ENTRY_MODES:
            raise TransactionFormatError("entry_mode", f"want one of {', '.join(_ENTRY_MODES)}")
        message.entry_mode = _ENTRY_MODES[mode]
    return message


def _letters(source: "_Source", key: str, count: int) -> str:
    text = source.text(key)
    if text and not (len(text) == count and text.isascii() and text.isalpha() and text.isupper()):
        raise TransactionFormatError(key, f"want {count} capital letters")
    return text


def _components(source: "_Source") -> List[float]:
    return [
        math.nan if item is None else _number(item, f"components[{index}]")
        for index, item in enumerate(source.sequence("components", []))
    ]


# -- Reading a dict


class _Source:
    """One JSON object and its path from the root."""

    def __init__(self, path: str, values: Mapping[str, Any]) -> None:
        self.path = path
        self.values = values

    def place(self, key: str) -> str:
        return key if self.path == "transaction" else f"{self.path}.{key}"

    def integer(self, key: str, least: int, most: int) -> Optional[int]:
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise TransactionFormatError(self.place(key), f"want an integer, got {type(value).__name__}")
        number = int(value)
        if not least <= number <= most:
            raise TransactionFormatError(self.place(key), f"{number} is outside {least} ... {most}")
        return number

    def number(self, key: str) -> Optional[float]:
        value = self.values.get(key)
        return None if value is None else _number(value, self.place(key))

    def boolean(self, key: str) -> bool:
        value = self.values.get(key)
        if value is not None and not isinstance(value, bool):
            raise TransactionFormatError(self.place(key), f"want true or false, got {type(value).__name__}")
        return bool(value)

    def text(self, key: str) -> str:
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            raise TransactionFormatError(self.place(key), f"want a string, got {type(value).__name__}")
        return value or ""

    def hex(self, key: str, byte_count: Optional[int] = None) -> bytes:
        value = self.values.get(key)
        data = b"" if value is None else _hex(value, self.place(key))
        if value is not None and byte_count is not None and len(data) != byte_count:
            raise TransactionFormatError(self.place(key), f"want {byte_count} bytes of hex, got {len(data)}")
        return data

    def sequence(self, key: str, default: Optional[List[Any]] = None) -> Sequence[Any]:
        value = self.values.get(key)
        if value is None and default is not None:
            return default
        if value is not None and hasattr(value, "tolist"):  # A numpy array.
            value = value.tolist()
        if not isinstance(value, (list, tuple)):
            problem = "is missing" if value is None else f"want a list, got {type(value).__name__}"
            raise TransactionFormatError(self.place(key), problem)
        if len(value) > _INPUT_COUNT_MAX:
            raise TransactionFormatError(self.place(key), f"{len(value)} entries exceed {_INPUT_COUNT_MAX}")
        return value


def _mapping(value: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TransactionFormatError(path, f"want an object, got {type(value).__name__}")
    return value


def _hex(value: Any, path: str) -> bytes:
    if not isinstance(value, str):
        raise TransactionFormatError(path, f"want hex text, got {type(value).__name__}")
    try:
        # bytes.fromhex lets white space pass; a script with a blank in it is a wrong file.
        if len(value) % 2 == 0 and not any(character.isspace() for character in value):
            return bytes.fromhex(value)
    except ValueError:
        pass
    raise TransactionFormatError(path, "is not hex")


def _number(value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TransactionFormatError(path, f"want a number, got {type(value).__name__}")
    try:
        return float(value)
    except OverflowError:
        raise TransactionFormatError(path, "is too large") from None


def _set(message: Any, name: str, value: Optional[object]) -> None:
    """Sets a field whose absence differs from zero; None leaves it absent."""
    if value is not None:
        try:
            setattr(message, name, value)
        except (TypeError, ValueError) as error:
            raise TransactionFormatError(name, str(error)) from None
