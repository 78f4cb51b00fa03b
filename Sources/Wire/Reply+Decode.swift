import AssayProto
import CProtobufC

extension Reply {
    /// Decodes a frame's payload (already decompressed); nil when it is no Reply of this contract.
    public static func decode(_ payload: UnsafeRawBufferPointer) -> Reply? {
        let arena = MessageArena(byteCount: 4096, byteCountMax: max(WireLimits.arenaByteCountMax, 16 * payload.count))
        return unsafe decode(payload, arena: arena)
    }

    /// The same into an arena of the caller's, who resets it.
    public static func decode(_ payload: UnsafeRawBufferPointer, arena: MessageArena) -> Reply? {
        // Safety: protobuf-c reads exactly `count` bytes and allocates from the arena, which outlives the values made below.
        guard
            let message = unsafe assay__v1__reply__unpack(
                arena.protobufAllocator, payload.count, payload.baseAddress?.assumingMemoryBound(to: UInt8.self)),
            let status = unsafe Status(rawValue: UInt32(message.pointee.status.rawValue))
        else { return nil }
        let error = unsafe message.pointee.error.map { unsafe ReplyError($0.pointee) }
        return unsafe Reply(id: message.pointee.id, status: status, error: error, body: ReplyBody(message.pointee))
    }

    /// Decodes a whole frame, as clients receive it.
    public static func decode(frame: UnsafeRawBufferPointer, byteCountMax: Int) throws(FrameError) -> Reply {
        guard case .frame(let byteCount, let isCompressed) = try unsafe Frame.prefix(of: frame, byteCountMax: byteCountMax) else {
            throw .badMessage(byteCount: frame.count)
        }
        let payload = unsafe UnsafeRawBufferPointer(rebasing: frame[Frame.headerByteCount..<Frame.headerByteCount + byteCount])
        var reply: Reply?
        if isCompressed {
            let message = try unsafe Compression.decompress(payload, byteCountMax: byteCountMax)
            reply = unsafe message.withUnsafeBytes { unsafe decode($0) }
        } else {
            reply = unsafe decode(payload)
        }
        guard let reply else { throw .badMessage(byteCount: byteCount) }
        return reply
    }
}

extension ReplyError {
    fileprivate init(_ message: Assay__V1__Error) {
        unsafe self.init(
            reason: TextView(message.reason).string, text: TextView(message.text).string,
            retryAfterMicroseconds: message.retry_after_us)
    }
}

extension ReplyBody {
    /// nil when no result is set.
    fileprivate init?(_ reply: Assay__V1__Reply) {
        switch unsafe reply.result_case {
        case ASSAY__V1__REPLY__RESULT_DECISION: self = unsafe .decision(DecisionMessage(reply.decision.pointee))
        case ASSAY__V1__REPLY__RESULT_SCORE_BATCH: self = unsafe .scoreBatch(ScoreBatchMessage(reply.score_batch.pointee))
        case ASSAY__V1__REPLY__RESULT_HELLO: self = unsafe .hello(HelloMessage(reply.hello.pointee))
        case ASSAY__V1__REPLY__RESULT_HEALTH: self = unsafe .health(HealthMessage(reply.health.pointee))
        case ASSAY__V1__REPLY__RESULT_GET_DECISION:
            let found = unsafe reply.get_decision.pointee
            self = unsafe .getDecision(
                record: [UInt8](found.record), records: (0..<found.n_records).map { unsafe [UInt8](found.records[$0]) })
        case ASSAY__V1__REPLY__RESULT_LIST_MODELS:
            let list = unsafe reply.list_models.pointee
            self = unsafe .listModels((0..<list.n_models).map { unsafe ModelVersionMessage(list.models[$0]!.pointee) })
        case ASSAY__V1__REPLY__RESULT_DESCRIBE_MODEL: self = unsafe .describeModel(ModelDescription(reply.describe_model.pointee))
        case ASSAY__V1__REPLY__RESULT_FETCH_BUNDLE: self = unsafe .fetchBundle(BundlePiece(reply.fetch_bundle.pointee))
        case ASSAY__V1__REPLY__RESULT_STATS: self = unsafe .stats(StatsMessage(reply.stats.pointee))
        case ASSAY__V1__REPLY__RESULT_SET_ALIAS:
            self = unsafe .setAlias(
                previousVersion: reply.set_alias.pointee.previous_version, version: reply.set_alias.pointee.version)
        case ASSAY__V1__REPLY__RESULT_ROLLBACK:
            self = unsafe .rollback(
                previousVersion: reply.rollback.pointee.previous_version, version: reply.rollback.pointee.version)
        default: return nil
        }
    }
}

extension Array where Element == UInt8 {
    init(_ data: ProtobufCBinaryData) {
        unsafe self.init(UnsafeBufferPointer(start: data.data, count: data.len))
    }
}

extension Array where Element == Double {
    init(_ values: UnsafeMutablePointer<Double>?, _ count: Int) {
        unsafe self.init(UnsafeBufferPointer(start: values, count: count))
    }
}

extension ReasonMessage {
    init(_ message: Assay__V1__Reason) {
        unsafe self.init(
            code: TextView(message.code).string, feature: TextView(message.feature).string, value: message.value,
            threshold: message.threshold, contribution: message.contribution, text: TextView(message.text).string)
    }
}

extension DecisionMessage {
    fileprivate init(_ message: Assay__V1__Decision) {
        if unsafe message.score_presence_case == ASSAY__V1__DECISION__SCORE_PRESENCE_SCORE { score = unsafe message.score }
        outcome = unsafe WireOutcome(rawValue: UInt32(message.outcome.rawValue)) ?? .unspecified
        stage = unsafe WireStage(rawValue: UInt32(message.stage.rawValue)) ?? .unspecified
        bundle = unsafe TextView(message.bundle).string
        version = unsafe message.version
        digest = unsafe [UInt8](message.digest)
        auditSequence = unsafe message.audit_sequence
        serverNanoseconds = unsafe message.server_ns
        scores = unsafe [Double](message.scores, message.n_scores)
        raw = unsafe [Double](message.raw, message.n_raw)
        reasons = unsafe (0..<message.n_reasons).map { unsafe ReasonMessage(message.reasons[$0]!.pointee) }
        isUnproven = unsafe message.unproven != 0
    }
}

extension ScoreBatchMessage {
    fileprivate init(_ message: Assay__V1__ScoreBatchReply) {
        scores = unsafe [Double](message.scores, message.n_scores)
        outcomes = unsafe (0..<message.n_outcomes).map {
            unsafe WireOutcome(rawValue: UInt32(message.outcomes[$0].rawValue)) ?? .unspecified
        }
        stage = unsafe WireStage(rawValue: UInt32(message.stage.rawValue)) ?? .unspecified
        bundle = unsafe TextView(message.bundle).string
        version = unsafe message.version
        digest = unsafe [UInt8](message.digest)
        auditSequenceFirst = unsafe message.audit_sequence_first
        serverNanoseconds = unsafe message.server_ns
        allScores = unsafe [Double](message.all_scores, message.n_all_scores)
        raw = unsafe [Double](message.raw, message.n_raw)
        isUnproven = unsafe message.unproven != 0
    }
}

extension HelloMessage {
    fileprivate init(_ message: Assay__V1__HelloReply) {
        protocolVersion = unsafe message.protocol
        serverVersion = unsafe TextView(message.server_version).string
        serverID = unsafe [UInt8](message.server_id)
        frameByteCountMax = unsafe message.frame_bytes_max
        inFlightMax = unsafe message.in_flight_max
        batchRowCountMax = unsafe message.batch_rows_max
    }
}

extension HealthMessage {
    fileprivate init(_ message: Assay__V1__HealthReply) {
        isReady = unsafe message.ready != 0
        reasons = unsafe (0..<message.n_reasons).map { index in
            let reason = unsafe message.reasons[index]!.pointee
            return unsafe Reason(
                code: TextView(reason.code).string, text: TextView(reason.text).string, isBlocking: reason.blocking != 0)
        }
    }
}

extension ModelVersionMessage {
    init(_ message: Assay__V1__ModelVersion) {
        bundle = unsafe TextView(message.bundle).string
        version = unsafe message.version
        digest = unsafe [UInt8](message.digest)
        aliases = unsafe (0..<message.n_aliases).map { unsafe TextView(message.aliases[$0]).string }
        isUnproven = unsafe message.unproven != 0
        refused = unsafe TextView(message.refused).string
    }
}

extension ModelDescription {
    fileprivate init(_ message: Assay__V1__DescribeModelReply) {
        if let version = unsafe message.model { model = unsafe ModelVersionMessage(version.pointee) }
        features = unsafe (0..<message.n_features).map { index in
            let feature = unsafe message.features[index]!.pointee
            return unsafe Feature(
                name: TextView(feature.name).string, type: TextView(feature.type).string,
                isMissingAllowed: feature.missing_allowed != 0, source: TextView(feature.source).string)
        }
        outputCount = unsafe message.output_count
        precisionBits = unsafe message.precision_bits
        reviewThreshold = unsafe message.review_threshold
        declineThreshold = unsafe message.decline_threshold
        decidingOutput = unsafe message.deciding_output
        objective = unsafe TextView(message.objective).string
        treeCount = unsafe message.tree_count
        nodeCount = unsafe message.node_count
        byteCount = unsafe message.byte_count
        goldenRowCount = unsafe message.golden_row_count
        provenance = unsafe (0..<message.n_provenance).map { index in
            let entry = unsafe message.provenance[index]!.pointee
            return unsafe Provenance(key: TextView(entry.key).string, value: TextView(entry.value).string)
        }
    }
}

extension BundlePiece {
    fileprivate init(_ message: Assay__V1__FetchBundleReply) {
        unsafe self.init(
            version: message.version, digest: [UInt8](message.digest), byteCount: message.byte_count, offset: message.offset,
            bytes: [UInt8](message.bytes))
    }
}

extension StatsMessage {
    fileprivate init(_ message: Assay__V1__StatsReply) {
        uptimeMicroseconds = unsafe message.uptime_us
        connectionsOpen = unsafe message.connections_open
        connectionsTotal = unsafe message.connections_total
        requestsTotal = unsafe message.requests_total
        decisionsTotal = unsafe message.decisions_total
        errorsTotal = unsafe message.errors_total
        auditSequenceLast = unsafe message.audit_sequence_last
        auditSequenceDurable = unsafe message.audit_sequence_durable
        auditBacklogByteCount = unsafe message.audit_backlog_bytes
        auditSequenceShipped = unsafe message.audit_sequence_shipped
        swapsTotal = unsafe message.swaps_total
        decisionsByOutcome = unsafe [UInt64](
            UnsafeBufferPointer(start: message.decisions_by_outcome, count: message.n_decisions_by_outcome))
    }
}
