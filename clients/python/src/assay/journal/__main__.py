"""python -m assay.journal verify|dump|export DIR: exit codes as those of `assay journal` (0 done, 1 damaged, 2 could not be tried)."""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import sys
from typing import Optional, Sequence

from ._directory import Directory
from ._export import FORMATS, dump, export
from ._format import JournalError
from ._rows import Reading
from ._verify import Report, verify


def _arguments(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m assay.journal", description="Read the journal of an Assay server.")
    commands = parser.add_subparsers(dest="command", required=True)

    check = commands.add_parser("verify", help="check checksums, chain, numbers, signatures")
    check.add_argument("directory")
    check.add_argument("--public-key", action="append", default=[], metavar="FILE", help="a key that must have signed")
    check.add_argument("--checkpoint", action="append", default=[], metavar="LINE|FILE", help="checkpoint that was kept elsewhere")
    check.add_argument("--json", action="store_true")

    show = commands.add_parser("dump", help="print records as JSON lines")
    show.add_argument("directory")
    show.add_argument("--from", dest="first", type=int, default=1, metavar="SEQ")
    show.add_argument("--limit", type=int, metavar="N")

    write = commands.add_parser("export", help="write decisions to a file or table")
    write.add_argument("directory")
    write.add_argument("--format", choices=FORMATS, required=True)
    write.add_argument("--from", dest="first", type=int, default=1, metavar="SEQ")
    write.add_argument("--to", dest="last", type=int, metavar="SEQ")
    write.add_argument("--output", required=True, metavar="PATH")
    return parser.parse_args(arguments)


def _checkpoint_lines(values: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for value in values:
        lines += [value] if value.startswith("assay-checkpoint") else [line for line in pathlib.Path(value).read_text().splitlines() if line.strip()]
    return lines


def _print(report: Report, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"ok": report.ok, **dataclasses.asdict(report)}, indent=2))
        return
    for name, value in dataclasses.asdict(report).items():
        if name not in ("damages", "not_known", "voids"):
            print(f"{name:20} {value}")
    print(f"{'voids':20} {len(report.voids)}")
    for sentence in report.not_known:
        print(f"not known: {sentence}")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    options = _arguments(arguments)
    try:
        if options.command == "verify":
            report = verify(options.directory, public_keys=options.public_key, checkpoints=_checkpoint_lines(options.checkpoint))
            _print(report, options.json)
            for damage in report.damages[:10]:
                print(f"assay.journal: {damage}", file=sys.stderr)
            return 0 if report.ok else 1
        if options.command == "dump":
            reading = Reading(Directory(options.directory), options.first)
            dump(reading, sys.stdout, limit=options.limit)
            unreadable = reading.unreadable
        else:
            written = export(options.directory, options.output, options.format, first=options.first, last=options.last)
            print(f"{written.rows} decisions, through {written.last_sequence}")
            unreadable = written.unreadable
    except BrokenPipeError:
        return 0
    except ImportError as error:
        print(f"assay.journal: {error}: pip install assay[journal]", file=sys.stderr)
        return 2
    except (JournalError, OSError) as error:
        print(f"assay.journal: {error}", file=sys.stderr)
        return 2
    if unreadable:
        print(f"assay.journal: {unreadable} places could not be read; verify says where and why", file=sys.stderr)
    return 1 if unreadable else 0


if __name__ == "__main__":
    sys.exit(main())
