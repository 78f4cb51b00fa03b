"""What the clients return: frozen dataclasses, digests as lower-case hex, times in the units their names end with."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Iterator, Optional, Tuple

from ._proto.assay.v1 import assay_pb2 as pb

__all__ = [
    "AliasMove",
    "AuditRecord",
    "BatchDecision",
    "BitcoinTransaction",
    "CardTransaction",
    "Decision",
    "Feature",
    "FetchedBundle",
    "Health",
    "HealthReason",
    "ModelDescription",
    "ModelVersion",
    "Outcome",
    "PersonalData",
    "Reason",
    "ServerInfo",
    "Stage",
    "Stats",
    "VoidRange",
]

# A typed transaction is its protobuf message; the builders in assay.transactions make one from a dict.
BitcoinTransaction = pb.BitcoinTransaction
CardTransaction = pb.CardTransaction


class Outcome(enum.IntEnum):
    """What to do with the transaction. Only APPROVE lets it pass: a value this version does not know reads as UNSPECIFIED."""

    UNSPECIFIED = 0
    APPROVE = 1
    REVIEW = 2
    DECLINE = 3

    @classmethod
    def _missing_(cls, value: object) -> "Outcome":
        return cls.UNSPECIFIED


class Stage(enum.IntEnum):
    """The step of the cascade that answered."""

    UNSPECIFIED = 0
    ONLINE = 1
    BATCH = 2
    HEURISTIC = 3

    @classmethod
    def _missing_(cls, value: object) -> "Stage":
        return cls.UNSPECIFIED


@dataclass(frozen=True)
class Reason:
    """Why: a threshold that the score met (SCORE_AT_LEAST_…), or a feature's share of the raw score (FEATURE)."""

    code: str
    feature: str = ""
    value: float = 0.0
    threshold: float = 0.0
    contribution: float = 0.0
    text: str = ""


@dataclass(frozen=True)
class Decision:
    """The full answer to one score request."""

    score: float
    outcome: Outcome
    stage: Stage
    bundle: str
    version: int
    # SHA-256 of the bundle file.
    digest: str
    # Number of the decision's record in the server's audit trail; 0: it has none (the server's `audit` is drop or off).
    audit_sequence: int
    # Server time from the request's bytes being read to the decision; in a batch, that of the whole batch.
    server_ns: int
    # All outputs when the bundle has more than one, else empty.
    scores: Tuple[float, ...] = ()
    # Margins before the objective's transform, one per output, when include_raw was set.
    raw: Tuple[float, ...] = ()
    reasons: Tuple[Reason, ...] = ()
    # The bundle was registered without golden rows.
    unproven: bool = False

    @property
    def approved(self) -> bool:
        return self.outcome is Outcome.APPROVE


@dataclass(frozen=True)
class BatchDecision:
    """The decisions of one batch, by columns; indexing and iterating give one Decision per row."""

    scores: Tuple[float, ...]
    outcomes: Tuple[Outcome, ...]
    stage: Stage
    bundle: str
    version: int
    digest: str
    # The rows' records are audit_sequence_first, +1, +2 …; 0: they have none (see Decision).
    audit_sequence_first: int
    server_ns: int
    # [rows][outputs], when the bundle has more than one output, else empty.
    all_scores: Tuple[Tuple[float, ...], ...] = ()
    # [rows][outputs], when include_raw was set, else empty.
    raw: Tuple[Tuple[float, ...], ...] = ()
    unproven: bool = False

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, index: int) -> Decision:
        row = range(len(self.scores))[index]
        return Decision(
            score=self.scores[row], outcome=self.outcomes[row], stage=self.stage, bundle=self.bundle, version=self.version,
            digest=self.digest, audit_sequence=self.audit_sequence_first + row if self.audit_sequence_first else 0, server_ns=self.server_ns,
            scores=self.all_scores[row] if self.all_scores else (), raw=self.raw[row] if self.raw else (),
            unproven=self.unproven,
        )

    def __iter__(self) -> Iterator[Decision]:
        return (self[row] for row in range(len(self)))


@dataclass(frozen=True)
class VoidRange:
    """Audit numbers first … last that were given to no acknowledged decision."""

    first: int
    last: int
    # PROCESS_DIED or MEMORY_LOST.
    cause: str


@dataclass(frozen=True)
class PersonalData:
    """What must be erasable: never used for scoring, sealed in the audit trail under the subject's own key."""

    # Your pseudonymous id of the person whom all of this is about, 1-128 bytes; erasure goes by it.
    subject: str
    # Up to 128 bytes each.
    account: str = ""
    device: str = ""
    # Up to 1024 bytes.
    free_text: str = ""


@dataclass(frozen=True)
class AuditRecord:
    """What the audit trail keeps of a decision."""

    sequence: int
    time_ns: int
    bundle: str
    version: int
    digest: str
    # As scored; NaN is missing. precision is 32 or 64, 0 when there are none.
    features: Tuple[float, ...]
    precision: int
    score: float
    scores: Tuple[float, ...]
    outcome: Outcome
    stage: Stage
    reasons: Tuple[Reason, ...]
    transaction_id: str
    caller: str
    request_id: int
    server_ns: int
    # Alias by which the version was found; empty: the request named the version.
    alias: str
    unproven: bool
    # The typed transaction as the server received it, None for a vector.
    bitcoin: Optional[pb.BitcoinTransaction] = field(default=None, compare=False)
    card: Optional[pb.CardTransaction] = field(default=None, compare=False)
    # Set when the record holds no decision.
    void: Optional[VoidRange] = None
    # Personal data as it is kept (encrypted), and what stands for its subject (hex); empty: the request had none.
    sealed_personal: bytes = b""
    subject_ref: str = ""
    # The record byte for byte as it is in the journal (assay.v1.AuditRecord).
    record: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class ModelVersion:
    """One version of one bundle in the server's registry."""

    bundle: str
    version: int
    # Empty when the bundle was refused.
    digest: str
    aliases: Tuple[str, ...]
    unproven: bool
    # Empty when admitted, else why it was refused.
    refused: str


@dataclass(frozen=True)
class Feature:
    """One feature of a bundle's schema."""

    name: str
    # float, integer, boolean or categorical.
    type: str
    missing_allowed: bool
    # What it is derived from in a typed transaction ("bitcoin.fee_rate"); empty: it comes in vectors only.
    source: str


@dataclass(frozen=True)
class ModelDescription:
    """A bundle's schema, thresholds and size. ``precision`` is 32 or 64: the floats the bundle takes."""

    model: ModelVersion
    features: Tuple[Feature, ...]
    output_count: int
    precision: int
    review_threshold: float
    decline_threshold: float
    deciding_output: int
    objective: str
    tree_count: int
    node_count: int
    byte_count: int
    golden_row_count: int
    provenance: Tuple[Tuple[str, str], ...]


@dataclass(frozen=True)
class FetchedBundle:
    """A bundle file as the server scores with it; its SHA-256 was checked against ``digest``."""

    version: int
    digest: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class AliasMove:
    """Where an alias pointed (0: it is new) and where it points now."""

    previous_version: int
    version: int


@dataclass(frozen=True)
class HealthReason:
    code: str
    text: str
    # The server is not ready because of this one; others are warnings.
    blocking: bool


@dataclass(frozen=True)
class Health:
    ready: bool
    reasons: Tuple[HealthReason, ...]


@dataclass(frozen=True)
class Stats:
    """Counters of the server since its start; the fields of assay.v1.StatsReply."""

    uptime_us: int
    connections_open: int
    connections_total: int
    requests_total: int
    decisions_total: int
    errors_total: int
    audit_sequence_last: int
    audit_sequence_durable: int
    audit_backlog_bytes: int
    audit_sequence_shipped: int
    swaps_total: int
    # In the order of the server's Outcome numbers, as sent.
    decisions_by_outcome: Tuple[int, ...]


@dataclass(frozen=True)
class ServerInfo:
    """The server's answer to Hello: what it is and its limits."""

    protocol: int
    server_version: str
    # Identity of the server's audit trail, hex.
    server_id: str
    frame_bytes_max: int
    in_flight_max: int
    batch_rows_max: int
