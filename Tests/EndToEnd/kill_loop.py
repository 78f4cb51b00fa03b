"""Kills a server under load, again and again, and holds the journal against what was acknowledged.

test_crash.py runs it, and bench/faults/kill-loop for as long as one likes.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import pathlib
import random
import signal
import struct
import subprocess
import time
from dataclasses import dataclass, field
from typing import Iterator

from assay._proto.assay.v1 import audit_pb2
from conftest import BIN, TWO_PROCESSORS, Server, with_demo_bundles

# Shares of the kills: while the server starts and recovers; with all that was in memory gone, too (where disk is promised).
STARTING_SHARE = 0.2
POWER_LOSS_SHARE = 0.25
# How long a sign of life may take on a machine that is busy with other things.
PATIENCE_SECONDS = 120


@dataclass
class Figures:
    """What a campaign did and found."""

    durability: str
    seed: int
    kills: int = 0
    while_starting: int = 0
    power_losses: int = 0
    # Acknowledged decisions by what they waited for, and those among them that are not in the journal with the same score.
    acknowledged: dict[str, int] = field(default_factory=dict)
    # May be: acknowledged from memory, before a loss of it.
    excused: int = 0
    lost: list[int] = field(default_factory=list)
    decisions: int = 0
    voids: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(self.acknowledged.items()))
        return (
            f"kills ({self.durability}): {self.kills} in {self.seconds:.0f} s (seed {self.seed}; {self.while_starting} while starting,"
            f" {self.power_losses} with the memory lost), acknowledged {counts}; {self.decisions} decisions in the journal,"
            f" {len(self.lost)} lost, {self.excused} excused by a loss of memory, {self.voids} voids"
        )


class Load:
    """An assay-load that connects again after every death of the server, and writes down what was acknowledged."""

    def __init__(self, server: Server, durability: str) -> None:
        self.server = server
        self.durability = durability
        self.logs: list[pathlib.Path] = []
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = self.server.work / f"acknowledged-{self.durability}-{len(self.logs)}"
        log.touch()
        self.logs.append(log)
        command = ["taskset", "-c", "1"] if TWO_PROCESSORS else []
        command += [str(BIN / "assay-load"), "--server", f"unix:{self.server.socket}", "--bundle", "cards", "--connections", "8"]
        command += ["--rate", "2000", "--duration", "86400", "--durability", self.durability, "--record-acknowledged", str(log)]
        command += ["--tolerate-disconnect", "--reconnect", "--timeout", str(PATIENCE_SECONDS)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def wait_for_more(self, known: int) -> None:
        """Until something was acknowledged beyond the `known` bytes. A generator that gave up in a long recovery is replaced."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.byte_count <= known:
            if self.process is None or self.process.poll() is not None:
                self.start()
            assert time.monotonic() < deadline, f"nothing is acknowledged: {self.server.log.read_text()[-3000:]}"
            time.sleep(0.01)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=PATIENCE_SECONDS)

    @property
    def byte_count(self) -> int:
        return sum(log.stat().st_size for log in self.logs)

    def acknowledged(self) -> Iterator[tuple[int, int]]:
        """Audit sequence and score bits of each."""
        for log in self.logs:
            data = log.read_bytes()
            assert len(data) % 24 == 0
            yield from ((sequence, bits) for sequence, bits, _ in struct.iter_unpack("<QQQ", data))


def run(server: Server, *, kills: int, durability: str, seed: int) -> Figures:
    """`durability`: memory, disk, or both (a load of each at the same time)."""
    figures = Figures(durability=durability, seed=seed)
    generator = random.Random(seed)
    loads = [Load(server, name) for name in (("memory", "disk") if durability == "both" else (durability,))]
    begin = time.monotonic()
    with_demo_bundles(server)
    try:
        for number in range(kills):
            if number > 0 and generator.random() < STARTING_SHARE:
                kill_while_starting(server, generator)
                figures.while_starting += 1
            else:
                kill_under_load(server, loads, generator)
            figures.kills += 1
            if durability != "memory" and generator.random() < POWER_LOSS_SHARE:
                lose_memory(server)
                figures.power_losses += 1
    finally:
        for load in loads:
            load.stop()
    server.start()
    server.terminate()
    check(server, loads, figures)
    figures.seconds = time.monotonic() - begin
    return figures


def kill_while_starting(server: Server, generator: random.Random) -> None:
    server.launch()
    time.sleep(generator.random() * 0.1)
    server.kill()


def kill_under_load(server: Server, loads: list[Load], generator: random.Random) -> None:
    if server.process is None:
        server.start()
    for load in loads:
        load.wait_for_more(load.byte_count)
    time.sleep(generator.random() * 0.15)
    server.kill()


def lose_memory(server: Server) -> None:
    """As a loss of power does: the rings are gone. (What the kernel has not written to the disk is not: only the disk's own tests can.)"""
    for ring in server.rings.glob("*.ring"):
        ring.unlink()


def check(server: Server, loads: list[Load], figures: Figures) -> None:
    """Holds the journal against what was acknowledged; `figures.lost` are those that should be there and are not."""
    report = server.verify_journal()
    figures.voids = len(report["voids"])
    seen = dict(decisions(server.journal))
    figures.decisions = len(seen)
    assert figures.decisions == report["decisions"], "a number is in the journal twice"
    lost_memory = [(void["first"], void["last"]) for void in report["voids"] if void["cause"] == "memory_lost"]
    assert len(lost_memory) <= figures.power_losses
    given: set[int] = set()
    for load in loads:
        count = 0
        for sequence, bits in load.acknowledged():
            count += 1
            assert sequence not in given, f"sequence {sequence} was given twice"
            given.add(sequence)
            if seen.get(sequence) == bits:
                continue
            is_excused = load.durability == "memory" and any(first <= sequence <= last for first, last in lost_memory)
            if is_excused and sequence not in seen:
                figures.excused += 1
            else:
                figures.lost.append(sequence)
        figures.acknowledged[load.durability] = count


def decisions(journal: pathlib.Path) -> Iterator[tuple[int, int]]:
    """Number and score bits of every decision in a journal that has been verified (docs/JOURNAL.md has the layout)."""
    lz4 = ctypes.CDLL(ctypes.util.find_library("lz4") or "liblz4.so.1")
    for path in sorted(journal.glob("*.journal")):
        data = path.read_bytes()
        offset = 128
        while offset < len(data):
            codec, kind, plain_size, stored_size = struct.unpack_from("<6xBB20xII", data, offset)
            payload = data[offset + 128 : offset + 128 + stored_size]
            if codec == 1:
                plain = ctypes.create_string_buffer(plain_size)
                assert lz4.LZ4_decompress_safe(payload, plain, stored_size, plain_size) == plain_size
                payload = plain.raw
            if kind == 0:
                yield from records(payload)
            offset += 128 + stored_size


def records(payload: bytes) -> Iterator[tuple[int, int]]:
    offset = 0
    while offset < len(payload):
        (size,) = struct.unpack_from("<I", payload, offset)
        record = audit_pb2.AuditRecord.FromString(payload[offset + 4 : offset + 4 + size])
        yield record.sequence, struct.unpack("<Q", struct.pack("<d", record.score))[0]
        offset += 4 + size
