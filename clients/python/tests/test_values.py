"""What needs no connection: addresses, frames, features, transactions, records."""

from __future__ import annotations

import importlib.util
import math
import random
import struct
from typing import Any, Dict, List, Optional

import pytest

import assay
from assay import _calls
from assay._address import Address
from assay._features import pack_rows, pack_vector
from assay._frames import FrameDecoder, encode_frame
from assay._proto.assay.v1 import assay_pb2 as pb
from assay._proto.assay.v1 import audit_pb2

needs_numpy = pytest.mark.skipif(importlib.util.find_spec("numpy") is None, reason="numpy is not installed")


@pytest.mark.parametrize(
    "text, shown",
    [("127.0.0.1:7170", "127.0.0.1:7170"), ("[::1]:1", "[::1]:1"), ("unix:/run/a", "unix:/run/a"), ("db:65535", "db:65535")],
)
def test_addresses_are_read(text: str, shown: str) -> None:
    assert str(Address.parse(text)) == shown


@pytest.mark.parametrize("text", ["", "host", "host:", "host:0", "host:65536", ":7170", "::1:7170", "unix:", "host:7x", "h:-1"])
def test_addresses_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Address.parse(text)


def test_frames_split_at_every_byte_come_out_whole() -> None:
    payloads = [b"", b"a", b"bc" * 300]
    stream = b"".join(encode_frame(payload) for payload in payloads)
    for cut in range(len(stream) + 1):
        decoder = FrameDecoder()
        assert decoder.feed(stream[:cut]) + decoder.feed(stream[cut:]) == payloads
        assert decoder.pending_byte_count == 0


def test_frame_over_the_limit_is_refused_before_its_bytes_come() -> None:
    decoder = FrameDecoder(byte_count_max=10)
    assert decoder.feed(encode_frame(b"x" * 10)) == [b"x" * 10]
    with pytest.raises(assay.ProtocolError) as caught:
        decoder.feed(struct.pack(">BI", 0, 11))
    assert caught.value.reason == "FRAME_TOO_LONG"


def test_compressed_frame_is_refused_by_its_own_error() -> None:
    with pytest.raises(assay.CompressedFrame):
        FrameDecoder().feed(b"\x01\x00\x00\x00\x00")


@pytest.mark.parametrize("flags", [2, 3, 0x80, 0xFF])
def test_unknown_frame_flags_are_refused(flags: int) -> None:
    with pytest.raises(assay.ProtocolError) as caught:
        FrameDecoder().feed(bytes([flags, 0, 0, 0, 0]))
    assert caught.value.reason == "BAD_FLAGS"


def test_random_bytes_never_raise_anything_else() -> None:
    seed = 20260921
    generator = random.Random(seed)
    for _ in range(2000):
        data = bytes(generator.choices(range(256), [20] + [1] * 255, k=generator.randrange(40)))
        try:
            for payload in FrameDecoder(1 << 10).feed(data):
                _calls.parse_reply(payload)
        except assay.ProtocolError:
            pass


# -- Features


def test_none_and_nan_are_both_missing() -> None:
    values = struct.unpack("<4f", pack_vector([1, None, math.nan, 2.5], 32))
    assert values[0] == 1 and values[3] == 2.5 and math.isnan(values[1]) and math.isnan(values[2])


def test_features_take_the_width_asked_for() -> None:
    assert pack_vector((0.1, 2), 64) == struct.pack("<2d", 0.1, 2)
    assert pack_vector(range(3), 32) == struct.pack("<3f", 0, 1, 2)
    assert pack_vector([math.inf], 32) == struct.pack("<f", math.inf)


@pytest.mark.parametrize(
    "values, error, place",
    [
        (["1"], TypeError, r"features\[0\]"), ([0.0, object()], TypeError, r"features\[1\]"), ("12", TypeError, "features"),
        ([1.0, 1e39], ValueError, r"features\[1\]"), ([10**400], ValueError, r"features\[0\]"), (5, TypeError, "features"),
    ],
)
def test_wrong_features_are_named_by_their_place(values: Any, error: type, place: str) -> None:
    with pytest.raises(error, match=place):
        pack_vector(values, 32)


def test_rows_of_different_length_are_refused() -> None:
    assert pack_rows([[1, 2], (3, None)], 32)[1] == 2
    with pytest.raises(ValueError, match=r"rows\[1\] has 1 values, rows\[0\] has 2"):
        pack_rows([[1, 2], [3]], 32)


@needs_numpy
def test_arrays_of_any_type_and_order_are_packed_like_lists() -> None:
    import numpy

    table = numpy.arange(6, dtype=numpy.float64).reshape(2, 3)
    expected = struct.pack("<6f", *range(6))
    for array in (table, numpy.asfortranarray(table), table.astype(">f4"), table.astype("i2"), table[:, ::-1][:, ::-1]):
        assert pack_rows(array, 32) == (expected, 2)
    assert pack_vector(numpy.array([1.0, None], dtype=object), 64)[:8] == struct.pack("<d", 1)
    assert pack_rows([table[0], [3, 4, 5]], 32) == (expected, 2)


@needs_numpy
def test_arrays_of_wrong_shape_or_type_are_refused() -> None:
    import numpy

    with pytest.raises(ValueError, match="1 dimension"):
        pack_vector(numpy.zeros((1, 2)), 32)
    with pytest.raises(ValueError, match="too large"):
        pack_vector(numpy.array([1e39]), 32)
    with pytest.raises(TypeError, match="dtype"):
        pack_vector(numpy.array(["a"]), 32)


def test_spliced_features_are_what_protobuf_would_have_written() -> None:
    values = [float(index) for index in range(100)]
    for precision, field in ((32, "features32"), (64, "features64")):
        call = _calls.score(
            "cards", values, None, precision=precision, transaction_id="t", version=2, alias="a", deadline=None, explain=3,
            include_raw=True, caller="c", durability="disk",
        )
        want = pb.ScoreRequest(
            bundle="cards", transaction_id="t", version=2, alias="a", explain=3, include_raw=True, caller="c",
            durability=pb.DURABILITY_DISK,
        )
        getattr(want, field).extend(values)
        assert call.request.score == want


def test_durability_is_what_the_caller_says_or_the_server() -> None:
    for name, value in ((None, pb.DURABILITY_UNSPECIFIED), ("memory", pb.DURABILITY_MEMORY), ("disk", pb.DURABILITY_DISK)):
        call = _calls.score_batch(
            "cards", [[1.0]], precision=32, transaction_ids=None, version=0, alias="", deadline=None, include_raw=False, caller="",
            durability=name,
        )
        assert call.request.score_batch.durability == value
    with pytest.raises(ValueError, match="durability"):
        _calls.score_batch(
            "cards", [[1.0]], precision=32, transaction_ids=None, version=0, alias="", deadline=None, include_raw=False, caller="",
            durability="tape",
        )


def test_features_and_transaction_exclude_each_other() -> None:
    for features, transaction in ((None, None), ([1.0], pb.CardTransaction())):
        with pytest.raises(ValueError, match="exactly one"):
            _calls.score(
                "cards", features, transaction, precision=32, transaction_id="", version=0, alias="", deadline=None, explain=0,
                include_raw=False, caller="",
            )


# -- Records and enums


def test_void_record_says_why() -> None:
    void = audit_pb2.VoidRange(first=7, last=9, cause=audit_pb2.VOID_CAUSE_MEMORY_LOST)
    record = audit_pb2.AuditRecord(sequence=7, void_range=void)
    assert _calls.audit_record(record.SerializeToString()).void == assay.VoidRange(7, 9, "MEMORY_LOST")


def test_damaged_record_is_a_protocol_error() -> None:
    for data in (b"\xff", audit_pb2.AuditRecord(features32=b"abc").SerializeToString()):
        with pytest.raises(assay.ProtocolError):
            _calls.audit_record(data)


def test_unknown_outcome_never_approves() -> None:
    assert assay.Outcome(99) is assay.Outcome.UNSPECIFIED
    assert not _calls._decision(pb.Decision(outcome=99)).approved  # type: ignore[arg-type]


# -- Transactions


def esplora() -> Dict[str, Any]:
    return {
        "txid": "ab" * 32, "version": 2, "locktime": 0, "size": 222, "weight": 561, "fee": 1220,
        "vin": [
            {
                "txid": "cd" * 32, "vout": 1, "scriptsig": "", "witness": ["3044", "02"], "is_coinbase": False,
                "sequence": 4294967293,
                "prevout": {"scriptpubkey": "0014" + "00" * 20, "scriptpubkey_type": "v0_p2wpkh", "value": 10740},
            }
        ],
        "vout": [
            {"scriptpubkey": "a914" + "00" * 20 + "87", "scriptpubkey_type": "p2sh", "scriptpubkey_address": "3x", "value": 9520},
            {"scriptpubkey": "6a00", "scriptpubkey_type": "op_return", "value": 0},
        ],
    }


def test_esplora_transaction_keeps_everything_and_invents_nothing() -> None:
    message = assay.bitcoin_transaction_from_esplora(esplora())
    assert (message.txid, message.tx_version, message.fee, message.size, message.weight) == (b"\xab" * 32, 2, 1220, 222, 561)
    assert message.HasField("locktime") and not message.HasField("vsize") and not message.HasField("rbf")
    spent = message.inputs[0]
    assert (spent.prevout_txid, spent.prevout_index, spent.sequence, spent.value) == (b"\xcd" * 32, 1, 4294967293, 10740)
    assert spent.script_pubkey.hex() == "0014" + "00" * 20 and spent.has_scripts and list(spent.witness) == [b"0D", b"\x02"]
    assert not spent.HasField("age_blocks")
    assert [output.value for output in message.outputs] == [9520, 0] and message.outputs[1].HasField("value")
    assert message.outputs[1].script_pubkey == b"\x6a\x00" and message.outputs[1].has_script


def test_what_esplora_does_not_tell_can_be_added() -> None:
    message = assay.bitcoin_transaction_from_esplora(esplora(), first_seen_us=5, rbf=False, input_ages_blocks=[12])
    assert message.first_seen_us == 5 and message.HasField("rbf") and not message.rbf and message.inputs[0].age_blocks == 12
    with pytest.raises(assay.TransactionFormatError, match="2 ages for 1 inputs"):
        assay.bitcoin_transaction_from_esplora(esplora(), input_ages_blocks=[1, 2])


def test_unknown_prevout_and_absent_values_stay_missing() -> None:
    source = esplora()
    source["vin"][0]["prevout"] = None
    del source["vin"][0]["scriptsig"], source["vout"][0]["value"], source["fee"]
    message = assay.bitcoin_transaction_from_esplora(source)
    assert not message.inputs[0].HasField("value") and not message.inputs[0].has_scripts
    assert not message.outputs[0].HasField("value") and not message.HasField("fee")


@pytest.mark.parametrize(
    "script, script_sig, whole",
    [
        ("76a914" + "00" * 20 + "88ac", "00", True), ("0014" + "00" * 20, "", False), ("5120" + "00" * 32, "", False),
        ("a914" + "00" * 20 + "87", "160014" + "00" * 20, False), ("a914" + "00" * 20 + "87", "0000", True),
        ("a914" + "00" * 20 + "87", "", True), ("", "00", False),
    ],
)
def test_left_out_witness_is_empty_only_where_none_can_be(script: str, script_sig: str, whole: bool) -> None:
    source = esplora()
    source["vin"][0]["scriptsig"] = script_sig
    source["vin"][0]["prevout"]["scriptpubkey"] = script
    del source["vin"][0]["witness"]
    spent = assay.bitcoin_transaction_from_esplora(source).inputs[0]
    assert (spent.has_scripts, spent.has_script_sig) == (whole, not whole)
    source["vin"][0]["witness"] = []
    assert assay.bitcoin_transaction_from_esplora(source).inputs[0].has_scripts


def test_stated_script_type_counts_where_there_is_no_script() -> None:
    source = esplora()
    source["vout"] = [
        {"scriptpubkey_type": name, "value": 1} for name in ("v1_p2tr", "op_return", "unknown")
    ] + [{"scriptpubkey": "51024e73", "scriptpubkey_type": "unknown", "value": 1}, {"value": 1}]
    types = [output.script_type for output in assay.bitcoin_transaction_from_esplora(source).outputs]
    assert types == [
        pb.BITCOIN_SCRIPT_TYPE_P2TR, pb.BITCOIN_SCRIPT_TYPE_OP_RETURN, pb.BITCOIN_SCRIPT_TYPE_NONSTANDARD,
        pb.BITCOIN_SCRIPT_TYPE_UNSPECIFIED, pb.BITCOIN_SCRIPT_TYPE_UNSPECIFIED,
    ]


@pytest.mark.parametrize(
    "path, value, problem",
    [
        (["txid"], "ab", "txid: want 32 bytes"), (["txid"], "zz" * 32, "txid: is not hex"), (["vin"], None, "vin: is missing"),
        (["vout"], {}, "vout: want a list"), (["fee"], -1, "fee: -1 is outside"), (["fee"], 1.5, "fee: want an integer"),
        (["vin", 0], 3, r"vin\[0\]: want an object"), (["vin", 0, "witness", 1], "0", r"vin\[0\].witness\[1\]: is not hex"),
        (["vin", 0, "prevout", "value"], True, r"vin\[0\].prevout.value: want an integer"),
        (["vin", 0, "sequence"], 1 << 32, r"vin\[0\].sequence: 4294967296 is outside"),
        (["vin", 0, "is_coinbase"], 1, r"vin\[0\].is_coinbase: want true or false"),
        (["vout", 1, "scriptpubkey"], "6a 0", r"vout\[1\].scriptpubkey: is not hex"),
    ],
)
def test_wrong_esplora_transactions_are_refused_at_their_place(path: List[Any], value: Any, problem: str) -> None:
    source: Any = esplora()
    target = source
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    with pytest.raises(assay.TransactionFormatError, match=problem) as caught:
        assay.bitcoin_transaction_from_esplora(source)
    assert isinstance(caught.value, ValueError) and str(caught.value).startswith(caught.value.path)


def test_card_transaction_from_dict() -> None:
    message = assay.card_transaction(
        {"amount_minor": 0, "currency": "EUR", "components": [0.5, None], "entry_mode": "chip", "elapsed_seconds": 3}
    )
    assert message.HasField("amount_minor") and not message.HasField("time_us") and message.currency == "EUR"
    assert message.components[0] == 0.5 and math.isnan(message.components[1])
    assert message.entry_mode == pb.CARD_ENTRY_MODE_CHIP and message.elapsed_seconds == 3


@pytest.mark.parametrize(
    "source, problem",
    [
        ({"amuont_minor": 1}, "amuont_minor: unknown key"), ({"amount_minor": 1.5}, "amount_minor: want an integer"),
        ({"currency": "eur"}, "currency: want 3 capital letters"), ({"entry_mode": "psychic"}, "entry_mode: want one of"),
        ({"components": [1, "x"]}, r"components\[1\]: want a number"), ({"merchant_category": 10000}, "outside 0 ... 9999"),
        ({"components": 3}, "components: want a list"), ([], "transaction: want an object"),
    ],
)
def test_wrong_card_transactions_are_refused(source: Any, problem: str) -> None:
    with pytest.raises(assay.TransactionFormatError, match=problem):
        assay.card_transaction(source)


def test_every_status_has_an_error_class() -> None:
    from assay.errors import _BY_STATUS

    assert set(_BY_STATUS) == set(pb.Status.values()) - {pb.STATUS_OK}


def test_personal_data_goes_with_its_request() -> None:
    ada = assay.PersonalData(subject="ada", account="1", device="2", free_text="3")
    call = _calls.score(
        "cards", [1.0], None, precision=32, transaction_id="", version=0, alias="", deadline=None, explain=0, include_raw=False,
        caller="", personal=ada,
    )
    want = pb.PersonalData(subject="ada", account="1", device="2", free_text="3")
    assert call.request.score.personal == want

    def batch(personal: list[Optional[assay.PersonalData]]) -> _calls.Call[assay.BatchDecision]:
        return _calls.score_batch(
            "cards", [[1.0], [2.0]], precision=32, transaction_ids=None, version=0, alias="", deadline=None, include_raw=False,
            caller="", personal=personal,
        )

    assert list(batch([None, ada]).request.score_batch.personal) == [pb.PersonalData(), want]
    with pytest.raises(ValueError, match="personal: 1 for 2 rows"):
        batch([ada])
