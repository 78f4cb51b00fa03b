"""Every method of the contract as a value: the request to send and how to read its reply. Both clients send the same calls."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass
from typing import Any, Callable, Generic, Iterable, Optional, Sequence, Tuple, TypeVar, Union

from . import types
from ._features import FeatureRows, FeatureVector, pack_rows, pack_vector
from ._proto.assay.v1 import assay_pb2 as pb
from ._proto.assay.v1 import audit_pb2
from .errors import InvalidArgument, ProtocolError, status_error

T = TypeVar("T")

PROTOCOL_VERSION = 1

Transaction = Union[pb.BitcoinTransaction, pb.CardTransaction]

# Tags of ScoreRequest and ScoreBatchRequest: fields 2 and 3, length-delimited. Packed floats are spliced in as bytes, which costs
# no Python object per value and keeps the bits of every NaN.
_FEATURES_TAG = {32: b"\x12", 64: b"\x1a"}


_DURABILITIES = {"memory": pb.DURABILITY_MEMORY, "disk": pb.DURABILITY_DISK}


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request and the reading of its reply.

    ``idempotent``: carrying it out twice leaves nothing behind that once would not. Scores (an audit record each), alias moves and
    rollbacks (history) are not.
    """

    request: pb.Request
    result: str
    read: Callable[[Any], T]
    idempotent: bool = True

    def value(self, reply: pb.Reply) -> T:
        """The reply's result; raises the typed error of its status."""
        if reply.status != pb.STATUS_OK:
            raise status_error(reply.status, reply.error.reason, reply.error.text, reply.error.retry_after_us)
        if reply.WhichOneof("result") != self.result:
            raise ProtocolError(
                f"the reply carries {reply.WhichOneof('result')!r} where {self.result!r} was asked for", reason="WRONG_RESULT",
                maybe_executed=True,
            )
        return self.read(getattr(reply, self.result))


# What score and score_batch hand to the client: the call for 32 or 64 bits a feature.
ByPrecision = Callable[[int], Call[T]]


def is_precision_refusal(refusal: InvalidArgument) -> bool:
    """Whether the server refused the request for the width of its floats."""
    return refusal.reason == "PRECISION"


def parse_reply(payload: bytes) -> pb.Reply:
    """The reply in a frame's payload. Raises ProtocolError."""
    try:
        return pb.Reply.FromString(payload)
    except Exception as error:  # protobuf's DecodeError; its class differs between implementations
        raise ProtocolError(
            f"a frame of {len(payload)} bytes holds no Reply", reason="BAD_REPLY", maybe_executed=True
        ) from error


def deadline_us(seconds_from_now: Optional[float]) -> int:
    """The absolute deadline of the wire: Unix microseconds, 0 for none."""
    if seconds_from_now is None:
        return 0
    return max(1, int((time.time() + seconds_from_now) * 1e6))


# ---------------------------------------------------------------------------------------------------------------------------------
# Scoring


def score(
    bundle: str, features: Optional[FeatureVector], transaction: Optional[Transaction], *, precision: int, transaction_id: str,
    version: int, alias: str, deadline: Optional[float], explain: int, include_raw: bool, caller: str,
    durability: Optional[str] = None,
    personal: Optional[types.PersonalData] = None,
) -> Call[types.Decision]:
    if (features is None) == (transaction is None):
        raise ValueError("want exactly one of features and transaction")
    request = pb.Request(deadline_us=deadline_us(deadline))
    body = request.score
    body.bundle = bundle
    body.transaction_id = transaction_id
    body.alias = alias
    body.version = version
    body.explain = explain
    body.include_raw = include_raw
    body.caller = caller
    body.durability = _durability(durability)
    if personal is not None:
        body.personal.CopyFrom(_personal(personal))
    if features is not None:
        _splice_features(body, pack_vector(features, precision), precision)
    elif isinstance(transaction, pb.BitcoinTransaction):
        body.bitcoin.CopyFrom(transaction)
    elif isinstance(transaction, pb.CardTransaction):
        body.card.CopyFrom(transaction)
    else:
        raise TypeError(
            f"transaction: want a BitcoinTransaction or a CardTransaction, got {type(transaction).__name__}; "
            "assay.bitcoin_transaction_from_esplora and assay.card_transaction build one from a dict"
        )
    return Call(request, "decision", _decision, idempotent=False)


def _durability(name: Optional[str]) -> pb.Durability:
    if name is None:
        return pb.DURABILITY_UNSPECIFIED
    if name not in _DURABILITIES:
        raise ValueError(f'durability: want "memory", "disk" or None (as the server is set), got {name!r}')
    return _DURABILITIES[name]


def score_batch(
    bundle: str, rows: FeatureRows, *, precision: int, transaction_ids: Optional[Sequence[str]], version: int, alias: str,
    deadline: Optional[float], include_raw: bool, caller: str, durability: Optional[str] = None,
    personal: Optional[Sequence[Optional[types.PersonalData]]] = None,
) -> Call[types.BatchDecision]:
    packed, row_count = pack_rows(rows, precision)
    if row_count == 0:
        raise ValueError("rows: want at least one")
    if transaction_ids is not None and len(transaction_ids) != row_count:
        raise ValueError(f"transaction_ids: {len(transaction_ids)} for {row_count} rows")
    if personal is not None and len(personal) != row_count:
        raise ValueError(f"personal: {len(personal)} for {row_count} rows")
    request = pb.Request(deadline_us=deadline_us(deadline))
    body = request.score_batch
    body.bundle = bundle
    body.row_count = row_count
    body.alias = alias
    body.version = version
    body.include_raw = include_raw
    body.caller = caller
    body.durability = _durability(durability)
    if transaction_ids is not None:
        body.transaction_ids.extend(transaction_ids)
    if personal is not None:
        body.personal.extend(pb.PersonalData() if entry is None else _personal(entry) for entry in personal)
    _splice_features(body, packed, precision)
    return Call(request, "score_batch", lambda reply: _batch_decision(reply, row_count), idempotent=False)


def _personal(personal: types.PersonalData) -> pb.PersonalData:
    return pb.PersonalData(
        subject=personal.subject, account=personal.account, device=personal.device, free_text=personal.free_text
    )


def _splice_features(body: Union[pb.ScoreRequest, pb.ScoreBatchRequest], packed: bytes, precision: int) -> None:
    if packed:
        body.MergeFromString(_FEATURES_TAG[precision] + _varint(len(packed)) + packed)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _decision(reply: pb.Decision) -> types.Decision:
    return types.Decision(
        score=reply.score, outcome=types.Outcome(reply.outcome), stage=types.Stage(reply.stage), bundle=reply.bundle,
        version=reply.version, digest=reply.digest.hex(), audit_sequence=reply.audit_sequence, server_ns=reply.server_ns,
        scores=tuple(reply.scores), raw=tuple(reply.raw), reasons=_reasons(reply.reasons), unproven=reply.unproven,
    )


def _reasons(reasons: Iterable[pb.Reason]) -> Tuple[types.Reason, ...]:
    return tuple(
        types.Reason(
            code=reason.code, feature=reason.feature, value=reason.value, threshold=reason.threshold,
            contribution=reason.contribution, text=reason.text,
        )
        for reason in reasons
    )


def _batch_decision(reply: pb.ScoreBatchReply, row_count: int) -> types.BatchDecision:
    if len(reply.scores) != row_count or len(reply.outcomes) != row_count:
        raise ProtocolError(
            f"{len(reply.scores)} scores and {len(reply.outcomes)} outcomes for {row_count} rows", reason="BAD_REPLY",
            maybe_executed=True,
        )
    return types.BatchDecision(
        scores=tuple(reply.scores), outcomes=tuple(types.Outcome(outcome) for outcome in reply.outcomes),
        stage=types.Stage(reply.stage), bundle=reply.bundle, version=reply.version, digest=reply.digest.hex(),
        audit_sequence_first=reply.audit_sequence_first, server_ns=reply.server_ns,
        all_scores=_matrix(reply.all_scores, row_count), raw=_matrix(reply.raw, row_count), unproven=reply.unproven,
    )


def _matrix(values: Sequence[float], row_count: int) -> Tuple[Tuple[float, ...], ...]:
    if not values:
        return ()
    columns, rest = divmod(len(values), row_count)
    if rest:
        raise ProtocolError(f"{len(values)} values for {row_count} rows", reason="BAD_REPLY", maybe_executed=True)
    return tuple(tuple(values[row * columns:(row + 1) * columns]) for row in range(row_count))


def get_decision(sequence: Optional[int], transaction_id: str) -> Call[types.AuditRecord]:
    if (sequence is None) == (not transaction_id):
        raise ValueError("want either a sequence or a transaction_id")
    request = pb.Request()
    request.get_decision.audit_sequence = sequence or 0
    if transaction_id:
        request.get_decision.transaction_id = transaction_id
        request.get_decision.limit = 1
    return Call(request, "get_decision", lambda reply: audit_record(reply.record))


def find_decisions(transaction_id: str, limit: int) -> Call[Tuple[types.AuditRecord, ...]]:
    if not transaction_id:
        raise ValueError("transaction_id: want one that is not empty")
    request = pb.Request()
    request.get_decision.transaction_id = transaction_id
    request.get_decision.limit = limit
    return Call(request, "get_decision", lambda reply: tuple(audit_record(record) for record in reply.records))


def audit_record(record: bytes) -> types.AuditRecord:
    """Decodes an assay.v1.AuditRecord. Raises ProtocolError."""
    try:
        message = audit_pb2.AuditRecord.FromString(record)
        bitcoin = pb.BitcoinTransaction.FromString(message.bitcoin) if message.bitcoin else None
        card = pb.CardTransaction.FromString(message.card) if message.card else None
        features = _floats(message.features64, "d") or _floats(message.features32, "f")
        scores = _floats(message.scores, "d")
    except Exception as error:  # protobuf's DecodeError or struct.error
        raise ProtocolError(f"{len(record)} bytes hold no AuditRecord", reason="BAD_RECORD") from error
    void = None
    if message.HasField("void_range"):
        cause = audit_pb2.VoidCause.Name(message.void_range.cause) if message.void_range.cause in (0, 1, 2) else "VOID_CAUSE_UNSPECIFIED"
        void = types.VoidRange(first=message.void_range.first, last=message.void_range.last, cause=cause[len("VOID_CAUSE_"):])
    return types.AuditRecord(
        sequence=message.sequence, time_ns=message.time_ns, bundle=message.bundle, version=message.version,
        digest=message.digest.hex(), features=features,
        precision=64 if message.features64 else 32 if message.features32 else 0, score=message.score, scores=scores,
        outcome=types.Outcome(message.outcome), stage=types.Stage(message.stage), reasons=_reasons(message.reasons),
        transaction_id=message.transaction_id, caller=message.caller, request_id=message.request_id,
        server_ns=message.server_ns, alias=message.alias, unproven=message.unproven, bitcoin=bitcoin, card=card, void=void,
        sealed_personal=message.sealed_personal, subject_ref=message.subject_ref.hex(),
        record=record,
    )


def _floats(data: bytes, code: str) -> Tuple[float, ...]:
    return struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data)


# ---------------------------------------------------------------------------------------------------------------------------------
# Models


def list_models() -> Call[Tuple[types.ModelVersion, ...]]:
    request = pb.Request()
    request.list_models.SetInParent()
    return Call(request, "list_models", lambda reply: tuple(_model(model) for model in reply.models))


def _model(model: pb.ModelVersion) -> types.ModelVersion:
    return types.ModelVersion(
        bundle=model.bundle, version=model.version, digest=model.digest.hex(), aliases=tuple(model.aliases),
        unproven=model.unproven, refused=model.refused,
    )


def describe_model(bundle: str, *, version: int, alias: str) -> Call[types.ModelDescription]:
    request = pb.Request()
    request.describe_model.bundle = bundle
    request.describe_model.version = version
    request.describe_model.alias = alias
    return Call(request, "describe_model", _description)


def _description(reply: pb.DescribeModelReply) -> types.ModelDescription:
    return types.ModelDescription(
        model=_model(reply.model),
        features=tuple(
            types.Feature(name=item.name, type=item.type, missing_allowed=item.missing_allowed, source=item.source)
            for item in reply.features
        ),
        output_count=reply.output_count, precision=64 if reply.precision_bits == 64 else 32,
        review_threshold=reply.review_threshold, decline_threshold=reply.decline_threshold,
        deciding_output=reply.deciding_output, objective=reply.objective, tree_count=reply.tree_count,
        node_count=reply.node_count, byte_count=reply.byte_count, golden_row_count=reply.golden_row_count,
        provenance=tuple((item.key, item.value) for item in reply.provenance),
    )


def fetch_bundle_piece(bundle: str, *, version: int, alias: str, offset: int) -> Call[pb.FetchBundleReply]:
    request = pb.Request()
    request.fetch_bundle.bundle = bundle
    request.fetch_bundle.version = version
    request.fetch_bundle.alias = alias
    request.fetch_bundle.offset = offset
    return Call(request, "fetch_bundle", lambda reply: reply)


def set_alias(bundle: str, alias: str, version: int, *, who: str, why: str) -> Call[types.AliasMove]:
    request = pb.Request()
    body = request.set_alias
    body.bundle, body.alias, body.version, body.who, body.why = bundle, alias, version, who, why
    return Call(request, "set_alias", _alias_move, idempotent=False)


def rollback(bundle: str, alias: str, *, who: str, why: str) -> Call[types.AliasMove]:
    request = pb.Request()
    body = request.rollback
    body.bundle, body.alias, body.who, body.why = bundle, alias, who, why
    return Call(request, "rollback", _alias_move, idempotent=False)


def _alias_move(reply: Union[pb.SetAliasReply, pb.RollbackReply]) -> types.AliasMove:
    return types.AliasMove(previous_version=reply.previous_version, version=reply.version)


# ---------------------------------------------------------------------------------------------------------------------------------
# Connection and server


def hello(client_name: str, client_version: str) -> Call[types.ServerInfo]:
    request = pb.Request()
    body = request.hello
    body.protocol = PROTOCOL_VERSION
    body.client_name, body.client_version, body.accepts_lz4 = client_name, client_version, False
    return Call(request, "hello", _server_info)


def _server_info(reply: pb.HelloReply) -> types.ServerInfo:
    return types.ServerInfo(
        protocol=reply.protocol, server_version=reply.server_version, server_id=reply.server_id.hex(),
        frame_bytes_max=reply.frame_bytes_max, in_flight_max=reply.in_flight_max, batch_rows_max=reply.batch_rows_max,
    )


def health() -> Call[types.Health]:
    request = pb.Request()
    request.health.SetInParent()
    return Call(request, "health", _health)


def _health(reply: pb.HealthReply) -> types.Health:
    return types.Health(
        ready=reply.ready,
        reasons=tuple(
            types.HealthReason(code=reason.code, text=reason.text, blocking=reason.blocking) for reason in reply.reasons
        ),
    )


def stats() -> Call[types.Stats]:
    request = pb.Request()
    request.stats.SetInParent()
    return Call(request, "stats", _stats)


def _stats(reply: pb.StatsReply) -> types.Stats:
    return types.Stats(
        uptime_us=reply.uptime_us, connections_open=reply.connections_open, connections_total=reply.connections_total,
        requests_total=reply.requests_total, decisions_total=reply.decisions_total, errors_total=reply.errors_total,
        audit_sequence_last=reply.audit_sequence_last, audit_sequence_durable=reply.audit_sequence_durable,
        audit_backlog_bytes=reply.audit_backlog_bytes, audit_sequence_shipped=reply.audit_sequence_shipped,
        swaps_total=reply.swaps_total, decisions_by_outcome=tuple(reply.decisions_by_outcome),
    )
