"""The documents tell the truth: tables against the code, byte layouts against real files, example queries against a real PostgreSQL."""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import pathlib
import re
import shutil
import struct
import subprocess
from typing import Iterator

import numpy as np
import pytest
from assay._export._catalogue import SOURCES
from assay._proto.assay.v1 import audit_pb2
from bundle_page import BundlePage
from conftest import BUNDLES, ROOT, Postgres, Server, load, output_of, push, run

DOCUMENTS = sorted(
    path for path in ROOT.rglob("*.md") if not any(part.startswith(".") or part == "tmp" for part in path.relative_to(ROOT).parts)
)


def document(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def section(text: str, title: str) -> str:
    """The text below a heading, up to the next one of its level."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^\1 |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no section {title}"
    return found[2]


def swift(*paths: str) -> str:
    return "\n".join((ROOT / "Sources" / path).read_text() for path in paths)


def upper_snake(text: str, quote: str) -> set[str]:
    return set(re.findall(rf"{quote}([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*){quote}", text))


# -- Tables and code


def test_every_reason_of_an_error_is_documented_and_no_other() -> None:
    errors = section(document("PROTOCOL.md"), "Errors")
    rows = [line.split("|") for line in errors.splitlines() if line.startswith("| `")]
    documented = set().union(*(upper_snake(row[2], "`") for row in rows))
    sources = ["Session/Refusal.swift", "Session/Session.swift", "Server/ControlError.swift", "Server/ControlPlane.swift"]
    sources += ["Server/RegistryError+Wire.swift", "Decision/FeatureValidation.swift", "Wire/Frame.swift", "Wire/Reply+Encode.swift"]
    assert documented == upper_snake(swift(*sources), '"')
    statuses = {row[1].strip(" `") for row in rows}
    contract = (ROOT / "proto/assay/v1/assay.proto").read_text()
    assert statuses == set(re.findall(r"^  STATUS_(\w+) = ", contract, re.MULTILINE)) - {"OK"}


def test_every_reason_against_a_transaction_is_documented_and_no_other() -> None:
    documented = upper_snake(section(document("FEATURES.md"), "Reasons of refusal"), "`") - {"STATUS_INVALID_ARGUMENT"}
    assert documented == upper_snake(swift("Decision/TransactionError.swift", "Decision/FeatureValidation.swift"), '"')


def test_every_cause_of_not_being_ready_is_documented_and_no_other() -> None:
    documented = upper_snake(section(document("OPERATIONS.md"), "Health"), "`")
    assert documented == set(re.findall(r'code: "([A-Z_]+)"', swift("Server/ServerStatus.swift")))


def test_every_alert_is_documented_and_no_other() -> None:
    rules = (ROOT / "deploy/prometheus/assay.rules.yml").read_text()
    documented = set(re.findall(r"`(Assay\w+)`", section(document("OPERATIONS.md"), "Alerts")))
    assert documented == set(re.findall(r"alert: (\w+)", rules))


def test_the_catalogue_of_features_is_the_codes() -> None:
    cases = dict(re.findall(r"case (\w+) = (\d+)", swift("ModelBundle/DerivedFeature.swift")))
    code = {name: int(cases[case]) for case, name in re.findall(r'case \.(\w+): "([\w.]+)"', swift("ModelBundle/DerivedFeature+Names.swift"))}
    text = document("FEATURES.md")
    types = re.findall(r"`(\w+)`", section(text, "Bitcoin").partition("`TYPE`, in the order")[2].partition(". ")[0])
    documented: dict[str, int] = {}
    for first, last, names in re.findall(r"^\| (\d+)(?:-(\d+))? \| (`[a-z]+\.[^|]*) \|", text, re.MULTILINE):
        kind = names[1:].partition(".")[0]
        listed = [name.removeprefix(f"{kind}.") for name in re.findall(r"`([\w.]+)`", names)]
        if "TYPE" in names:
            listed = [listed[0].replace("TYPE", name) for name in types]
        elif "…" in names:
            listed = [f"v{index}" for index in range(1, 29)]
        assert len(listed) == int(last or first) - int(first) + 1, names
        documented |= {f"{kind}.{name}": int(first) + index for index, name in enumerate(listed)}
    # Inputs spend no OP_RETURN; its numbers are kept free.
    assert code == {name: number for name, number in documented.items() if not name.startswith("bitcoin.input_op_return")}
    assert code == SOURCES


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: pathlib.Path) -> None:
    def anchors(text: str) -> set[str]:
        titles = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}

    text = path.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        assert file.exists(), f"{path.name} leads to {target}"
        assert not anchor or anchor in anchors(file.read_text()), f"{path.name} leads to {target}"
    for name in re.findall(r"`((?:docs|script|deploy|bench|Sources|Tests|proto|clients)/[\w./+-]*\w)`", text):
        assert (ROOT / name).exists(), f"{path.name} names {name}"


def test_no_document_or_source_names_a_place_of_one_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    text_files = (".md", ".swift", ".py", ".c", ".h", ".proto", ".yaml", ".yml", ".sh", ".service", ".toml", "")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.suffix in text_files and path.is_file():
            found = re.search(r"/(?:home|Users|root|work)/\w+", path.read_text(errors="replace"))
            assert found is None or name.endswith("test_documents.py"), f"{name}: {found and found[0]}"


def test_what_the_container_is_built_from_is_a_whole_package(work: pathlib.Path) -> None:
    if shutil.which("swift") is None:
        pytest.skip("swift is not in the path")
    ignored = (ROOT / "deploy/Dockerfile.dockerignore").read_text().splitlines()
    stages = (ROOT / "deploy/Dockerfile").read_text().split("\nFROM ")
    for source, target in re.findall(r"^COPY ([\w./]+) ([\w./]+)$", stages[1], re.MULTILINE):
        assert source.split("/")[0] not in ignored, source
        (work / target).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / source).is_dir() else shutil.copy)(ROOT / source, work / target)
    run("swift", "package", "--package-path", work, "describe")


# -- docs/BUNDLE.md, byte by byte


@pytest.mark.parametrize("path", sorted(BUNDLES.glob("*.assay")), ids=lambda path: path.stem)
def test_a_reader_written_after_the_page_scores_the_bundle_bit_for_bit(path: pathlib.Path) -> None:
    data = path.read_bytes()
    facts = output_of("bundle", "inspect", path)
    assert facts["digest"] == hashlib.sha256(data).hexdigest()
    page = BundlePage(data)
    assert (page.name, page.objective, page.tree_count) == (facts["name"], facts["objective"], facts["tree_count"])
    assert page.feature_count == facts["feature_count"] and page.provenance == facts["provenance"]
    for feature, told in zip(page.features, facts["features"], strict=True):
        assert all(feature[key] == told[key] for key in ("name", "type", "missing_allowed", "reason"))
        assert (feature["source"] == 0) == (told["source"] is None)
    assert page.raw_tolerance == page.output_tolerance == 0
    assert page.check_golden() == facts["golden_rows"] > 0


def test_the_sections_of_a_bundle_are_documented_and_no_others() -> None:
    text = section(document("BUNDLE.md"), "Sections")
    documented = {name: int(number) for number, name in re.findall(r"^\| (\d+) \| `([a-z_.]+)` \|", text, re.MULTILINE)}
    source = swift("ModelBundle/BundleFormat.swift")
    numbers = {case: int(number) for case, number in re.findall(r"case (\w+) = (\d+)", source)}
    names = dict(re.findall(r'case \.(\w+): "([a-z_.]+)"', source))
    reserved = {"costs": numbers["costs"], "reference_histograms": numbers["referenceHistograms"]}
    assert documented == {names[case]: number for case, number in numbers.items() if case in names} | reserved


# -- docs/JOURNAL.md, byte by byte

CRC_TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
    CRC_TABLE.append(byte)


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def check_crc(data: bytes, end: int) -> None:
    assert struct.unpack_from("<I", data, end) == (crc32c(data[:end]),)


def decompressed(data: bytes, byte_count: int) -> bytes:
    library = ctypes.CDLL(ctypes.util.find_library("lz4") or "liblz4.so.1")
    plain = ctypes.create_string_buffer(byte_count)
    assert library.LZ4_decompress_safe(data, plain, len(data), byte_count) == byte_count
    return plain.raw


class JournalPage:
    """A journal read as the page tells it."""

    def __init__(self, directory: pathlib.Path) -> None:
        identity = (directory / "identity").read_bytes()
        assert len(identity) == 28 and identity[:8] == b"ASJI\1\0\0\0"
        check_crc(identity, 24)
        self.identity = identity[8:24]
        self.chain = hashlib.sha256(b"assay journal " + self.identity).digest()
        self.next = 1
        self.records = [r for path in sorted(directory.glob("*.journal")) for r in self.segment(path)]
        clean = (directory / "clean").read_bytes()
        assert len(clean) == 52 and clean[:8] == b"ASJC\1\0\0\0"
        assert (struct.unpack_from("<Q", clean, 8), clean[16:48]) == ((self.next,), self.chain)
        check_crc(clean, 48)

    def segment(self, path: pathlib.Path) -> Iterator[audit_pb2.AuditRecord]:
        data = path.read_bytes()
        assert data[:8] == b"ASJS\1\0\0\0" and data[8:24] == self.identity and data[32:64] == self.chain and data[72:124] == bytes(52)
        check_crc(data[:128], 124)
        assert struct.unpack_from("<Q", data, 24) == (self.next,) and path.name == f"{self.next:020}.journal"
        offset = 128
        while offset < len(data):
            header = data[offset : offset + 128]
            check_crc(header, 124)
            stored = struct.unpack_from("<I", header, 32)[0]
            yield from self.block(header, data[offset + 128 : offset + 128 + stored])
            offset += 128 + stored
        assert offset == len(data)

    def block(self, header: bytes, payload: bytes) -> Iterator[audit_pb2.AuditRecord]:
        version, codec, kind, first, last, count, plain, stored, crc, _ = struct.unpack_from("<HBBQQIIIIQ", header, 4)
        assert header[:4] == b"ASJB" and version == 1 and stored == len(payload) and header[112:124] == bytes(12)
        assert crc == crc32c(payload) and header[48:80] == self.chain
        self.chain = hashlib.sha256(header[:80] + payload).digest()
        assert header[80:112] == self.chain and first == self.next
        self.next = last + 1
        data = decompressed(payload, plain) if codec == 1 else payload
        assert codec in (0, 1) and kind in (0, 1) and len(data) == plain
        offset = 0
        for index in range(count):
            (byte_count,) = struct.unpack_from("<I", data, offset)
            record = audit_pb2.AuditRecord.FromString(data[offset + 4 : offset + 4 + byte_count])
            assert record.sequence == first + index
            yield record
            offset += 4 + byte_count
        assert offset == plain


def test_a_reader_written_after_the_page_reads_the_journal(demo_server: Server) -> None:
    with demo_server.client(client_name="docs") as client:
        row = [0.25] * 30
        decisions = [client.score("cards", row, transaction_id=f"t-{index}") for index in range(300)]
    demo_server.terminate()
    records = JournalPage(demo_server.journal).records
    assert [(r.sequence, r.score, r.transaction_id) for r in records] == [
        (d.audit_sequence, d.score, f"t-{index}") for index, d in enumerate(decisions)
    ]
    assert all(np.frombuffer(r.features32, "<f4").tolist() == row and r.caller.startswith("docs") for r in records)
    assert demo_server.verify_journal()["decisions"] == len(records)


# -- docs/POSTGRES.md


def test_the_example_queries_run(make_server: object, postgres: Postgres) -> None:
    server = make_server("--postgres", postgres.url)  # type: ignore[operator]
    push(server.registry, BUNDLES / "cards-1.assay")
    server.start()
    with server.client() as client:
        client.score("cards", [0.5] * 30, transaction_id="tx-4711")
    load(server, "--bundle", "cards", "--requests", 99, "--duration", 5)
    server.wait_until("/metrics", lambda _, body: "assay_audit_sequence_shipped 100\n" in body)
    queries = re.findall(r"```sql\n(.*?)```", section(document("POSTGRES.md"), "Example queries"), re.DOTALL)
    assert len(queries) == 1
    identity = postgres.query("SELECT server_id FROM assay_cursor")
    results = [postgres.query(query).splitlines() for query in queries[0].replace("…", identity).split("\n\n")]
    transaction, by_hour, declines, of_a_version, lag, gaps, twice, record = results
    assert len(transaction) == 1 and by_hour and lag[0].split("|")[1] == "100" and gaps == twice == [] and len(record) >= 1
    assert all("|cards|" in line for line in declines) and len(of_a_version) == len(declines)

    columns = set(postgres.query("SELECT column_name FROM information_schema.columns WHERE table_name = 'assay_decisions'").splitlines())
    rows = [line.split("|")[1] for line in section(document("POSTGRES.md"), "Tables").splitlines() if line.startswith("| `")]
    assert columns == {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    text = section(document("POSTGRES.md"), "Tables")
    listed = [line for line in text.splitlines() if line.startswith("| ") and ("µs" in line or "nothing without" in line)]
    indexes = postgres.query("SELECT indexname FROM pg_indexes WHERE tablename = 'assay_decisions'").splitlines()
    # Each partition has them all.
    day = postgres.query("SELECT DISTINCT tableoid::regclass FROM assay_decisions")
    assert len(indexes) == len(listed) == int(postgres.query(f"SELECT count(*) FROM pg_indexes WHERE tablename = '{day}'"))


# -- docs/LOAD.md


def test_every_figure_of_the_load_generator_is_documented_and_no_other(demo_server: Server) -> None:
    rows = [line.split("|")[1] for line in section(document("LOAD.md"), "JSON").splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    closed = load(demo_server, "--bundle", "cards", "--requests", 50, "--duration", 5)
    open_loop = load(demo_server, "--bundle", "cards", "--requests", 50, "--duration", 5, "--rate", 1000, "--verify")
    assert documented == set(closed) | set(open_loop)


# -- Limits


def test_a_bundle_is_fetched_through_the_smallest_frames(make_server: object) -> None:
    """The pieces of FetchBundle fit every frame limit that a server may be configured with."""
    server = make_server("--frame-bytes-max", 65536)  # type: ignore[operator]
    push(server.registry, BUNDLES / "cards-1.assay")
    server.start()
    with server.client() as client:
        assert client.hello().frame_bytes_max == 65536
        assert client.fetch_bundle("cards").data == (BUNDLES / "cards-1.assay").read_bytes()
    assert load(server, "--bundle", "cards", "--requests", 50, "--duration", 5, "--verify")["mismatches"] == 0
