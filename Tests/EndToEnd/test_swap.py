"""Swaps under load, and what goes wrong in a registry."""

from __future__ import annotations

import json
import subprocess
import time

from conftest import BUNDLES, Server, assay_command, load_command, output_of, set_alias


def test_200_swaps_in_20_seconds_are_invisible(demo_server: Server) -> None:
    server = demo_server
    report = server.work / "load.json"
    generator = subprocess.Popen(
        load_command(server, "--bundle", "cards", "--connections", 16, "--duration", 22, "--verify", "--json", report),
        stdout=subprocess.DEVNULL,
    )
    time.sleep(1)
    resident = []
    with server.client(client_name="swapper") as client:
        begin = time.monotonic()
        for swap in range(200):
            client.set_alias("cards", "champion", 2 - swap % 2, why=f"swap {swap}")
            if swap in (50, 199):
                resident.append(server.resident_bytes())
            time.sleep(max(0, begin + (swap + 1) * 0.1 - time.monotonic()))
        elapsed = time.monotonic() - begin
        swaps = client.stats().swaps_total
    assert generator.wait(timeout=180) == 0
    figures = json.loads(report.read_text())
    print(
        f"swaps: {swaps} in {elapsed:.1f} s, {figures['decisions_total']} decisions, {figures['errors']} errors,"
        f" {figures['mismatches']} mismatches, verified {figures['verification']['verified']},"
        f" resident {resident[0] >> 20} -> {resident[1] >> 20} MiB"
    )
    assert swaps >= 200
    assert figures["errors"] == 0 and figures["mismatches"] == 0 and figures["disconnects"] == 0
    assert figures["verification"]["unverified"] == 0
    assert {version["version"] for version in figures["versions"]} == {1, 2}
    # Flat: what 150 swaps added is below the size of one bundle and a journal block.
    assert resident[1] - resident[0] < 4 << 20
    server.terminate()
    assert server.verify_journal()["decisions"] == figures["decisions_total"]
    history = output_of("registry", "history", "cards", "--registry", server.registry)
    assert sum("swap" in move["why"] for move in history["moves"]) == 200


def test_corrupted_bundle_is_refused_reported_and_the_old_one_goes_on_serving(demo_server: Server) -> None:
    server = demo_server
    with server.client() as client:
        before = client.score("cards", [0.0] * 30)
        # A good push whose file is damaged behind the registry's back, and an alias moved to it by hand.
        broken = server.registry / "cards" / "3"
        source = server.registry / "cards" / "2"
        staging = server.registry / "cards" / ".staging"
        staging.mkdir()
        data = bytearray((source / "bundle.assay").read_bytes())
        data[len(data) // 2] ^= 1
        (staging / "bundle.assay").write_bytes(data)
        manifest = json.loads((source / "manifest.json").read_text())
        manifest["version"] = 3
        (staging / "manifest.json").write_text(json.dumps(manifest))
        staging.rename(broken)
        aliases = server.registry / "cards" / "aliases.json"
        aliases.write_text(aliases.read_text().replace('"champion": 1', '"champion": 3').replace('"champion":1', '"champion":3'))

        def is_reported(status: int, body: str) -> bool:
            return any(reason["code"] == "BUNDLE_REFUSED" for reason in json.loads(body)["reasons"])

        status, body = server.wait_until("/readyz", is_reported)
        assert status == 200, "the old version serves, so the server is ready"
        assert "cards" in body and "SHA-256" in body
        after = client.score("cards", [0.0] * 30)
        assert (after.version, after.digest, after.score) == (before.version, before.digest, before.score)
        listed = [model for model in client.list_models() if model.version == 3]
        assert listed and "SHA-256" in listed[0].refused
    assert "SHA-256" in server.log.read_text()
    listing = output_of("registry", "list", "--registry", server.registry)
    assert "SHA-256" in json.dumps(listing)
    # The command that pushes looks first.
    damaged = server.work / "damaged.assay"
    damaged.write_bytes(bytes(data))
    result = assay_command("registry", "push", damaged, "--registry", server.registry, code=None)
    assert result.returncode == 1 and "SHA-256" in result.stderr


def test_rollback_returns_to_the_version_before(demo_server: Server) -> None:
    server = demo_server
    set_alias(server.registry, "cards", 2)
    server.wait_until("/models", lambda status, body: is_champion(body, 2))
    assay_command("registry", "rollback", "cards", "--registry", server.registry, "--who", "test", "--why", "worse")
    server.wait_until("/models", lambda status, body: is_champion(body, 1))
    with server.client() as client:
        assert client.score("cards", [0.0] * 30).version == 1
    moves = output_of("registry", "history", "cards", "--registry", server.registry)["moves"]
    assert [move["why"] for move in moves][-1] == "worse"


def is_champion(models: str, version: int) -> bool:
    listed = json.loads(models)
    entries = listed["models"] if isinstance(listed, dict) else listed
    return any(m["bundle"] == "cards" and m["version"] == version and "champion" in m["aliases"] for m in entries)
