import AssayProto
import CProtobufC

/// A request as values: what clients build, and what the server decodes of the methods that are asked seldom.
public enum RequestBody: Equatable, Sendable {
    case score(ScoreRequest)
    case scoreBatch(ScoreBatchRequest)
    case hello(HelloRequest)
    case health
    /// By number, or (number 0) by transaction id: up to `limit` decisions, the newest first; 0: the server's default.
    case getDecision(auditSequence: UInt64, transactionID: String = "", limit: UInt32 = 0)
    case listModels
    case describeModel(ModelReference)
    case fetchBundle(ModelReference, offset: UInt64, byteCountMax: UInt32)
    case stats
    case setAlias(bundle: String, alias: String, version: UInt32, who: String, why: String)
    case rollback(bundle: String, alias: String, who: String, why: String)

    public var method: Method {
        switch self {
        case .score: .score
        case .scoreBatch: .scoreBatch
        case .hello: .hello
        case .health: .health
        case .getDecision: .getDecision
        case .listModels: .listModels
        case .describeModel: .describeModel
        case .fetchBundle: .fetchBundle
        case .stats: .stats
        case .setAlias: .setAlias
        case .rollback: .rollback
        }
    }
}

/// Which version of which bundle: a fixed one, or the one that an alias names.
public struct ModelReference: Equatable, Sendable {
    public var bundle: String
    /// Empty: `champion`.
    public var alias: String
    /// 0: by alias.
    public var version: UInt32

    public init(bundle: String, alias: String = "", version: UInt32 = 0) {
        self.bundle = bundle
        self.alias = alias
        self.version = version
    }
}

/// What is to be scored; NaN is a missing value.
public enum ScoreInput: Equatable, Sendable {
    case features32([Float])
    case features64([Double])
    /// Encoded `assay.v1.BitcoinTransaction`.
    case bitcoin([UInt8])
    /// Encoded `assay.v1.CardTransaction`.
    case card([UInt8])
}

public struct ScoreRequest: Equatable, Sendable {
    public var model: ModelReference
    public var input: ScoreInput
    public var transactionID = ""
    public var caller = ""
    public var explain: UInt32 = 0
    public var includesRaw = false
    public var durability = WireDurability.unspecified
    /// For servers that keep keys for it; others refuse it.
    public var personal: PersonalData?

    public init(model: ModelReference, input: ScoreInput) {
        self.model = model
        self.input = input
    }
}

public struct ScoreBatchRequest: Equatable, Sendable {
    public var model: ModelReference
    /// [rowCount, features] row-major.
    public var features32: [Float] = []
    /// The same, for bundles of that precision.
    public var features64: [Double] = []
    public var rowCount: UInt32
    public var transactionIDs: [String] = []
    public var caller = ""
    public var includesRaw = false
    public var durability = WireDurability.unspecified
    /// None, or one for each row.
    public var personal: [PersonalData] = []

    public init(model: ModelReference, features32: [Float], rowCount: UInt32) {
        self.model = model
        self.features32 = features32
        self.rowCount = rowCount
    }

    public init(model: ModelReference, features64: [Double], rowCount: UInt32) {
        self.model = model
        self.features64 = features64
        self.rowCount = rowCount
    }
}

public struct HelloRequest: Equatable, Sendable {
    public var protocolVersion: UInt32
    public var clientName: String
    public var clientVersion: String
    public var acceptsLZ4: Bool

    public init(protocolVersion: UInt32 = 1, clientName: String, clientVersion: String = "", acceptsLZ4: Bool = false) {
        self.protocolVersion = protocolVersion
        self.clientName = clientName
        self.clientVersion = clientVersion
        self.acceptsLZ4 = acceptsLZ4
    }
}

/// A whole request, to be framed.
public struct Request: Equatable, Sendable {
    public var id: UInt64
    /// Unix microseconds; 0: none.
    public var deadlineMicroseconds: Int64
    public var body: RequestBody

    public init(id: UInt64, deadlineMicroseconds: Int64 = 0, body: RequestBody) {
        self.id = id
        self.deadlineMicroseconds = deadlineMicroseconds
        self.body = body
    }

    /// The request as one frame, ready to be sent.
    public func frame() -> [UInt8] {
        let arena = MessageArena(byteCount: 4096)
        let message = unsafe arena.message(assay__v1__request__init)
        unsafe message.pointee.id = id
        unsafe message.pointee.deadline_us = deadlineMicroseconds
        unsafe body.fill(message, arena)
        let byteCount = unsafe assay__v1__request__get_packed_size(message)
        return unsafe [UInt8](unsafeUninitializedCapacity: Frame.headerByteCount + byteCount) { buffer, count in
            let base = buffer.baseAddress!
            unsafe Frame.writeHeader(base, byteCount: byteCount)
            unsafe assay__v1__request__pack(message, base + Frame.headerByteCount)
            count = Frame.headerByteCount + byteCount
        }
    }
}

extension RequestBody {
    /// The method set in a decoded request, nil when none of this version is (and for the two that have views).
    init?(_ request: UnsafeMutablePointer<Assay__V1__Request>) {
        let request = unsafe request.pointee
        switch unsafe request.method_case {
        case ASSAY__V1__REQUEST__METHOD_HELLO:
            let hello = unsafe request.hello.pointee
            self = unsafe .hello(
                HelloRequest(
                    protocolVersion: hello.protocol, clientName: TextView(hello.client_name).string,
                    clientVersion: TextView(hello.client_version).string, acceptsLZ4: hello.accepts_lz4 != 0))
        case ASSAY__V1__REQUEST__METHOD_HEALTH: self = .health
        case ASSAY__V1__REQUEST__METHOD_GET_DECISION:
            let query = unsafe request.get_decision.pointee
            self = unsafe .getDecision(
                auditSequence: query.audit_sequence, transactionID: TextView(query.transaction_id).string, limit: query.limit)
        case ASSAY__V1__REQUEST__METHOD_LIST_MODELS: self = .listModels
        case ASSAY__V1__REQUEST__METHOD_DESCRIBE_MODEL:
            let describe = unsafe request.describe_model.pointee
            self = unsafe .describeModel(ModelReference(describe.bundle, describe.alias, describe.version))
        case ASSAY__V1__REQUEST__METHOD_FETCH_BUNDLE:
            let fetch = unsafe request.fetch_bundle.pointee
            self = unsafe .fetchBundle(
                ModelReference(fetch.bundle, fetch.alias, fetch.version), offset: fetch.offset, byteCountMax: fetch.byte_count_max
            )
        case ASSAY__V1__REQUEST__METHOD_STATS: self = .stats
        case ASSAY__V1__REQUEST__METHOD_SET_ALIAS:
            let set = unsafe request.set_alias.pointee
            self = unsafe .setAlias(
                bundle: TextView(set.bundle).string, alias: TextView(set.alias).string, version: set.version,
                who: TextView(set.who).string, why: TextView(set.why).string)
        case ASSAY__V1__REQUEST__METHOD_ROLLBACK:
            let rollback = unsafe request.rollback.pointee
            self = unsafe .rollback(
                bundle: TextView(rollback.bundle).string, alias: TextView(rollback.alias).string,
                who: TextView(rollback.who).string, why: TextView(rollback.why).string)
        default: return nil
        }
    }

    /// Writes the method into a request that is being built in `arena`.
    func fill(_ request: UnsafeMutablePointer<Assay__V1__Request>, _ arena: MessageArena) {
        switch self {
        case .score(let score):
            unsafe request.pointee.method_case = ASSAY__V1__REQUEST__METHOD_SCORE
            unsafe request.pointee.score = score.message(arena)
        case .scoreBatch(let batch):
            unsafe request.pointee.method_case = ASSAY__V1__REQUEST__METHOD_SCORE_BATCH
            unsafe request.pointee.score_batch = batch.message(arena)
        case .hello(let hello):
            let message = unsafe arena.message(assay__v1__hello_request__init)
            unsafe message.pointee.protocol = hello.protocolVersion
            unsafe message.pointee.client_name = arena.string(hello.clientName)
            unsafe message.pointee.client_version = arena.string(hello.clientVersion)
            unsafe message.pointee.accepts_lz4 = hello.acceptsLZ4 ? 1 : 0
            unsafe request.pointee.method_case = ASSAY__V1__REQUEST__METHOD_HELLO
            unsafe request.pointee.hello = unsafe message
        case .health:
            unsafe request.pointee.method_case = ASSAY__V1__REQUEST__METHOD_HEALTH
            unsafe request.pointee.health = unsafe arena.message(assay__v1__health_request__init)
        case .getDecision(let auditSequence, let transactionID, let limit):
            let message = unsafe arena.message(assay__v1__get_decision_request__init)
            unsafe message.pointee.audit_sequence = auditSequence
            unsafe message.pointee.transaction_id = arena.string(transactionID)
            unsafe message.pointee.limit = limit
            unsafe request.pointee.method_case = ASSAY__V1__REQUEST__METHOD_GET_DECISION
            unsafe request.pointee.get_decision = unsafe message
        case .listModels:
            unsafe request.pointee.method_case = ASSAY__V1__REQUEST__METHOD_LIST_MODELS
            unsafe request.pointee.list_models = unsafe arena.message(assay__v1__list_models_request__init)
        case .describeModel(let model):
            let message = unsafe arena.message(assay__v1__describe_model_request__init)
            unsafe message.pointee.bundle = arena.string(model.bundle)
            unsafe message.pointee.alias = arena.string(model.alias)
            unsafe message.pointee.version = model.version
            unsafe request.pointee.method_case = ASSAY__V1__REQUEST__METHOD_DESCRIBE_MODEL
            unsafe request.pointee.describe_model = unsafe message
        case .fetchBundle(let model, let offset, let byteCountMax):
            let message = unsafe arena.message(assay__v1__fetch_bundle_request__init)
            unsafe message.pointee.bundle = arena.string(model.bundle)
            unsafe message.pointee.alias = arena.string(model.alias)
            unsafe message.pointee.version = model.version
            unsafe message.pointee.offset = offset
            unsafe message.pointee.byte_count_max = byteCountMax
            unsafe request.pointee.method_case = ASSAY__V1__REQUEST__METHOD_FETCH_BUNDLE
            unsafe request.pointee.fetch_bundle = unsafe message
        case .stats:
            unsafe request.pointee.method_case = ASSAY__V1__REQUEST__METHOD_STATS
            unsafe request.pointee.stats = unsafe arena.message(assay__v1__stats_request__init)
        case .setAlias(let bundle, let alias, let version, let who, let why):
            let message = unsafe arena.message(assay__v1__set_alias_request__init)
            unsafe message.pointee.bundle = arena.string(bundle)
            unsafe message.pointee.alias = arena.string(alias)
            unsafe message.pointee.version = version
            unsafe message.pointee.who = arena.string(who)
            unsafe message.pointee.why = arena.string(why)
            unsafe request.pointee.method_case = ASSAY__V1__REQUEST__METHOD_SET_ALIAS
            unsafe request.pointee.set_alias = unsafe message
        case .rollback(let bundle, let alias, let who, let why):
            let message = unsafe arena.message(assay__v1__rollback_request__init)
            unsafe message.pointee.bundle = arena.string(bundle)
            unsafe message.pointee.alias = arena.string(alias)
            unsafe message.pointee.who = arena.string(who)
            unsafe message.pointee.why = arena.string(why)
            unsafe request.pointee.method_case = ASSAY__V1__REQUEST__METHOD_ROLLBACK
            unsafe request.pointee.rollback = unsafe message
        }
    }
}

extension ModelReference {
    fileprivate init(_ bundle: UnsafeMutablePointer<CChar>?, _ alias: UnsafeMutablePointer<CChar>?, _ version: UInt32) {
        unsafe self.init(bundle: TextView(bundle).string, alias: TextView(alias).string, version: version)
    }
}

extension ScoreRequest {
    func message(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__ScoreRequest> {
        let message = unsafe arena.message(assay__v1__score_request__init)
        unsafe message.pointee.bundle = arena.string(model.bundle)
        unsafe message.pointee.alias = arena.string(model.alias)
        unsafe message.pointee.version = model.version
        unsafe message.pointee.transaction_id = arena.string(transactionID)
        unsafe message.pointee.caller = arena.string(caller)
        unsafe message.pointee.explain = explain
        unsafe message.pointee.include_raw = includesRaw ? 1 : 0
        unsafe message.pointee.durability = Assay__V1__Durability(durability.rawValue)
        if let personal { unsafe message.pointee.personal = personal.message(arena) }
        switch input {
        case .features32(let values):
            unsafe message.pointee.n_features32 = values.count
            unsafe message.pointee.features32 = arena.copy(values)
        case .features64(let values):
            unsafe message.pointee.n_features64 = values.count
            unsafe message.pointee.features64 = arena.copy(values)
        case .bitcoin(let bytes):
            if let transaction = unsafe assay__v1__bitcoin_transaction__unpack(arena.protobufAllocator, bytes.count, bytes) {
                unsafe message.pointee.transaction_case = ASSAY__V1__SCORE_REQUEST__TRANSACTION_BITCOIN
                unsafe message.pointee.bitcoin = unsafe transaction
            }
        case .card(let bytes):
            if let transaction = unsafe assay__v1__card_transaction__unpack(arena.protobufAllocator, bytes.count, bytes) {
                unsafe message.pointee.transaction_case = ASSAY__V1__SCORE_REQUEST__TRANSACTION_CARD
                unsafe message.pointee.card = unsafe transaction
            }
        }
        return unsafe message
    }
}

extension ScoreBatchRequest {
    func message(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__ScoreBatchRequest> {
        let message = unsafe arena.message(assay__v1__score_batch_request__init)
        unsafe message.pointee.bundle = arena.string(model.bundle)
        unsafe message.pointee.alias = arena.string(model.alias)
        unsafe message.pointee.version = model.version
        unsafe message.pointee.caller = arena.string(caller)
        unsafe message.pointee.include_raw = includesRaw ? 1 : 0
        unsafe message.pointee.durability = Assay__V1__Durability(durability.rawValue)
        unsafe message.pointee.row_count = rowCount
        unsafe message.pointee.n_features32 = features32.count
        unsafe message.pointee.features32 = arena.copy(features32)
        unsafe message.pointee.n_features64 = features64.count
        unsafe message.pointee.features64 = arena.copy(features64)
        unsafe message.pointee.n_transaction_ids = transactionIDs.count
        unsafe message.pointee.transaction_ids = arena.strings(transactionIDs)
        unsafe message.pointee.n_personal = personal.count
        unsafe message.pointee.personal = arena.pointers(personal.count) { unsafe personal[$0].message(arena) }
        return unsafe message
    }
}
