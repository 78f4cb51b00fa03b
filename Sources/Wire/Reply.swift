import AssayProto
import CProtobufC

/// A reply as values: what clients decode, and what the server builds of the methods that are asked seldom.
public struct Reply: Equatable, Sendable {
    public var id: UInt64
    public var status: Status
    public var error: ReplyError?
    public var body: ReplyBody?

    public init(id: UInt64, body: ReplyBody) {
        self.id = id
        status = .ok
        self.body = body
    }

    public init(id: UInt64, status: Status, error: ReplyError) {
        self.id = id
        self.status = status
        self.error = error
    }

    init(id: UInt64, status: Status, error: ReplyError?, body: ReplyBody?) {
        self.id = id
        self.status = status
        self.error = error
        self.body = body
    }
}

/// Why there is no result.
public struct ReplyError: Error, Equatable, Sendable {
    /// UPPER_SNAKE_CASE, listed in docs/PROTOCOL.md.
    public var reason: String
    public var text: String
    /// 0: a retry makes no sense.
    public var retryAfterMicroseconds: UInt64

    public init(reason: String, text: String, retryAfterMicroseconds: UInt64 = 0) {
        self.reason = reason
        self.text = text
        self.retryAfterMicroseconds = retryAfterMicroseconds
    }
}

public enum ReplyBody: Equatable, Sendable {
    case decision(DecisionMessage)
    case scoreBatch(ScoreBatchMessage)
    case hello(HelloMessage)
    case health(HealthMessage)
    /// An encoded `assay.v1.AuditRecord`.
    /// `records`: for a transaction id all that were found, newest first; `record` is the first of them.
    case getDecision(record: [UInt8], records: [[UInt8]] = [])
    case listModels([ModelVersionMessage])
    case describeModel(ModelDescription)
    case fetchBundle(BundlePiece)
    case stats(StatsMessage)
    case setAlias(previousVersion: UInt32, version: UInt32)
    case rollback(previousVersion: UInt32, version: UInt32)
}

public struct ReasonMessage: Equatable, Sendable {
    public var code: String
    public var feature: String
    public var value: Double
    public var threshold: Double
    public var contribution: Double
    public var text: String

    public init(
        code: String, feature: String = "", value: Double = 0, threshold: Double = 0, contribution: Double = 0, text: String = ""
    ) {
        self.code = code
        self.feature = feature
        self.value = value
        self.threshold = threshold
        self.contribution = contribution
        self.text = text
    }
}

/// The full answer to one score request (`assay.v1.Decision`).
public struct DecisionMessage: Equatable, Sendable {
    public var score = 0.0
    public var outcome = WireOutcome.unspecified
    public var stage = WireStage.unspecified
    public var bundle = ""
    public var version: UInt32 = 0
    /// SHA-256 of the bundle file.
    public var digest: [UInt8] = []
    public var auditSequence: UInt64 = 0
    public var serverNanoseconds: UInt64 = 0
    /// All outputs, when there is more than one.
    public var scores: [Double] = []
    public var raw: [Double] = []
    public var reasons: [ReasonMessage] = []
    public var isUnproven = false

    public init() {}
}

/// Columns, one entry a row (`assay.v1.ScoreBatchReply`).
public struct ScoreBatchMessage: Equatable, Sendable {
    public var scores: [Double] = []
    public var outcomes: [WireOutcome] = []
    public var stage = WireStage.unspecified
    public var bundle = ""
    public var version: UInt32 = 0
    public var digest: [UInt8] = []
    public var auditSequenceFirst: UInt64 = 0
    public var serverNanoseconds: UInt64 = 0
    public var allScores: [Double] = []
    public var raw: [Double] = []
    public var isUnproven = false

    public init() {}

    /// No reply to a ScoreBatch is longer; `rawCount` is 0 when the margins are not wanted.
    public static func byteCountMax(rowCount: Int, outputCount: Int, rawCount: Int) -> Int {
        // A score and an outcome a row, then the columns of all outputs; names, digest, tags and lengths stay below 512.
        512 + rowCount * (9 + 8 * (outputCount > 1 ? outputCount : 0) + 8 * rawCount)
    }
}

public struct HelloMessage: Equatable, Sendable {
    public var protocolVersion: UInt32 = 1
    public var serverVersion = ""
    public var serverID: [UInt8] = []
    public var frameByteCountMax: UInt32 = 0
    public var inFlightMax: UInt32 = 0
    public var batchRowCountMax: UInt32 = 0

    public init() {}
}

public struct HealthMessage: Equatable, Sendable {
    public struct Reason: Equatable, Sendable {
        public var code: String
        public var text: String
        public var isBlocking: Bool

        public init(code: String, text: String, isBlocking: Bool) {
            self.code = code
            self.text = text
            self.isBlocking = isBlocking
        }
    }

    public var isReady: Bool
    public var reasons: [Reason]

    public init(isReady: Bool, reasons: [Reason]) {
        self.isReady = isReady
        self.reasons = reasons
    }
}

public struct ModelVersionMessage: Equatable, Sendable {
    public var bundle = ""
    public var version: UInt32 = 0
    public var digest: [UInt8] = []
    public var aliases: [String] = []
    public var isUnproven = false
    /// Empty when admitted.
    public var refused = ""

    public init() {}
}

public struct ModelDescription: Equatable, Sendable {
    public struct Feature: Equatable, Sendable {
        public var name: String
        public var type: String
        public var isMissingAllowed: Bool
        public var source: String

        public init(name: String, type: String, isMissingAllowed: Bool, source: String) {
            self.name = name
            self.type = type
            self.isMissingAllowed = isMissingAllowed
            self.source = source
        }
    }
    public struct Provenance: Equatable, Sendable {
        public var key: String
        public var value: String

        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    public var model = ModelVersionMessage()
    public var features: [Feature] = []
    public var outputCount: UInt32 = 0
    public var precisionBits: UInt32 = 32
    public var reviewThreshold = 0.0
    public var declineThreshold = 0.0
    public var decidingOutput: UInt32 = 0
    public var objective = ""
    public var treeCount: UInt32 = 0
    public var nodeCount: UInt64 = 0
    public var byteCount: UInt64 = 0
    public var goldenRowCount: UInt32 = 0
    public var provenance: [Provenance] = []

    public init() {}
}

/// A piece of a bundle file.
public struct BundlePiece: Equatable, Sendable {
    public var version: UInt32
    public var digest: [UInt8]
    /// Of the whole file.
    public var byteCount: UInt64
    public var offset: UInt64
    public var bytes: [UInt8]

    public init(version: UInt32, digest: [UInt8], byteCount: UInt64, offset: UInt64, bytes: [UInt8]) {
        self.version = version
        self.digest = digest
        self.byteCount = byteCount
        self.offset = offset
        self.bytes = bytes
    }
}

public struct StatsMessage: Equatable, Sendable {
    public var uptimeMicroseconds: UInt64 = 0
    public var connectionsOpen: UInt64 = 0
    public var connectionsTotal: UInt64 = 0
    public var requestsTotal: UInt64 = 0
    public var decisionsTotal: UInt64 = 0
    public var errorsTotal: UInt64 = 0
    public var auditSequenceLast: UInt64 = 0
    public var auditSequenceDurable: UInt64 = 0
    public var auditBacklogByteCount: UInt64 = 0
    public var auditSequenceShipped: UInt64 = 0
    public var swapsTotal: UInt64 = 0
    /// Indexed by the outcome's number.
    public var decisionsByOutcome: [UInt64] = []

    public init() {}
}
