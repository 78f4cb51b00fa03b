"""Decisions for analysts: JSON lines, Parquet, Delta tables."""

from __future__ import annotations

import json
import os
import pathlib
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Optional, TextIO

from .._proto.assay.v1 import audit_pb2
from ._directory import Block, Directory, PathLike
from ._format import JournalError, identity_text
from ._rows import Reading, json_row, row

#: Rows that are in memory at a time.
BATCH_ROWS = 10_000
FORMATS = ("jsonl", "parquet", "delta")


@dataclass(frozen=True)
class Exported:
    """What an export wrote."""

    rows: int
    first_sequence: int
    #: Of what was read; a later export goes on after it.
    last_sequence: int
    #: Places that could not be read.
    unreadable: int


def export(
    path: PathLike, output: PathLike, format: str, *, first: int = 1, last: Optional[int] = None, voids: bool = False
) -> Exported:
    """Writes the decisions `first` to `last` (default: all that are there) of a journal, with the memory of one batch.

    `jsonl` and `parquet` write a file, which appears when it is whole. `delta` appends to a table that is partitioned by day and knows how
    far it is: what it has is passed over, so that an export that was broken off or is made daily is simply made again."""
    directory = Directory(path)
    if format == "delta":
        return _delta(directory, str(output), first, last)
    if format not in FORMATS:
        raise JournalError(f"there is no format {format}, only {', '.join(FORMATS)}")
    temporary = pathlib.Path(f"{os.fspath(output)}.{os.getpid()}.tmp")
    reading = Reading(directory, first, last)
    try:
        if format == "jsonl":
            with temporary.open("x", encoding="utf-8") as file:
                rows, end = dump(reading, file, voids=voids)
        else:
            rows, end = _parquet(reading, str(temporary))
        os.replace(temporary, output)
    finally:
        temporary.unlink(missing_ok=True)
    return Exported(rows, first, end, reading.unreadable)


def dump(reading: Reading, file: TextIO, *, voids: bool = True, limit: Optional[int] = None) -> tuple[int, int]:
    """Writes records as JSON lines; returns how many, and the last number."""
    rows, end = 0, reading.first - 1
    for record in reading.records(voids=voids):
        if limit is not None and rows == limit:
            break
        json.dump(json_row(record), file, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        file.write("\n")
        rows, end = rows + 1, record.sequence
    return rows, end


def _schema() -> Any:
    import pyarrow as pa

    reason = pa.struct(
        [("code", pa.string()), ("feature", pa.string()), ("value", pa.float64()), ("threshold", pa.float64()), ("contribution", pa.float64())]
        + [("text", pa.string())]
    )
    return pa.schema(
        [
            ("day", pa.date32()),
            ("sequence", pa.int64()),
            ("time", pa.timestamp("us", tz="UTC")),
            ("time_ns", pa.int64()),
            ("bundle", pa.string()),
            ("version", pa.int64()),
            ("alias", pa.string()),
            ("digest", pa.string()),
            ("score", pa.float64()),
            ("scores", pa.list_(pa.float64())),
            ("outcome", pa.string()),
            ("stage", pa.string()),
            ("reasons", pa.list_(reason)),
            ("features", pa.list_(pa.float64())),
            ("transaction_id", pa.string()),
            ("caller", pa.string()),
            # As PostgreSQL has it: the 64 bits as a signed number.
            ("request_id", pa.int64()),
            ("server_ns", pa.int64()),
            ("unproven", pa.bool_()),
            ("subject_ref", pa.string()),
        ]
    )


def _signed(values: dict[str, Any]) -> dict[str, Any]:
    for name in ("request_id", "server_ns"):
        if values[name] >= 1 << 63:
            values[name] -= 1 << 64
    return values


def _batches(reading: Reading, note: Callable[[audit_pb2.AuditRecord], None]) -> Iterator[Any]:
    import pyarrow as pa

    schema, rows = _schema(), []
    for record in reading.records():
        rows.append(_signed(row(record)))
        note(record)
        if len(rows) == BATCH_ROWS:
            yield pa.RecordBatch.from_pylist(rows, schema=schema)
            rows = []
    if rows:
        yield pa.RecordBatch.from_pylist(rows, schema=schema)


class _Count:
    def __init__(self, first: int) -> None:
        self.rows, self.last = 0, first - 1

    def note(self, record: audit_pb2.AuditRecord) -> None:
        self.rows, self.last = self.rows + 1, record.sequence


def _parquet(reading: Reading, output: str) -> tuple[int, int]:
    import pyarrow.parquet as parquet

    count = _Count(reading.first)
    with parquet.ParquetWriter(output, _schema(), compression="zstd") as writer:
        for batch in _batches(reading, count.note):
            writer.write_batch(batch)
    return count.rows, count.last


def _delta(directory: Directory, table: str, first: int, last: Optional[int]) -> Exported:
    import deltalake
    import pyarrow as pa

    # The table's log says how far this journal is in it; rows and this number are one transaction.
    application = f"assay-{identity_text(directory.identity)}"
    done = None
    if deltalake.DeltaTable.is_deltatable(table):
        done = deltalake.DeltaTable(table).transaction_version(application)
    first = max(first, (done or 0) + 1)
    end = _last_sequence(directory) if last is None else min(last, _last_sequence(directory))
    if end < first:
        return Exported(0, first, first - 1, 0)
    reading, count = Reading(directory, first, end), _Count(first)
    properties = deltalake.CommitProperties(app_transactions=[deltalake.Transaction(application, end)])
    reader = pa.RecordBatchReader.from_batches(_schema(), _batches(reading, count.note))
    deltalake.write_deltalake(table, reader, mode="append", partition_by=["day"], commit_properties=properties)
    return Exported(count.rows, first, end, reading.unreadable)


def _last_sequence(directory: Directory) -> int:
    """The last number that the journal has now."""
    for first in reversed(directory.segments()):
        last = 0
        for block in directory.blocks(first):
            if isinstance(block, Block):
                last = max(last, block.header.last)
        if last:
            return last
    return 0
