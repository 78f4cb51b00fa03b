"""Records as plain values: the columns of the exports."""

from __future__ import annotations

import datetime
import math
import struct
from dataclasses import dataclass
from typing import Any, Iterator, Optional, Union

from .._proto.assay.v1 import assay_pb2, audit_pb2
from ._directory import Block, Directory, Unreadable, parse_record
from ._format import KIND_RECORDS


@dataclass
class Reading:
    """Goes over a journal's records; `unreadable` counts the places that were passed over."""

    directory: Directory
    first: int = 1
    last: Optional[int] = None
    unreadable: int = 0

    def records(self, voids: bool = False) -> Iterator[audit_pb2.AuditRecord]:
        for block in self.directory.blocks(self.first):
            if isinstance(block, Unreadable):
                self.unreadable += 1
                continue
            if self.last is not None and block.header.first > self.last:
                return
            yield from self._records(block, voids)

    def _records(self, block: Block, voids: bool) -> Iterator[audit_pb2.AuditRecord]:
        records = block.records()
        if records is None:
            self.unreadable += 1
            return
        if block.header.kind != KIND_RECORDS and not voids:
            return
        for sequence, data in enumerate(records, block.header.first):
            if block.header.kind == KIND_RECORDS and (sequence < self.first or (self.last is not None and sequence > self.last)):
                continue
            record = parse_record(data)
            if record is None:
                self.unreadable += 1
            else:
                yield record


def floats(record: audit_pb2.AuditRecord) -> list[float]:
    """The features as scored, missing ones as NaN."""
    if record.features64:
        return list(struct.unpack(f"<{len(record.features64) // 8}d", record.features64[: len(record.features64) // 8 * 8]))
    return list(struct.unpack(f"<{len(record.features32) // 4}f", record.features32[: len(record.features32) // 4 * 4]))


def time_of(record: audit_pb2.AuditRecord) -> datetime.datetime:
    """To the microsecond, UTC."""
    return datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(microseconds=record.time_ns // 1000)


def row(record: audit_pb2.AuditRecord) -> dict[str, Any]:
    """One decision, by column."""
    time = time_of(record)
    return {
        "day": time.date(),
        "sequence": record.sequence,
        "time": time,
        "time_ns": record.time_ns,
        "bundle": record.bundle,
        "version": record.version,
        "alias": record.alias,
        "digest": record.digest.hex(),
        "score": record.score if record.HasField("score") else None,
        "scores": list(struct.unpack(f"<{len(record.scores) // 8}d", record.scores[: len(record.scores) // 8 * 8])),
        "outcome": _name(assay_pb2.Outcome, record.outcome, "OUTCOME_"),
        "stage": _name(assay_pb2.Stage, record.stage, "STAGE_"),
        "reasons": [
            {
                "code": reason.code,
                "feature": reason.feature,
                "value": reason.value,
                "threshold": reason.threshold,
                "contribution": reason.contribution,
                "text": reason.text,
            }
            for reason in record.reasons
        ],
        "features": floats(record),
        "transaction_id": record.transaction_id,
        "caller": record.caller,
        "request_id": record.request_id,
        "server_ns": record.server_ns,
        "unproven": record.unproven,
        "subject_ref": record.subject_ref.hex() or None,
    }


def json_row(record: audit_pb2.AuditRecord) -> dict[str, Any]:
    """The same for JSON: times as text, what is no number as null; a void says its range."""
    if record.HasField("void_range"):
        void = record.void_range
        cause = _name(audit_pb2.VoidCause, void.cause, "VOID_CAUSE_")
        return {"sequence": record.sequence, "void": {"first": void.first, "last": void.last, "cause": cause}}
    values = row(record)
    values["day"] = values["day"].isoformat()
    seconds, nanoseconds = divmod(record.time_ns, 1_000_000_000)
    whole = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    values["time"] = f"{whole.isoformat()}.{nanoseconds:09}Z"
    finite: dict[str, Any] = _finite(values)
    return finite


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(element) for element in value]
    if isinstance(value, dict):
        return {key: _finite(element) for key, element in value.items()}
    return value


def _name(enum: Any, value: int, prefix: str) -> Union[str, int]:
    try:
        name: str = enum.Name(value)
    except ValueError:
        return str(value)
    return name[len(prefix) :].lower()
