import Glibc
import Platform
import Testing
import Wire

@testable import Audit

/// The partitions of `assay_decisions`, with a real PostgreSQL.
@Suite(.serialized, .enabled(if: PrivatePostgres.isInstalled)) struct PostgresDayTests {
    let directory = TemporaryDirectory()

    func open(_ postgres: PrivatePostgres) throws -> AuditTrail {
        var configuration = directory.configuration()
        configuration.ringByteCount = 1 << 20
        configuration.syncIntervalMilliseconds = 10
        configuration.postgresURL = postgres.url
        return try AuditTrail.open(configuration, logger: quietLogger)
    }

    func put(_ producer: AuditProducer, seconds: Int64) throws {
        var record = AuditRecord()
        record.bundle = "cards"
        record.timeNanoseconds = seconds * 1_000_000_000
        let bytes = record.encoded()
        let sequence = try required(producer.reserve(count: 1, byteCountMax: 256))
        producer.append(sequence: sequence) {
            $0.copyBytes(from: bytes); return bytes.count
        }
        producer.commit()
    }

    /// Rows by partition, and whether each is where it belongs is PostgreSQL's own doing.
    func rowsByTable(_ postgres: PrivatePostgres) throws -> [[String?]] {
        try postgres.query("SELECT tableoid::regclass::text, count(*) FROM assay_decisions GROUP BY 1 ORDER BY 1")
    }

    @Test func recordsOfAnyDateLandInTheirDay() throws {
        let postgres = try PrivatePostgres()
        let trail = try open(postgres)
        let producer = trail.producer(worker: 0)
        // The first and the last second of a day, a leap day, years ago, a clock at zero, one far ahead, one before 1970.
        for seconds: Int64 in [1_788_220_800, 1_788_307_199, 1_788_307_200, 1_709_164_800, 1_577_836_800, 0, 8_000_000_000, -5] {
            try put(producer, seconds: seconds)
        }
        trail.close()
        #expect(trail.status.postgres?.problem == nil)
        #expect(
            try rowsByTable(postgres) == [
                ["assay_decisions_20200101", "1"], ["assay_decisions_20240229", "1"], ["assay_decisions_20260901", "2"],
                ["assay_decisions_20260902", "1"], ["assay_decisions_early", "2"], ["assay_decisions_late", "1"],
            ])
        // Today and the coming days were made ahead.
        let today = DecisionPartition(unixMicroseconds: Clock.wallNanoseconds() / 1000)
        #expect(try postgres.count("SELECT count(*) FROM pg_class WHERE relispartition AND relname = '\(today.name)'") == 1)
        #expect(try postgres.count("SELECT count(*) FROM pg_inherits WHERE inhparent = 'assay_decisions'::regclass") >= 9)
    }

    @Test func aClockThatGoesMadIsBounded() throws {
        let postgres = try PrivatePostgres()
        let trail = try open(postgres)
        let producer = trail.producer(worker: 0)
        // A day further with every record.
        for day in 0..<90 { try put(producer, seconds: 1_600_000_000 + Int64(day) * 86_400) }
        #expect(eventually { trail.status.shippedSequence == 90 })
        trail.close()
        #expect(trail.status.postgres?.problem == nil)
        #expect(try postgres.count("SELECT count(DISTINCT sequence) FROM assay_decisions") == 90)
    }

    @Test func aDayTakenOutIsNotPutBackUnasked() throws {
        let postgres = try PrivatePostgres()
        var trail = try open(postgres)
        try put(trail.producer(worker: 0), seconds: 1_700_000_000)
        trail.close()
        try postgres.query("ALTER TABLE assay_decisions DETACH PARTITION assay_decisions_20231114")
        trail = try open(postgres)
        try put(trail.producer(worker: 0), seconds: 1_700_000_001)
        let table = "assay_decisions_20231114"
        #expect(eventually { trail.status.postgres?.problem == .dayDetached(table: table) })
        try postgres.query("DROP TABLE \(table)")
        #expect(eventually { trail.status.shippedSequence == 2 })
        trail.close()
        #expect(try rowsByTable(postgres) == [[table, "1"]])
    }

    @Test func aMonthsTableOfTheAdministratorServesItsDays() throws {
        let postgres = try PrivatePostgres()
        try open(postgres).close()
        try postgres.query(
            "CREATE TABLE november PARTITION OF assay_decisions FOR VALUES FROM ('2023-11-01 00:00:00+00') TO ('2023-12-01 00:00:00+00')"
        )
        let trail = try open(postgres)
        for day: Int64 in 0..<3 { try put(trail.producer(worker: 0), seconds: 1_700_000_000 + day * 86_400) }
        trail.close()
        #expect(trail.status.postgres?.problem == nil)
        #expect(try rowsByTable(postgres) == [["november", "3"]])
    }

    @Test func tablesOfVersion1AreTakenOverWithAllTheyHold() throws {
        let postgres = try PrivatePostgres()
        try postgres.query("CREATE ROLE investigator")
        try postgres.query(
            """
            CREATE TABLE assay_schema_migrations (version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
            INSERT INTO assay_schema_migrations VALUES (1, 'decisions and cursor');
            \(PostgresSchema.migrations[0].sql);
            GRANT SELECT ON assay_decisions TO investigator;
            INSERT INTO assay_decisions
            SELECT md5('a')::uuid, n, '2026-10-01 22:00:00+00'::timestamptz + n * interval '1 minute', 'cards', n % 3, sha256(n::text::bytea),
                CASE n % 5 WHEN 0 THEN 'decline' ELSE 'approve' END, 'online', sqrt(n), ARRAY[sqrt(n), 1.5], 'tx-' || n, NULL, n, 'champion', 900,
                n % 2 = 0, sha256((n + 1)::text::bytea)
            FROM generate_series(1, 4000) AS n;
            UPDATE assay_decisions SET decided_at = '1999-12-31' WHERE sequence = 7;
            UPDATE assay_decisions SET decided_at = '2150-01-01' WHERE sequence = 8
            """)
        let columns = CopyEncoder.columns.filter { $0 != "subject_ref" }.joined(separator: ", ")
        let digest = "SELECT count(*), md5(string_agg(ROW(\(columns))::text, '' ORDER BY sequence)) FROM assay_decisions"
        let before = try postgres.query(digest)
        let trail = try open(postgres)
        #expect(eventually { trail.status.postgres?.state == .shipping })
        #expect(try postgres.query(digest) == before)
        #expect(try postgres.query("SELECT version FROM assay_schema_migrations ORDER BY 1") == [["1"], ["2"]])
        let rows = try rowsByTable(postgres)
        #expect(
            rows.map { $0[0] } == (1...4).map { "assay_decisions_2026100\($0)" } + [
                "assay_decisions_early", "assay_decisions_late",
            ])
        #expect(rows.map { $0[1] } == ["117", "1440", "1440", "1001", "1", "1"])
        #expect(try postgres.query("SELECT has_table_privilege('investigator', 'assay_decisions', 'SELECT')") == [["t"]])
        #expect(try postgres.query("SELECT to_regclass('assay_decisions_1')") == [[nil]])
        #expect(trail.producer(worker: 0).put() != nil)
        trail.close()
        #expect(try postgres.count("SELECT count(*) FROM assay_decisions") == 4001)
    }
}

/// No PostgreSQL needed.
struct DecisionPartitionTests {
    @Test func everyMomentHasOnePartitionAndTheyTouch() {
        let day = DecisionPartition.day(20_000)
        #expect(DecisionPartition(unixMicroseconds: day.microseconds.lowerBound) == day)
        #expect(DecisionPartition(unixMicroseconds: day.microseconds.upperBound - 1) == day)
        #expect(DecisionPartition(unixMicroseconds: day.microseconds.upperBound) == .day(20_001))
        #expect(DecisionPartition.early.microseconds.upperBound == DecisionPartition.day(18_262).microseconds.lowerBound)
        #expect(DecisionPartition.late.microseconds.lowerBound == DecisionPartition.day(47_481).microseconds.upperBound)
        for moment in [Int64.min, -1, 0] { #expect(DecisionPartition(unixMicroseconds: moment) == .early) }
        #expect(DecisionPartition(unixMicroseconds: .max) == .late)
    }

    @Test func aBlockOfManyDaysTakesNoMoreThanItsShare() throws {
        var builder = BlockBuilder()
        for day in 0..<200 {
            var record = AuditRecord()
            record.timeNanoseconds = (1_600_000_000 + Int64(day) * 86_400) * 1_000_000_000
            record.encoded().withUnsafeBytes { builder.append(UInt64(day + 1), $0) }
        }
        var bytes: [UInt8] = []
        let header = builder.seal(previousHash: .zero, timeNanoseconds: 1_700_000_000_000_000_000, into: &bytes)
        let stored = StoredBlock(header: header, offset: 0, payload: Array(bytes[BlockHeader.byteCount...]))
        var encoder = CopyEncoder(serverID: [UInt8](repeating: 1, count: 16))
        encoder.encode(try #require(JournalBlock(stored, segment: "")), isFirst: true)
        // Its own time's day comes on top; the next block brings days of its own.
        let partitions = encoder.partitions
        #expect(partitions.count == AuditLimits.partitionsOfBlockMax + 1)
        #expect(partitions.contains(DecisionPartition(unixMicroseconds: 1_700_000_000_000_000)))
    }

    @Test func namesAndBoundsAreTheDays() {
        let day = DecisionPartition(unixMicroseconds: 1_709_164_800_000_000)
        #expect(day.name == "assay_decisions_20240229")
        #expect(day.bounds == "FROM ('2024-02-29 00:00:00+00') TO ('2024-03-01 00:00:00+00')")
        #expect(DecisionPartition.early.bounds == "FROM (MINVALUE) TO ('2020-01-01 00:00:00+00')")
        #expect(DecisionPartition.late.bounds == "FROM ('2100-01-01 00:00:00+00') TO (MAXVALUE)")
    }
}
