"""Personal data is sealed, survives crashes, and can be erased without touching the journal."""

from __future__ import annotations

import json
import os
import pathlib
import threading
from typing import Any

import assay
import pytest
from conftest import Postgres, Server, assay_command, output_of, with_demo_bundles

ROW = [0.5] * 30


def keys(server: Server) -> pathlib.Path:
    return server.work / "keys"


def make(make_server: Any, work: pathlib.Path, *options: Any) -> Server:
    return with_demo_bundles(make_server("--privacy-keys", work / "keys", *options))


def show(server: Server, sequence: int, code: Any = 0) -> Any:
    arguments = ["privacy", "show", "--keys", keys(server), "--journal", server.journal, "--decision", sequence, "--json"]
    result = assay_command(*arguments, code=code)
    return json.loads(result.stdout) if result.returncode == 0 else result


def erase(server: Server, subject: str, why: str = "asked to") -> Any:
    return output_of("privacy", "erase", "--keys", keys(server), "--subject", subject, "--who", "dpo", "--why", why)


def all_bytes(directory: pathlib.Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())


def test_a_subject_is_erased_beside_the_server_and_the_journal_stays_provable(make_server: Any, work: pathlib.Path) -> None:
    server = make(make_server, work)
    secret = assay.PersonalData(subject="ada@example.com", account="DE8937040044", device="phone-7", free_text="said hello")
    with server.client() as client:
        plain = client.score("cards", ROW)
        decision = client.score("cards", ROW, transaction_id="t-1", personal=secret)
        assert (decision.score, decision.outcome) == (plain.score, plain.outcome)
        batch = client.score_batch("cards", [ROW, ROW], personal=[None, assay.PersonalData(subject="bob", account="77")])
        record = client.get_decision(transaction_id="t-1")
        assert record.sealed_personal and len(record.subject_ref) == 64
        assert not client.get_decision(batch.audit_sequence_first).sealed_personal
        assert show(server, decision.audit_sequence) == {
            "subject": "ada@example.com", "account": "DE8937040044", "device": "phone-7", "free_text": "said hello",
        }
        assert show(server, batch.audit_sequence_first + 1)["account"] == "77"

        erased = erase(server, "ada@example.com", why="letter of 3 May")
        assert len(erased["erased"]) == 1 and erased["subject_ref"] == record.subject_ref
        refused = show(server, decision.audit_sequence, code=1)
        assert "erased" in refused.stderr
        assert show(server, batch.audit_sequence_first + 1)["account"] == "77"
        # It comes back, with a new key; the old data stays unreadable.
        later = client.score("cards", ROW, personal=secret)
        # The command reads the journal's files; asking the server for the record brings it there.
        assert client.get_decision(later.audit_sequence).sealed_personal
        assert show(server, later.audit_sequence)["account"] == "DE8937040044"
        show(server, decision.audit_sequence, code=1)
        again = erase(server, "ada@example.com")
        assert len(again["erased"]) == 1 and again["erased_before"] == 1
        assert erase(server, "ada@example.com")["erased"] == []
        # The record is the same, byte for byte.
        assert client.get_decision(decision.audit_sequence).record == record.record
    report = server.verify_journal()
    assert report["decisions"] == 5
    server.terminate()
    assert server.verify_journal()["closed_cleanly"]
    for word in (b"ada@example.com", b"DE8937040044", b"phone-7", b"said hello"):
        assert word not in all_bytes(server.journal)
        assert word not in all_bytes(keys(server))
    log = [json.loads(line) for line in (keys(server) / "erasures.jsonl").read_text().splitlines()]
    assert [entry["why"] for entry in log] == ["letter of 3 May", "asked to", "asked to"] and log[0]["who"] == "dpo"
    listed = assay_command("privacy", "list", "--keys", keys(server), "--subject", "ada@example.com").stdout.splitlines()
    assert len(listed) == 2 and all("erased" in line for line in listed)
    assert keys(server).stat().st_mode & 0o077 == 0


def test_servers_without_keys_and_wrong_data_are_refused(make_server: Any, work: pathlib.Path) -> None:
    server = with_demo_bundles(make_server())
    with server.client() as client:
        with pytest.raises(assay.AssayError, match="PERSONAL_DATA_NOT_ACCEPTED"):
            client.score("cards", ROW, personal=assay.PersonalData(subject="ada"))
    server.terminate()
    server = make_server("--privacy-keys", work / "keys")
    server.start()
    with server.client() as client:
        for personal in (assay.PersonalData(subject="", account="1"), assay.PersonalData(subject="s", free_text="x" * 1025)):
            with pytest.raises(assay.InvalidArgument, match="PERSONAL_DATA_INVALID"):
                client.score("cards", ROW, personal=personal)
    inside = ["serve", "--registry", server.registry, "--journal", server.journal, "--privacy-keys", server.journal / "keys"]
    assert assay_command(*inside, code=None).returncode == 78


def test_killed_servers_lose_no_key_of_an_acknowledged_decision(make_server: Any, work: pathlib.Path) -> None:
    """SIGKILL while new subjects arrive: every acknowledged decision's data can be read afterwards, with the key of its subject."""
    server = make_server("--privacy-keys", work / "keys")
    kills = int(os.environ.get("ASSAY_PRIVACY_KILLS", "5"))
    acknowledged: dict[int, str] = {}
    for kill in range(kills):
        with_demo_bundles(server) if kill == 0 else server.start()
        enough = threading.Event()
        own: dict[int, str] = {}

        def score() -> None:
            with server.client() as client:
                try:
                    for number in range(100_000):
                        subject = f"subject-{kill}-{number % 400}"
                        decision = client.score("cards", ROW, personal=assay.PersonalData(subject=subject, account=f"{subject}/account"))
                        own[decision.audit_sequence] = subject
                        if number == 150 + 40 * kill:
                            enough.set()
                except (assay.AssayError, OSError):
                    pass

        thread = threading.Thread(target=score)
        thread.start()
        assert enough.wait(timeout=120)
        server.kill()
        thread.join(timeout=120)
        assert not thread.is_alive()
        acknowledged |= own
    server.start()
    server.terminate()
    server.verify_journal()
    sealed = {record["sequence"]: record for record in server.dump_journal() if not record.get("void")}
    missing = [sequence for sequence in acknowledged if not (sealed.get(sequence) or {}).get("sealed_personal")]
    assert not missing, f"{len(missing)} acknowledged decisions have no personal data, the first is {missing[0]}"
    some = sorted(acknowledged)[:: max(1, len(acknowledged) // 40)]
    for sequence in some:
        assert show(server, sequence)["account"] == f"{acknowledged[sequence]}/account"
    print(f"privacy: {kills} kills, {len(acknowledged)} acknowledged with personal data, all sealed; {len(some)} opened")


def test_postgres_gets_the_sealed_bytes_only(make_server: Any, work: pathlib.Path, postgres: Postgres) -> None:
    server = make(make_server, work, "--postgres", postgres.url)
    with server.client() as client:
        decision = client.score("cards", ROW, personal=assay.PersonalData(subject="ada", account="DE8937040044"))
        record = client.get_decision(decision.audit_sequence)
    server.terminate()
    stored = bytes.fromhex(postgres.query(f"SELECT encode(record, 'hex') FROM assay_decisions WHERE sequence = {decision.audit_sequence}"))
    assert stored == record.record and record.sealed_personal in stored and b"DE8937040044" not in stored
