"""What an operator does and sees."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest
from conftest import BIN, ROOT, Server, assay_command, load, load_command, run


def test_metrics_are_clean_and_tell_what_happened(demo_server: Server) -> None:
    figures = load(demo_server, "--bundle", "cards", "--connections", 2, "--requests", 1000, "--verify")
    text = demo_server.get("/metrics")[1]
    value = {line.rsplit(" ", 1)[0]: line.rsplit(" ", 1)[1] for line in text.splitlines() if not line.startswith("#")}
    assert value['assay_requests_total{method="score",status="OK"}'] == "1000"
    assert value["assay_score_duration_seconds_count"] == "1000"
    assert sum(int(v) for k, v in value.items() if k.startswith("assay_decisions_total")) == figures["decisions_total"] == 1000
    for name in ("assay_bundle_info", "assay_audit_backlog_bytes", "assay_build_info", "process_resident_memory_bytes"):
        assert any(key.startswith(name) for key in value), name
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (package prometheus)")
    checked = run("promtool", "check", "metrics", input=text)
    assert checked.stdout.strip() == "" and checked.stderr.strip() == ""


def test_drain_answers_everything_and_ends(demo_server: Server) -> None:
    report = demo_server.work / "load.json"
    generator = subprocess.Popen(
        load_command(demo_server, "--bundle", "cards", "--connections", 4, "--duration", 30, "--tolerate-disconnect", "--json", report),
        stdout=subprocess.DEVNULL,
    )
    time.sleep(1.5)
    demo_server.terminate()
    assert generator.wait(timeout=180) == 0
    figures = json.loads(report.read_text())
    assert figures["errors"] == 0 and figures["replies_total"] > 100
    # Nothing that was answered is missing; what was recorded and not read by the generator may be there, too.
    assert demo_server.verify_journal()["decisions"] >= figures["decisions_total"]


def test_second_server_on_one_journal_is_refused(demo_server: Server) -> None:
    result = assay_command(
        "serve", "--registry", demo_server.registry, "--journal", demo_server.journal, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0",
        code=None,
    )
    assert result.returncode == 1 and "journal" in result.stderr


def test_score_command_agrees_with_the_server(demo_server: Server) -> None:
    features = ",".join(["0"] * 30)
    scored = json.loads(
        assay_command("score", "--server", demo_server.address, "--bundle", "cards", "--features", features, "--json").stdout
    )
    with demo_server.client() as client:
        assert client.score("cards", [0.0] * 30).score == scored["score"]
    transaction = demo_server.work / "transaction.json"
    transaction.write_text((ROOT / "bench" / "train" / "bitcoin_transactions.jsonl").read_text().splitlines()[0])
    decided = json.loads(
        assay_command("score", "--server", demo_server.address, "--bundle", "bitcoin", "--transaction", transaction, "--json").stdout
    )
    assert decided["outcome"] in ("approve", "review", "decline")
    refused = assay_command("score", "--server", demo_server.address, "--bundle", "cards", "--features", "1,2", code=None)
    assert refused.returncode == 1 and "FEATURE_COUNT" in refused.stderr


def test_python_client_passes_its_own_tests_against_this_server(demo_server: Server) -> None:
    result = subprocess.run(
        [os.sys.executable, "-m", "pytest", "-q", str(ROOT / "clients" / "python" / "tests" / "test_server.py")],
        capture_output=True, text=True, timeout=300,
        env={**os.environ, "ASSAY_SERVER": demo_server.address, "ASSAY_BUNDLE": "cards,bitcoin"},
    )
    print(result.stdout.splitlines()[-1])
    assert result.returncode == 0, result.stdout[-3000:]
    assert " passed" in result.stdout and " skipped" not in result.stdout.splitlines()[-1]


def test_scoring_allocates_nothing_in_steady_state(make_server, work: pathlib.Path) -> None:
    """100,000 Score requests on one connection, every malloc of every thread counted by a preloaded library of ours."""
    from conftest import with_demo_bundles

    library = work / "liballocations.so"
    run("gcc", "-O2", "-shared", "-fPIC", "-o", library, ROOT / "bench" / "allocations" / "allocations.c", "-ldl")
    counts = work / "allocations"
    server = make_server(environment={"LD_PRELOAD": str(library), "ASSAY_ALLOCATION_COUNTS": str(counts)})
    with_demo_bundles(server)

    def allocations(thread: str) -> int:
        return sum(int(line.split()[1]) for line in read_counts(counts) if line.split()[0] == thread)

    load(server, "--bundle", "cards", "--connections", 1, "--requests", 20_000)
    with server.client() as client:
        client.hello()
    time.sleep(0.5)
    before = allocations("assay-loop-0")
    # A new connection and FetchBundle allocate; one request more than the 100,000 shows what those cost.
    load(server, "--bundle", "cards", "--connections", 1, "--requests", 1)
    one = allocations("assay-loop-0") - before
    before = allocations("assay-loop-0")
    load(server, "--bundle", "cards", "--connections", 1, "--requests", 100_001)
    many = allocations("assay-loop-0") - before
    print(f"allocations: loop thread {many} for a connection with 100,001 scores, {one} for one with a single score")
    assert before > 0, "the hook counts nothing"
    assert many - one < 100, "scores allocate"


def read_counts(path: pathlib.Path) -> list[str]:
    """The shared table: 64 bytes a thread, 16 of name and 8 of count (bench/allocations/allocations.c)."""
    data = path.read_bytes()
    lines = []
    for offset in range(0, len(data), 64):
        name = data[offset : offset + 16].split(b"\0")[0].decode()
        if name:
            lines.append(f"{name} {int.from_bytes(data[offset + 16 : offset + 24], 'little')}")
    return lines


def test_completion_scripts_and_help_are_there() -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "assay" in assay_command("--generate-completion-script", shell).stdout
    for words in ("serve", "bundle import", "registry push", "journal verify", "score", "config show"):
        assert "USAGE" in assay_command(*words.split(), "--help").stdout
    assert assay_command("serve", "--nonsense", code=None).returncode == 64
    assert (BIN / "assay-load").exists()


def test_generated_code_is_what_the_contract_makes(work: pathlib.Path) -> None:
    """script/generate on a copy gives the committed files, byte for byte (where the generators of the same version are installed)."""
    if shutil.which("protoc-c") is None:
        pytest.skip("protoc-c is not installed (package protobuf-c-compiler)")
    for part in ("proto", "script", "Sources/AssayProto", "Sources/ONNXProto", "clients/python/src/assay"):
        shutil.copytree(ROOT / part, work / part, ignore=shutil.ignore_patterns("__pycache__"))
    run(work / "script" / "generate")
    for module, count in (("AssayProto", 4), ("ONNXProto", 2)):
        committed = ROOT / "Sources" / module
        made = work / "Sources" / module
        files = sorted(path.relative_to(committed) for path in committed.rglob("*.pb-c.*"))
        assert len(files) == count
        for file in files:
            assert (made / file).read_bytes() == (committed / file).read_bytes(), file
    python = pathlib.Path("clients/python/src/assay/_proto")
    for path in sorted((ROOT / python).rglob("*.py")):
        assert (work / python / path.relative_to(ROOT / python)).read_bytes() == path.read_bytes(), path
