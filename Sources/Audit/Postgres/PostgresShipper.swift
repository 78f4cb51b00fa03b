import Glibc
import Logging
import Platform
import Synchronization

/// Brings the journal to PostgreSQL, each record once: rows and cursor move in one transaction. Has a thread of its own; scoring and
/// journal don't notice whether PostgreSQL is there.
final class PostgresShipper: @unchecked Sendable {
    // The shipper's thread owns these.
    private let url: String
    private let identity: JournalIdentity
    private let storage: any JournalStorage
    private let path: String
    private let tail: JournalTail
    private let logger: Logger
    private var cursor = ShipCursor()
    private var reader: JournalReader?
    /// A block that was read before it was durable, or that no longer fitted a batch.
    private var pending: JournalBlock?
    private var backoff = Backoff()
    private var generator = SystemRandomNumberGenerator()
    private var encoder: CopyEncoder
    private var lastProblem: PostgresProblem?

    // All threads use these.
    private struct Shared {
        var status = PostgresStatus()
        /// Journal bytes shipped, counted as `JournalTail.byteCount` counts.
        var shippedByteCount = 0
        /// The moment by which close() wants the thread gone.
        var closeBy: UInt64?
        var hasEnded = false
        var thread: WorkerThread?
    }
    private let shared = Mutex(Shared())
    private let wake: EventSignal

    init(
        url: String, identity: JournalIdentity, storage: any JournalStorage, configuration: AuditConfiguration, tail: JournalTail,
        logger: Logger
    ) throws(SystemError) {
        self.url = url
        self.identity = identity
        self.storage = storage
        path = configuration.journalDirectory
        self.tail = tail
        self.logger = logger
        encoder = CopyEncoder(serverID: identity.bytes)
        wake = try EventSignal()
    }

    var status: PostgresStatus {
        shared.withLock { shared in
            var status = shared.status
            status.backlogByteCount = max(0, tail.byteCount - shared.shippedByteCount)
            return status
        }
    }

    func start() {
        shared.withLock { shared in
            // The thread keeps the shipper alive, also when close() has given it up.
            shared.thread = WorkerThread(name: "assay-postgres") { self.run() }
        }
    }

    /// Something has become durable.
    func wakeUp() {
        shared.withLock { shared in
            if shared.status.behindSinceNanoseconds == nil { shared.status.behindSinceNanoseconds = Clock.wallNanoseconds() }
        }
        wake.signal()
    }

    /// Lets the thread ship what is durable for at most so long, then ends it. A thread that hangs in name resolution is left behind.
    func close(milliseconds: Int) {
        let closeBy = Clock.monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
        let thread = shared.withLock { shared in
            shared.closeBy = closeBy
            return shared.thread
        }
        wake.signal()
        // Waiting is done in slices of 50 ms, so the thread needs a little longer than it is given.
        while Clock.monotonicNanoseconds() < closeBy + 500_000_000 {
            if shared.withLock({ $0.hasEnded }) { return thread?.join() ?? () }
            usleep(2_000)
        }
        logger.warning("audit: PostgreSQL's thread doesn't end; left behind")
    }

    // MARK: The shipper's thread

    private func run() {
        while true {
            do throws(PostgresProblem) {
                try session()
                return end(.closed, nil)
            } catch {
                report(error)
                if error == .closing { return end(.closed, lastProblem) }
                if error.isFinal { return end(.refused, error) }
                if closeBy != nil { return end(.closed, error) }
                set(.waiting, error)
                pause(backoff.next(using: &generator))
            }
        }
    }

    /// One connection's life; returns when the trail is being closed and all is shipped.
    private func session() throws(PostgresProblem) {
        let connection = try PostgresConnection(url: url) { [self] in closeBy }
        try PostgresSchema.migrate(connection) { step in
            logger.notice("audit: PostgreSQL: the tables become those of version \(step.version): \(step.name)")
        }
        var partitions = PostgresPartitions()
        try partitions.makeAhead(unixNanoseconds: Clock.wallNanoseconds(), connection)
        try takeCursor(connection)
        shared.withLock { $0.status.connectionCount += 1 }
        set(.shipping, nil)
        if lastProblem != nil { logger.notice("audit: PostgreSQL is back") }
        lastProblem = nil
        while true {
            let written = tail.byteCount
            guard let first = try nextBlock() else {
                noteCaughtUp(written)
                if closeBy != nil { return }
                wake.wait(milliseconds: -1)
                continue
            }
            encoder.encode(first, isFirst: true)
            try partitions.makeAhead(unixNanoseconds: Clock.wallNanoseconds(), connection)
            try partitions.ensure(encoder.partitions, connection)
            try ship(first, connection)
            backoff.reset()
            if let closeBy, Clock.monotonicNanoseconds() >= closeBy { throw .closing }
        }
    }

    private func takeCursor(_ connection: PostgresConnection) throws(PostgresProblem) {
        try connection.execute(
            "INSERT INTO assay_cursor (server_id, next_sequence) VALUES ('\(identity)', 1) ON CONFLICT (server_id) DO NOTHING")
        let row = try connection.execute(
            "SELECT next_sequence, encode(chain, 'hex') FROM assay_cursor WHERE server_id = '\(identity)'")
        guard let fields = row.first, fields.count == 2, let text = fields[0], let found = UInt64(text) else {
            throw .unexpectedAnswer
        }
        if cursor.isNews(found) { try checkHistory(found, chain: fields[1].flatMap { SHA256Digest(hex: $0) }) }
        try cursor.found(found)
        try openReader(from: found)
        shared.withLock { $0.status.shippedSequence = found - 1 }
    }

    private func checkHistory(_ found: UInt64, chain: SHA256Digest?) throws(PostgresProblem) {
        var block: JournalBlock?
        do throws(AuditError) {
            var reader = try JournalReader(storage: storage, path: path, from: max(1, found - 1))
            block = try reader.nextBlock()
        } catch { throw .journalUnreadable }
        guard ShipCursor.isOfThisHistory(found, chain: chain, block: block?.header) else { throw .otherHistory(cursor: found) }
    }

    private func openReader(from sequence: UInt64) throws(PostgresProblem) {
        do throws(AuditError) {
            reader = try JournalReader(storage: storage, path: path, from: sequence)
            pending = nil
            let written = tail.byteCount
            let backlog = try JournalReader.byteCount(from: sequence, storage: storage, path: path)
            shared.withLock { $0.shippedByteCount = written - backlog }
        } catch { throw .journalUnreadable }
    }

    /// The next durable block, which stays pending until it is taken; nil: there is none now.
    private func nextBlock() throws(PostgresProblem) -> JournalBlock? {
        let durable = tail.durableSequence
        do throws(AuditError) {
            if pending == nil { pending = try reader?.nextBlock() }
        } catch { throw .journalUnreadable }
        let damageCount = reader?.damageCount ?? 0
        shared.withLock { $0.status.damageCount = damageCount }
        guard let block = pending, block.header.lastSequence <= durable else { return nil }
        return block
    }

    /// Ships durable blocks in one transaction, from the one on that is pending and encoded. Rows leave block by block, as they are made.
    private func ship(_ first: JournalBlock, _ connection: PostgresConnection) throws(PostgresProblem) {
        guard let next = cursor.next else { return }
        let row = try connection.execute(
            """
            BEGIN;
            SET LOCAL statement_timeout = \(AuditLimits.statementMilliseconds);
            SET LOCAL idle_in_transaction_session_timeout = \(2 * AuditLimits.statementMilliseconds);
            SELECT next_sequence FROM assay_cursor WHERE server_id = '\(identity)' FOR UPDATE
            """)
        guard let text = row.first?.first ?? nil, let found = UInt64(text) else { throw .unexpectedAnswer }
        // Moved on by whoever else ships with this identity, or moved back by an administrator, which a new connection sorts out. The
        // transaction ends with the connection.
        guard found == next else { throw found > next ? .secondWriter(expected: next, found: found) : .unexpectedAnswer }
        let batch = try copy(first, connection)
        try connection.execute(
            """
            UPDATE assay_cursor SET next_sequence = \(batch.nextSequence), chain = '\\x\(batch.last.hash.hex)', updated_at = now()
            WHERE server_id = '\(identity)'
            """)
        cursor.committing(batch.nextSequence)
        try connection.execute("COMMIT")
        cursor.committed()
        shared.withLock { shared in
            shared.status.shippedSequence = batch.nextSequence - 1
            // What is still to come was written later.
            shared.status.behindSinceNanoseconds = batch.last.timeNanoseconds
            shared.status.rowCount += UInt64(batch.rowCount)
            shared.shippedByteCount += batch.byteCount
        }
    }

    private func copy(_ first: JournalBlock, _ connection: PostgresConnection) throws(PostgresProblem) -> ShipBatch {
        var batch = ShipBatch(first, partitions: encoder.partitions)
        pending = nil
        try connection.beginCopy(CopyEncoder.statement)
        try putEncoded(connection)
        while let block = try nextBlock(), batch.hasRoom(for: block) {
            encoder.encode(block, isFirst: false)
            // Tables of other days are made between transactions: the block begins the next batch.
            guard encoder.partitions.isSubset(of: batch.partitions) else { break }
            try putEncoded(connection)
            batch.append(block)
            pending = nil
        }
        encoder.encodeEnd()
        try putEncoded(connection)
        guard try connection.endCopy() == batch.rowCount else { throw .unexpectedAnswer }
        return batch
    }

    private func putEncoded(_ connection: PostgresConnection) throws(PostgresProblem) {
        try unsafe encoder.withBytes { bytes throws(PostgresProblem) in try unsafe connection.put(bytes) }
    }

    // MARK: State

    private var closeBy: UInt64? { shared.withLock { $0.closeBy } }

    private func set(_ state: PostgresStatus.State, _ problem: PostgresProblem?) {
        shared.withLock { shared in
            shared.status.state = state
            shared.status.problem = problem
        }
    }

    private func end(_ state: PostgresStatus.State, _ problem: PostgresProblem?) {
        set(state, problem)
        shared.withLock { $0.hasEnded = true }
    }

    /// Says a problem once, not at every attempt.
    private func report(_ problem: PostgresProblem) {
        defer { lastProblem = problem }
        guard problem != lastProblem, problem != .closing else { return }
        if problem.isFinal {
            logger.error("audit: PostgreSQL: \(problem)")
        } else {
            logger.warning("audit: PostgreSQL: \(problem)")
        }
    }

    /// Nothing durable is left. When nothing at all is left, the count of shipped bytes is set right: unreadable bytes aren't in it.
    private func noteCaughtUp(_ written: Int) {
        let isAll = pending == nil
        shared.withLock { shared in
            shared.status.behindSinceNanoseconds = nil
            if isAll { shared.shippedByteCount = max(shared.shippedByteCount, written) }
        }
    }

    /// Sleeps for so long or until close.
    private func pause(_ milliseconds: Int) {
        let until = Clock.monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
        while closeBy == nil {
            let now = Clock.monotonicNanoseconds()
            guard now < until else { return }
            // Signals for what became durable end a wait early; the rest of the pause follows.
            wake.wait(milliseconds: Int32((until - now) / 1_000_000 + 1))
        }
    }
}
