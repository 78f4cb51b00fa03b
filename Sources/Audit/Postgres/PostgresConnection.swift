import CPostgres
import Glibc
import Platform

/// One connection through libpq, never waiting longer than it is told. Used by one thread.
@safe final class PostgresConnection {
    /// Waiting is cut into slices, so that a deadline that moves (close) is noticed.
    private static let sliceMilliseconds: Int32 = 50
    /// COPY data handed to libpq at once.
    private static let pieceByteCount = 32 << 10
    // Safety: owned by this object, finished at deinit; libpq objects are used by one thread at a time.
    private let connection: OpaquePointer
    /// The moment by which everything must be done, when the trail is being closed; monotonic nanoseconds.
    private let limit: () -> UInt64?

    /// Connects, or throws after the connect timeout. Only the resolution of the host's name isn't bounded: libpq does that in one call.
    init(url: String, limit: @escaping () -> UInt64?) throws(PostgresProblem) {
        self.limit = limit
        guard Self.parses(url) else { throw .badConnectionString }
        let settings = [("dbname", url), ("fallback_application_name", "assay"), ("client_encoding", "UTF8")]
        guard let connection = unsafe Self.start(settings) else { throw .connectFailed }
        unsafe self.connection = connection
        // Notices ("relation exists, skipping") would go to standard error.
        unsafe PQsetNoticeReceiver(connection, { _, _ in }, nil)
        try complete(deadline: deadline(AuditLimits.connectMilliseconds))
        guard unsafe PQsetnonblocking(connection, 1) == 0 else { throw .connectFailed }
    }

    deinit { unsafe PQfinish(connection) }

    private static func parses(_ url: String) -> Bool {
        var message: UnsafeMutablePointer<CChar>?
        let options = unsafe PQconninfoParse(url, &message)
        unsafe PQconninfoFree(options)
        unsafe PQfreemem(message)
        return unsafe options != nil
    }

    private static func start(_ settings: [(String, String)]) -> OpaquePointer? {
        // Safety: the strings live until the call returns; libpq copies them. Both lists end with nil.
        let keywords = unsafe settings.map { unsafe UnsafePointer(strdup($0.0)) } + [nil]
        let values = unsafe settings.map { unsafe UnsafePointer(strdup($0.1)) } + [nil]
        defer { unsafe (keywords + values).forEach { unsafe free(UnsafeMutableRawPointer(mutating: $0)) } }
        return unsafe PQconnectStartParams(keywords, values, 1)
    }

    private func complete(deadline: Deadline) throws(PostgresProblem) {
        var events = Int16(POLLOUT)
        while true {
            if unsafe PQstatus(connection) == CONNECTION_BAD { throw connectProblem() }
            try wait(events, deadline)
            switch unsafe PQconnectPoll(connection) {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: events = Int16(POLLIN)
            case PGRES_POLLING_WRITING: events = Int16(POLLOUT)
            default: throw connectProblem()
            }
        }
    }

    private func connectProblem() -> PostgresProblem {
        unsafe PostgresProblem(connectMessage: String(cString: PQerrorMessage(connection)))
    }

    // MARK: Statements

    /// Runs statements (of our own making) and returns the last result's rows as text.
    @discardableResult
    func execute(_ sql: String, milliseconds: Int = AuditLimits.statementMilliseconds) throws(PostgresProblem) -> [[String?]] {
        let deadline = deadline(milliseconds)
        guard unsafe PQsendQuery(connection, sql) == 1 else { throw .connectionLost }
        try flush(deadline)
        var rows: [[String?]] = []
        try unsafe results(deadline) { result throws(PostgresProblem) in
            switch unsafe PQresultStatus(result) {
            case PGRES_COMMAND_OK: rows = []
            case PGRES_TUPLES_OK: rows = unsafe Self.rows(result)
            default: throw .unexpectedAnswer
            }
        }
        return rows
    }

    /// Begins a COPY … FROM STDIN; `put` its data, then `endCopy`.
    func beginCopy(_ sql: String) throws(PostgresProblem) {
        let deadline = deadline(AuditLimits.statementMilliseconds)
        guard unsafe PQsendQuery(connection, sql) == 1 else { throw .connectionLost }
        try flush(deadline)
        try awaitInput(deadline)
        guard let result = unsafe PQgetResult(connection) else { throw .unexpectedAnswer }
        defer { unsafe PQclear(result) }
        guard unsafe PQresultStatus(result) == PGRES_COPY_IN else { throw unsafe problem(result) }
    }

    /// Sends data of the COPY that was begun.
    func put(_ bytes: UnsafeRawBufferPointer) throws(PostgresProblem) {
        var offset = 0
        while offset < bytes.count {
            let deadline = deadline(AuditLimits.statementMilliseconds)
            let count = min(bytes.count - offset, Self.pieceByteCount)
            // Safety: inside `bytes`; libpq copies the piece. In non-blocking mode it takes it whole; flushing before the next one bounds its buffer.
            let piece = unsafe (bytes.baseAddress! + offset).assumingMemoryBound(to: CChar.self)
            guard unsafe PQputCopyData(connection, piece, Int32(count)) == 1 else { throw .connectionLost }
            try flush(deadline)
            offset += count
        }
    }

    /// Ends the COPY. Returns the count of rows that the server took.
    func endCopy() throws(PostgresProblem) -> Int {
        let deadline = deadline(AuditLimits.statementMilliseconds)
        guard unsafe PQputCopyEnd(connection, nil) == 1 else { throw .connectionLost }
        try flush(deadline)
        var count = 0
        try unsafe results(deadline) { result throws(PostgresProblem) in
            guard unsafe PQresultStatus(result) == PGRES_COMMAND_OK else { throw .unexpectedAnswer }
            count = unsafe Int(String(cString: PQcmdTuples(result))) ?? 0
        }
        return count
    }

    /// Calls `body` with every result of what was sent, to the last; the first failure is thrown after all have been taken.
    private func results(
        _ deadline: Deadline, _ body: (OpaquePointer) throws(PostgresProblem) -> Void
    ) throws(PostgresProblem) {
        var failure: PostgresProblem?
        while true {
            try awaitInput(deadline)
            guard let result = unsafe PQgetResult(connection) else { break }
            defer { unsafe PQclear(result) }
            switch unsafe PQresultStatus(result) {
            case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE, PGRES_NONFATAL_ERROR: unsafe failure = failure ?? problem(result)
            default: do throws(PostgresProblem) { try unsafe body(result) } catch { failure = failure ?? error }
            }
            if unsafe PQstatus(connection) == CONNECTION_BAD { throw failure ?? .connectionLost }
        }
        if let failure { throw failure }
    }

    private func problem(_ result: OpaquePointer) -> PostgresProblem {
        guard unsafe PQstatus(connection) != CONNECTION_BAD else { return .connectionLost }
        // Safety: the field is a NUL-terminated text that lives as long as the result. 'C' is PG_DIAG_SQLSTATE, a macro Swift can't see.
        guard let state = unsafe PQresultErrorField(result, Int32(UInt8(ascii: "C"))) else { return .connectionLost }
        return unsafe .statementFailed(sqlState: String(cString: state))
    }

    private static func rows(_ result: OpaquePointer) -> [[String?]] {
        unsafe (0..<PQntuples(result)).map { row in
            unsafe (0..<PQnfields(result)).map { column in
                unsafe PQgetisnull(result, row, column) == 1 ? nil : String(cString: PQgetvalue(result, row, column))
            }
        }
    }

    // MARK: Waiting

    private struct Deadline {
        let nanoseconds: UInt64
        let milliseconds: Int
    }

    private func deadline(_ milliseconds: Int) -> Deadline {
        Deadline(nanoseconds: Clock.monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000, milliseconds: milliseconds)
    }

    /// Sends what libpq holds back, reading meanwhile: a server that wants to be read first would otherwise wait for us for ever.
    private func flush(_ deadline: Deadline) throws(PostgresProblem) {
        while true {
            switch unsafe PQflush(connection) {
            case 0: return
            case 1:
                try wait(Int16(POLLIN | POLLOUT), deadline)
                guard unsafe PQconsumeInput(connection) == 1 else { throw .connectionLost }
            default: throw .connectionLost
            }
        }
    }

    private func awaitInput(_ deadline: Deadline) throws(PostgresProblem) {
        while unsafe PQisBusy(connection) == 1 {
            try wait(Int16(POLLIN), deadline)
            // A lost connection still delivers the error it got; PQgetResult has it.
            if unsafe PQconsumeInput(connection) != 1 { return }
        }
    }

    private func wait(_ events: Int16, _ deadline: Deadline) throws(PostgresProblem) {
        while true {
            let now = Clock.monotonicNanoseconds()
            guard now < deadline.nanoseconds else { throw .timedOut(milliseconds: deadline.milliseconds) }
            if let limit = limit(), now >= limit { throw .closing }
            var entry = unsafe pollfd(fd: PQsocket(connection), events: events, revents: 0)
            guard entry.fd >= 0 else { throw .connectionLost }
            if unsafe poll(&entry, 1, Self.sliceMilliseconds) > 0 { return }
        }
    }
}
