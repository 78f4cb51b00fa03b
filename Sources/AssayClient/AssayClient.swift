import NIOCore
import NIOPosix
import Platform
import Wire

/// A client of an Assay server: a small pool of connections that are opened when they are needed and replaced when they are lost.
///
/// Nothing is retried: a request whose reply is lost may have been decided and recorded (`AssayError.maybeExecuted`), and whether it
/// may be asked again is the caller's to know.
public final class AssayClient: Sendable {
    public let address: ServerAddress
    public let configuration: ClientConfiguration
    private let pool: ConnectionPool

    /// Opens no connection yet.
    public init(
        _ address: ServerAddress, configuration: ClientConfiguration = ClientConfiguration(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) {
        self.address = address
        self.configuration = configuration
        let count = min(max(1, configuration.connectionCount), ClientLimits.connectionCountMax)
        pool = ConnectionPool(count: count) { () async throws(AssayError) in
            try await AssayConnection.connect(to: address, configuration: configuration, group: group)
        }
    }

    /// Closes all connections; later calls fail with `closed`.
    public func close() async { await pool.close() }

    /// Sends any request and returns its result.
    public func call(_ body: RequestBody, timeout: Duration? = nil) async throws(AssayError) -> ReplyBody {
        try await pool.connection().call(body, timeout: timeout)
    }
}

extension AssayClient {
    /// Scores one row or transaction. With `request.durability` `.disk` the reply comes when the decision's record is on disk.
    public func score(_ request: ScoreRequest, timeout: Duration? = nil) async throws(AssayError) -> DecisionMessage {
        guard case .decision(let decision) = try await call(.score(request), timeout: timeout) else {
            throw .wrongResult(method: .score)
        }
        return decision
    }

    /// Scores a feature vector in schema order, NaN where missing, with the bundle's `champion`.
    public func score(bundle: String, features: [Float], timeout: Duration? = nil) async throws(AssayError) -> DecisionMessage {
        try await score(ScoreRequest(model: ModelReference(bundle: bundle), input: .features32(features)), timeout: timeout)
    }

    /// Scores a typed transaction with the bundle's `champion`.
    public func score(
        bundle: String, transaction: TypedTransaction, timeout: Duration? = nil
    ) async throws(AssayError) -> DecisionMessage {
        try await score(ScoreRequest(model: ModelReference(bundle: bundle), input: transaction.scoreInput), timeout: timeout)
    }

    /// Scores many rows, all by one version.
    public func scoreBatch(_ request: ScoreBatchRequest, timeout: Duration? = nil) async throws(AssayError) -> ScoreBatchMessage {
        guard case .scoreBatch(let batch) = try await call(.scoreBatch(request), timeout: timeout) else {
            throw .wrongResult(method: .scoreBatch)
        }
        return batch
    }

    /// The audit record of a decision: an encoded `assay.v1.AuditRecord`, as it is in the journal (`AuditRecord.decode` reads it).
    public func getDecision(auditSequence: UInt64, timeout: Duration? = nil) async throws(AssayError) -> [UInt8] {
        guard case .getDecision(let record, _) = try await call(.getDecision(auditSequence: auditSequence), timeout: timeout)
        else {
            throw .wrongResult(method: .getDecision)
        }
        return record
    }

    /// The audit records of the decisions made under a transaction id, the newest first; never empty: no decision is the error `NOT_FOUND`.
    ///
    /// - Parameter limit: how many at most, 1-100; 0: the server's default, 10.
    public func getDecisions(
        transactionID: String, limit: Int = 0, timeout: Duration? = nil
    ) async throws(AssayError) -> [[UInt8]] {
        let query = RequestBody.getDecision(auditSequence: 0, transactionID: transactionID, limit: UInt32(clamping: limit))
        guard case .getDecision(_, let records) = try await call(query, timeout: timeout) else {
            throw .wrongResult(method: .getDecision)
        }
        return records
    }

    /// Greets the server again, and so learns what it is and what it allows.
    public func hello(timeout: Duration? = nil) async throws(AssayError) -> HelloMessage {
        let request = HelloRequest(
            clientName: configuration.clientName, clientVersion: configuration.clientVersion, acceptsLZ4: configuration.acceptsLZ4
        )
        guard case .hello(let hello) = try await call(.hello(request), timeout: timeout) else {
            throw .wrongResult(method: .hello)
        }
        return hello
    }

    /// Whether the server is ready, and why not.
    public func health(timeout: Duration? = nil) async throws(AssayError) -> HealthMessage {
        guard case .health(let health) = try await call(.health, timeout: timeout) else { throw .wrongResult(method: .health) }
        return health
    }

    public func stats(timeout: Duration? = nil) async throws(AssayError) -> StatsMessage {
        guard case .stats(let stats) = try await call(.stats, timeout: timeout) else { throw .wrongResult(method: .stats) }
        return stats
    }
}
