"""Reads the journal of an Assay server: verify it, go over its decisions, export them.

Written after docs/JOURNAL.md and sharing no code with the server, so that its word is a second opinion. Needs nothing but protobuf;
`pip install assay[journal]` adds signatures (cryptography), exports (pyarrow, deltalake) and speed (lz4, google-crc32c).

>>> from assay import journal
>>> report = journal.verify("/var/lib/assay/journal", public_keys=["checkpoint.key.pub"])        # doctest: +SKIP
>>> report.ok, report.damages, report.not_known                                                  # doctest: +SKIP
>>> for record in journal.records("/var/lib/assay/journal", first=1000): ...                     # doctest: +SKIP
"""

from __future__ import annotations

from typing import Iterator, Optional

from .._proto.assay.v1.audit_pb2 import AuditRecord
from ._directory import Directory, PathLike
from ._export import Exported, export
from ._format import JournalError
from ._rows import Reading
from ._verify import Damage, Report, verify

__all__ = ["AuditRecord", "Damage", "Exported", "JournalError", "Report", "export", "records", "verify"]


def records(path: PathLike, *, first: int = 1, last: Optional[int] = None, voids: bool = False) -> Iterator[AuditRecord]:
    """The decisions `first` to `last` of a journal, in order; `voids`: records of numbers without a decision, too.

    Places that can not be read are passed over: `verify` tells of them."""
    return Reading(Directory(path), first, last).records(voids=voids)
