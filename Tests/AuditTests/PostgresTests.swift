import CPostgres
import Glibc
import Platform
import Synchronization
import Testing
import Wire

@testable import Audit

/// With a real PostgreSQL, one at a time: each has a server process of its own.
@Suite(.serialized, .enabled(if: PrivatePostgres.isInstalled)) struct PostgresTests {
    let directory = TemporaryDirectory()

    func open(_ postgres: PrivatePostgres, url: String? = nil) throws -> AuditTrail {
        var configuration = directory.configuration()
        configuration.ringByteCount = 1 << 20
        configuration.syncIntervalMilliseconds = 10
        configuration.postgresURL = url ?? postgres.url
        return try AuditTrail.open(configuration, logger: quietLogger)
    }

    /// Puts records for as long as `body` runs; returns how many were taken.
    func underLoad(_ trail: AuditTrail, _ body: () throws -> Void) throws -> Int {
        let isDone = Atomic<Bool>(false)
        let count = Atomic<Int>(0)
        let producer = UncheckedBox(trail.producer(worker: 0))
        return try withExtendedLifetime(trail) {
            try withoutActuallyEscaping(body) { body in
                let worker = WorkerThread(name: "load") { [producer] in
                    while !isDoneFlag(isDone) {
                        if producer.value.put() != nil { count.wrappingAdd(1, ordering: .relaxed) }
                        usleep(300)
                    }
                }
                defer {
                    isDone.store(true, ordering: .relaxed)
                    worker.join()
                }
                try body()
            }
            return count.load(ordering: .relaxed)
        }
    }

    /// Rows, distinct numbers and journal agree.
    func expectExactlyOnce(_ postgres: PrivatePostgres, _ count: Int) throws {
        #expect(try postgres.count("SELECT count(*) FROM assay_decisions") == count)
        #expect(try postgres.count("SELECT count(DISTINCT sequence) FROM assay_decisions") == count)
        let records = try allRecords(directory.journal).filter { !$0.isVoid }
        #expect(records.count == count)
        let next = try postgres.count("SELECT next_sequence FROM assay_cursor")
        #expect(try UInt64(next) == (allRecords(directory.journal).last?.lastSequence ?? 0) + 1)
    }

    @Test func everyColumnArrivesAsItWas() throws {
        let postgres = try PrivatePostgres()
        let trail = try open(postgres)
        let producer = trail.producer(worker: 0)
        var record = AuditRecord()
        record.sequence = 1
        record.timeNanoseconds = 1_234_567_890_123_456_789
        record.bundle = "cards"
        record.version = .max
        record.digest = (0..<32).map { $0 }
        record.scores = [0.25, -1.5].flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian) { [UInt8]($0) } }
        record.score = 0.1 + 0.2
        record.outcome = .review
        record.stage = .heuristic
        record.transactionID = "päckchen 🦊"
        record.caller = "'; DROP TABLE assay_decisions; --"
        record.requestID = .max
        record.serverNanoseconds = 4711
        record.alias = "champion"
        record.isUnproven = true
        let bytes = record.encoded()
        let sequence = try required(producer.reserve(count: 1, byteCountMax: 1024))
        producer.append(sequence: sequence) {
            $0.copyBytes(from: bytes); return bytes.count
        }
        producer.commit()
        trail.close()
        let row = try postgres.query(
            """
            SELECT server_id, sequence, decided_at AT TIME ZONE 'UTC', bundle, version, encode(digest, 'hex'), outcome, stage,
                score = 0.1::float8 + 0.2::float8, scores, transaction_id, caller, request_id, alias, server_ns, unproven, encode(record, 'hex')
            FROM assay_decisions
            """)
        let digits = Array("0123456789abcdef")
        let hex = { (bytes: [UInt8]) in String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }) }
        #expect(
            row == [
                [
                    "\(trail.identity)", "1", "2009-02-13 23:31:30.123456", "cards", "4294967295", hex(record.digest), "review",
                    "heuristic",
                    "t", "{0.25,-1.5}", "päckchen 🦊", "'; DROP TABLE assay_decisions; --", "18446744073709551615", "champion",
                    "4711", "t",
                    hex(bytes),
                ]
            ])
    }

    @Test func oddValuesDontHoldUpTheOthers() throws {
        let postgres = try PrivatePostgres()
        let trail = try open(postgres)
        let producer = trail.producer(worker: 0)
        var odd: [[UInt8]] = []
        for value in [Double.nan, .infinity, -0.0] {
            var record = AuditRecord()
            record.score = value
            record.timeNanoseconds = value.isNaN ? .min : .max
            odd.append(record.encoded())
        }
        // No AuditRecord at all; a transaction id that is no UTF-8 and has a zero byte (field 16).
        odd.append([0xff, 0xff, 0xff])
        odd.append([0x82, 0x01, 4, 0x61, 0x00, 0xff, 0x62])
        for bytes in odd {
            let sequence = try required(producer.reserve(count: 1, byteCountMax: 256))
            producer.append(sequence: sequence) {
                $0.copyBytes(from: bytes); return bytes.count
            }
        }
        // And a number given up in between.
        _ = producer.reserve(count: 2, byteCountMax: 64)
        producer.commit()
        #expect(producer.put() != nil)
        trail.close()
        #expect(trail.status.postgres?.problem == nil)
        #expect(try postgres.count("SELECT count(*) FROM assay_decisions") == odd.count + 1)
        #expect(try postgres.count("SELECT count(*) FROM assay_decisions WHERE sequence IN (6, 7)") == 0)
        #expect(try postgres.query("SELECT transaction_id FROM assay_decisions WHERE sequence = 5") == [["a\u{fffd}\u{fffd}b"]])
    }

    @Test func everyRecordOnceThroughCrashesOfPostgres() throws {
        let postgres = try PrivatePostgres()
        let trail = try open(postgres)
        var generator = SeededGenerator(seed: 20)
        let count = try underLoad(trail) {
            for _ in 0..<6 {
                let before = trail.status.postgres?.rowCount ?? 0
                #expect(eventually { (trail.status.postgres?.rowCount ?? 0) > before })
                // The moment of the crash is where it happens to be: waiting, copying, committing.
                usleep(UInt32.random(in: 0...200_000, using: &generator))
                postgres.kill9()
                usleep(UInt32.random(in: 0...200_000, using: &generator))
                try postgres.start()
            }
        }
        #expect(eventually { trail.status.postgres?.state == .shipping && trail.status.backlogByteCount == 0 })
        trail.close()
        #expect(trail.status.postgres?.state == .closed && trail.status.postgres?.problem == nil)
        #expect(trail.status.backlogByteCount == 0)
        #expect((trail.status.postgres?.connectionCount ?? 0) == 7)
        try expectExactlyOnce(postgres, count)
        print("postgres crashes: 6, rows = distinct = taken = \(count)")
    }

    @Test func backlogGrowsWhilePostgresIsAwayAndDrainsAfterwards() throws {
        let postgres = try PrivatePostgres()
        postgres.stop()
        let trail = try open(postgres)
        let count = try underLoad(trail) {
            #expect(eventually { trail.status.postgres?.state == .waiting && trail.status.backlogByteCount > 20_000 })
            #expect(trail.status.failure == nil && trail.status.postgres?.problem == .connectionRefused)
            try postgres.start()
            #expect(eventually { trail.status.postgres?.state == .shipping })
            postgres.stop()
            usleep(2_000_000)
            try postgres.start()
        }
        #expect(eventually { trail.status.postgres?.state == .shipping && trail.status.backlogByteCount == 0 })
        trail.close()
        try expectExactlyOnce(postgres, count)
        #expect(count > 1000)
    }

    @Test func restartGoesOnWhereTheCursorIs() throws {
        let postgres = try PrivatePostgres()
        var total = 0
        for _ in 0..<3 {
            let trail = try open(postgres)
            total += try underLoad(trail) { usleep(100_000) }
            trail.close()
        }
        try expectExactlyOnce(postgres, total)
        #expect(try postgres.query("SELECT version FROM assay_schema_migrations ORDER BY 1") == [["1"], ["2"]])
    }

    @Test func hungPostgresDoesntHangClose() throws {
        let postgres = try PrivatePostgres()
        let trail = try open(postgres)
        #expect(eventually { trail.status.postgres?.state == .shipping })
        postgres.freeze(true)
        let producer = trail.producer(worker: 0)
        #expect(producer.put() != nil)
        let start = Clock.monotonicNanoseconds()
        trail.close()
        let milliseconds = (Clock.monotonicNanoseconds() - start) / 1_000_000
        #expect(milliseconds < 8_000, "\(milliseconds) ms")
        postgres.freeze(false)
        let again = try open(postgres)
        #expect(again.recovery.wasClean)
        again.close()
        try expectExactlyOnce(postgres, 1)
    }

    @Test func secondWriterIsRefused() throws {
        let postgres = try PrivatePostgres()
        let trail = try open(postgres)
        let producer = trail.producer(worker: 0)
        #expect(producer.put() != nil)
        #expect(eventually { trail.status.shippedSequence == 1 })
        // What a server with a copy of this journal does.
        try postgres.query("UPDATE assay_cursor SET next_sequence = 3")
        #expect(producer.put() != nil)
        #expect(eventually { trail.status.postgres?.state == .refused })
        #expect(trail.status.postgres?.problem == .secondWriter(expected: 2, found: 3))
        #expect(trail.status.failure == nil && producer.put() != nil)
        trail.close()
        #expect(try postgres.count("SELECT count(*) FROM assay_decisions") == 1)
    }

    @Test func copyOfTheJournalThatWentItsOwnWayIsRefused() throws {
        let postgres = try PrivatePostgres()
        try open(postgres).close()
        let copy = try directory.crashImage()
        let trail = try open(postgres)
        var producer = trail.producer(worker: 0)
        for _ in 0..<10 { #expect(producer.put() != nil) }
        trail.close()
        var configuration = copy.configuration()
        configuration.postgresURL = postgres.url
        let other = try AuditTrail.open(configuration, logger: quietLogger)
        producer = other.producer(worker: 0)
        for _ in 0..<30 { #expect(producer.put() != nil) }
        #expect(eventually { other.status.postgres?.state == .refused })
        #expect(other.status.postgres?.problem == .otherHistory(cursor: 11))
        other.close()
        #expect(try postgres.count("SELECT count(*) FROM assay_decisions") == 10)
    }

    @Test func serversThatStartTogetherMigrateOnce() throws {
        let postgres = try PrivatePostgres()
        let directories = (0..<6).map { _ in TemporaryDirectory() }
        let trails = try directories.map { directory in
            var configuration = directory.configuration()
            configuration.postgresURL = postgres.url
            return try AuditTrail.open(configuration, logger: quietLogger)
        }
        for trail in trails {
            #expect(eventually { trail.status.postgres?.state == .shipping })
            let producer = trail.producer(worker: 0)
            for _ in 0..<10 { #expect(producer.put() != nil) }
        }
        for trail in trails { trail.close() }
        #expect(try postgres.count("SELECT count(*) FROM assay_schema_migrations") == PostgresSchema.version)
        #expect(try postgres.count("SELECT count(*) FROM assay_decisions") == 60)
        #expect(try postgres.count("SELECT count(*) FROM assay_cursor WHERE next_sequence = 11") == 6)
    }

    @Test func laterSchemaIsLeftAlone() throws {
        let postgres = try PrivatePostgres()
        try open(postgres).close()
        try postgres.query("INSERT INTO assay_schema_migrations VALUES (99, 'from the future')")
        let trail = try open(postgres)
        #expect(eventually { trail.status.postgres?.problem == .schemaTooNew(version: 99, known: PostgresSchema.version) })
        try postgres.query("DELETE FROM assay_schema_migrations WHERE version = 99")
        #expect(eventually { trail.status.postgres?.state == .shipping })
        trail.close()
    }

    @Test func wrongURLsLeaveTheTrailWorking() throws {
        let postgres = try PrivatePostgres()
        let cases: [(String, PostgresProblem)] = [
            ("postgresql://user:geheim@127.0.0.1:1/none", .connectionRefused),
            ("postgresql://user:geheim@no.such.host.invalid/none?connect_timeout=1", .hostUnknown),
            ("postgresql://user:geheim@host/db?nonsense=1", .badConnectionString),
            (postgres.url + "&dbname=missing", .databaseMissing),
            (postgres.url + "&user=nobody", .authenticationFailed),
        ]
        for (url, problem) in cases {
            let trail = try open(postgres, url: url)
            #expect(eventually { trail.status.postgres?.problem != nil })
            #expect(trail.status.postgres?.problem == problem)
            #expect(!"\(problem)".contains("geheim"))
            let producer = trail.producer(worker: 0)
            #expect(producer.put() != nil)
            trail.close()
        }
        #expect(try JournalVerifier.verify(directory.journal).recordCount == cases.count)
    }

    @Test func lostAnswerToCommitDoublesNothing() throws {
        // The cursor in PostgreSQL is where an unanswered COMMIT would have brought it, or where it was before.
        var cursor = ShipCursor()
        try cursor.found(1)
        cursor.committing(11)
        var done = cursor
        try done.found(11)
        #expect(done.next == 11)
        var notDone = cursor
        try notDone.found(1)
        #expect(notDone.next == 1)
        var stranger = cursor
        #expect(throws: PostgresProblem.secondWriter(expected: 11, found: 12)) { try stranger.found(12) }
        cursor.committed()
        #expect(cursor.next == 11 && cursor.inDoubt == nil)
    }
}

func isDoneFlag(_ flag: borrowing Atomic<Bool>) -> Bool { flag.load(ordering: .relaxed) }
