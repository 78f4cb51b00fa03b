"""What survives when things die."""

from __future__ import annotations

import os
from typing import Any

import kill_loop
import pytest
from conftest import with_demo_bundles

# In sum; bench/faults/kill-loop makes as many as one likes.
KILLS = int(os.environ.get("ASSAY_KILLS", "100"))


@pytest.mark.parametrize("durability, share", [("memory", 0.4), ("disk", 0.3), ("both", 0.3)])
def test_killed_servers_lose_no_acknowledged_decision(make_server: Any, durability: str, share: float) -> None:
    kills = round(KILLS * share)
    figures = kill_loop.run(make_server(), kills=kills, durability=durability, seed=20261130)
    print(figures)
    assert figures.kills == kills and figures.while_starting > 0
    assert (figures.power_losses > 0) == (durability != "memory")
    assert all(count >= kills - figures.while_starting for count in figures.acknowledged.values())
    assert not figures.lost, f"{len(figures.lost)} acknowledged decisions are missing or differ, the first is {figures.lost[0]}"


def test_server_starts_and_scores_without_its_postgres(make_server: Any) -> None:
    server = make_server("--postgres", "postgresql:///nothing?host=/nonexistent&password=secret")
    with_demo_bundles(server)
    with server.client() as client:
        assert client.score("cards", [0.0] * 30).audit_sequence == 1
    assert server.get("/readyz")[0] == 200
    server.terminate()
    assert "secret" not in server.log.read_text()
