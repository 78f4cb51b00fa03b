"""What survives when things die."""

from __future__ import annotations

import json
import os
import pathlib
import random
import struct
import subprocess
import time
from typing import Any

from conftest import Server, load_command, with_demo_bundles

KILLS = int(os.environ.get("ASSAY_KILLS", "50"))


def acknowledged(path: pathlib.Path) -> dict[int, int]:
    """Score bits by audit sequence, as assay-load wrote them down; a torn last entry is no acknowledgement that was read."""
    data = path.read_bytes()
    entries: dict[int, int] = {}
    for sequence, bits, _ in struct.iter_unpack("<QQQ", data[: len(data) // 24 * 24]):
        assert sequence not in entries, f"sequence {sequence} was acknowledged twice"
        entries[sequence] = bits
    return entries


def test_killed_servers_lose_no_acknowledged_decision(make_server: Any) -> None:
    server = make_server()
    seed = 20261120
    generator = random.Random(seed)
    acks: dict[int, int] = {}
    for kill in range(KILLS):
        with_demo_bundles(server) if kill == 0 else server.start()
        log = server.work / "acknowledged"
        load = subprocess.Popen(
            load_command(
                server, "--bundle", "cards", "--connections", 8, "--rate", 8000, "--duration", 30,
                "--record-acknowledged", log, "--tolerate-disconnect",
            ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(0.25 + generator.random() * 0.3)
        server.kill()
        load.wait(timeout=180)
        for sequence, bits in acknowledged(log).items():
            assert sequence not in acks, f"kill {kill}: sequence {sequence} was given twice"
            acks[sequence] = bits
        log.unlink()
    server.start()
    server.terminate()
    report = server.verify_journal()
    seen: dict[int, int] = {}
    for record in server.dump_journal():
        if record.get("void"):
            continue
        assert record["sequence"] not in seen, f"sequence {record['sequence']} is in the journal twice"
        seen[record["sequence"]] = struct.unpack("<Q", struct.pack("<d", record["score"]))[0]
    lost = [sequence for sequence in acks if seen.get(sequence) != acks[sequence]]
    print(
        f"kills: {KILLS} (seed {seed}), {len(acks)} acknowledged, {len(seen)} in the journal, {len(lost)} lost, {len(report['voids'])} voids"
    )
    assert len(acks) > 200 * KILLS
    assert not lost, f"{len(lost)} acknowledged decisions are missing or differ, the first is {lost[0]}"


def test_server_starts_and_scores_without_its_postgres(make_server: Any) -> None:
    server = make_server("--postgres", "postgresql:///nothing?host=/nonexistent&password=secret")
    with_demo_bundles(server)
    with server.client() as client:
        assert client.score("cards", [0.0] * 30).audit_sequence == 1
    assert server.get("/readyz")[0] == 200
    server.terminate()
    assert "secret" not in server.log.read_text()
