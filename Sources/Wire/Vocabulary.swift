/// How a request ended; raw values are those of `assay.v1.Status`.
public enum Status: UInt32, Sendable, CaseIterable {
    case ok = 0
    case invalidArgument = 1
    case notFound = 2
    case deadlineExceeded = 3
    case resourceExhausted = 4
    case auditUnavailable = 5
    case unavailable = 6
    case permissionDenied = 7
    case unimplemented = 8
    case `internal` = 9
    case badFrame = 10
    case failedPrecondition = 11

    /// As in the contract, without its prefix: `INVALID_ARGUMENT`.
    public var name: String {
        switch self {
        case .ok: "OK"
        case .invalidArgument: "INVALID_ARGUMENT"
        case .notFound: "NOT_FOUND"
        case .deadlineExceeded: "DEADLINE_EXCEEDED"
        case .resourceExhausted: "RESOURCE_EXHAUSTED"
        case .auditUnavailable: "AUDIT_UNAVAILABLE"
        case .unavailable: "UNAVAILABLE"
        case .permissionDenied: "PERMISSION_DENIED"
        case .unimplemented: "UNIMPLEMENTED"
        case .internal: "INTERNAL"
        case .badFrame: "BAD_FRAME"
        case .failedPrecondition: "FAILED_PRECONDITION"
        }
    }
}

/// What a request asks for; raw values are the field numbers of the oneof `method`.
public enum Method: UInt32, Sendable, CaseIterable {
    case score = 3
    case scoreBatch = 4
    case hello = 5
    case health = 6
    case getDecision = 7
    case listModels = 16
    case describeModel = 17
    case fetchBundle = 18
    case stats = 19
    case setAlias = 30
    case rollback = 31

    /// As metrics and logs name it.
    public var name: String {
        switch self {
        case .score: "score"
        case .scoreBatch: "score_batch"
        case .hello: "hello"
        case .health: "health"
        case .getDecision: "get_decision"
        case .listModels: "list_models"
        case .describeModel: "describe_model"
        case .fetchBundle: "fetch_bundle"
        case .stats: "stats"
        case .setAlias: "set_alias"
        case .rollback: "rollback"
        }
    }
}

/// What a reply waits for; raw values are those of `assay.v1.Durability` (0: as the server is set).
public enum WireDurability: UInt32, Sendable, CaseIterable {
    case unspecified = 0
    /// The record is in memory that survives the process.
    case memory = 1
    /// The record is on disk.
    case disk = 2

    public var name: String {
        switch self {
        case .unspecified: "unspecified"
        case .memory: "memory"
        case .disk: "disk"
        }
    }
}

/// What is to be done with a transaction; raw values are those of `assay.v1.Outcome` (0: not stated).
public enum WireOutcome: UInt32, Sendable, CaseIterable {
    case unspecified = 0
    case approve = 1
    case review = 2
    case decline = 3

    public var name: String {
        switch self {
        case .unspecified: "unspecified"
        case .approve: "approve"
        case .review: "review"
        case .decline: "decline"
        }
    }
}

/// The step of the cascade that answered; raw values are those of `assay.v1.Stage`.
public enum WireStage: UInt32, Sendable, CaseIterable {
    case unspecified = 0
    case online = 1
    case batch = 2
    case heuristic = 3

    public var name: String {
        switch self {
        case .unspecified: "unspecified"
        case .online: "online"
        case .batch: "batch"
        case .heuristic: "heuristic"
        }
    }
}
