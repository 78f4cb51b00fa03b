import AssayProto
import CProtobufC
import Platform

extension Reply {
    /// The reply as one frame; compressed when the peer understands that and it pays. In place of one whose message is longer than
    /// `byteCountMax`, which a peer need not take, goes an error that says so.
    public func frame(acceptsLZ4: Bool = false, byteCountMax: Int = .max) -> [UInt8] {
        let arena = MessageArena(byteCount: 16 << 10)
        let message = unsafe self.message(arena)
        let byteCount = unsafe assay__v1__reply__get_packed_size(message)
        guard byteCount <= byteCountMax else {
            let error = ReplyError(
                reason: "REPLY_TOO_LONG", text: "the reply takes \(byteCount) bytes, a frame holds \(byteCountMax)")
            return Reply(id: id, status: .resourceExhausted, error: error).frame()
        }
        let frame = unsafe [UInt8](unsafeUninitializedCapacity: Frame.headerByteCount + byteCount) { buffer, count in
            let base = buffer.baseAddress!
            unsafe Frame.writeHeader(base, byteCount: byteCount)
            unsafe assay__v1__reply__pack(message, base + Frame.headerByteCount)
            count = Frame.headerByteCount + byteCount
        }
        guard acceptsLZ4, byteCount >= WireLimits.compressByteCountMin else { return frame }
        return unsafe frame.withUnsafeBytes { bytes in
            unsafe Compression.frame(UnsafeRawBufferPointer(rebasing: bytes[Frame.headerByteCount...]))
        } ?? frame
    }

    func message(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__Reply> {
        let message = unsafe arena.message(assay__v1__reply__init)
        unsafe message.pointee.id = id
        unsafe message.pointee.status = Assay__V1__Status(UInt32(status.rawValue))
        if let error {
            let errorMessage = unsafe arena.message(assay__v1__error__init)
            unsafe errorMessage.pointee.reason = arena.string(error.reason)
            unsafe errorMessage.pointee.text = arena.string(error.text)
            unsafe errorMessage.pointee.retry_after_us = error.retryAfterMicroseconds
            unsafe message.pointee.error = unsafe errorMessage
        }
        unsafe body?.fill(message, arena)
        return unsafe message
    }
}

extension ReplyError {
    /// Appends the reply that says so, as one frame: what protobuf-c would make of it. An overloaded server makes many, and pays for no
    /// memory.
    public func writeFrame(id: UInt64, status: Status, to output: inout SendBuffer) {
        let room = unsafe output.reserve(Frame.headerByteCount + 64 + reason.utf8.count + text.utf8.count)
        // Safety: numbers, tags and lengths take less than 64 bytes.
        var reply = unsafe MessageWriter(room + Frame.headerByteCount)
        reply.number(1, id)
        reply.number(2, UInt64(status.rawValue))
        let error = reply.begin(3)
        reply.text(1, reason)
        reply.text(2, text)
        reply.number(3, retryAfterMicroseconds)
        reply.end(error)
        unsafe Frame.writeHeader(room, byteCount: reply.byteCount)
        output.commit(Frame.headerByteCount + reply.byteCount)
    }
}

extension ReplyBody {
    fileprivate func fill(_ reply: UnsafeMutablePointer<Assay__V1__Reply>, _ arena: MessageArena) {
        switch self {
        case .decision(let decision):
            unsafe reply.pointee.result_case = ASSAY__V1__REPLY__RESULT_DECISION
            unsafe reply.pointee.decision = decision.message(arena)
        case .scoreBatch(let batch):
            unsafe reply.pointee.result_case = ASSAY__V1__REPLY__RESULT_SCORE_BATCH
            unsafe reply.pointee.score_batch = batch.message(arena)
        case .hello(let hello):
            unsafe reply.pointee.result_case = ASSAY__V1__REPLY__RESULT_HELLO
            unsafe reply.pointee.hello = hello.message(arena)
        case .health(let health):
            unsafe reply.pointee.result_case = ASSAY__V1__REPLY__RESULT_HEALTH
            unsafe reply.pointee.health = health.message(arena)
        case .getDecision(let record, let records):
            let message = unsafe arena.message(assay__v1__get_decision_reply__init)
            unsafe message.pointee.record = arena.bytes(record)
            unsafe message.pointee.n_records = records.count
            unsafe message.pointee.records = arena.binaries(records)
            unsafe reply.pointee.result_case = ASSAY__V1__REPLY__RESULT_GET_DECISION
            unsafe reply.pointee.get_decision = unsafe message
        case .listModels(let models):
            let message = unsafe arena.message(assay__v1__list_models_reply__init)
            unsafe message.pointee.n_models = models.count
            unsafe message.pointee.models = arena.pointers(models.count) { unsafe models[$0].message(arena) }
            unsafe reply.pointee.result_case = ASSAY__V1__REPLY__RESULT_LIST_MODELS
            unsafe reply.pointee.list_models = unsafe message
        case .describeModel(let description):
            unsafe reply.pointee.result_case = ASSAY__V1__REPLY__RESULT_DESCRIBE_MODEL
            unsafe reply.pointee.describe_model = description.message(arena)
        case .fetchBundle(let piece):
            let message = unsafe arena.message(assay__v1__fetch_bundle_reply__init)
            unsafe message.pointee.version = piece.version
            unsafe message.pointee.digest = arena.bytes(piece.digest)
            unsafe message.pointee.byte_count = piece.byteCount
            unsafe message.pointee.offset = piece.offset
            unsafe message.pointee.bytes = arena.bytes(piece.bytes)
            unsafe reply.pointee.result_case = ASSAY__V1__REPLY__RESULT_FETCH_BUNDLE
            unsafe reply.pointee.fetch_bundle = unsafe message
        case .stats(let stats):
            unsafe reply.pointee.result_case = ASSAY__V1__REPLY__RESULT_STATS
            unsafe reply.pointee.stats = stats.message(arena)
        case .setAlias(let previousVersion, let version):
            let message = unsafe arena.message(assay__v1__set_alias_reply__init)
            unsafe message.pointee.previous_version = previousVersion
            unsafe message.pointee.version = version
            unsafe reply.pointee.result_case = ASSAY__V1__REPLY__RESULT_SET_ALIAS
            unsafe reply.pointee.set_alias = unsafe message
        case .rollback(let previousVersion, let version):
            let message = unsafe arena.message(assay__v1__rollback_reply__init)
            unsafe message.pointee.previous_version = previousVersion
            unsafe message.pointee.version = version
            unsafe reply.pointee.result_case = ASSAY__V1__REPLY__RESULT_ROLLBACK
            unsafe reply.pointee.rollback = unsafe message
        }
    }
}

extension ReasonMessage {
    func message(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__Reason> {
        let message = unsafe arena.message(assay__v1__reason__init)
        unsafe message.pointee.code = arena.string(code)
        unsafe message.pointee.feature = arena.string(feature)
        unsafe message.pointee.value = value
        unsafe message.pointee.threshold = threshold
        unsafe message.pointee.contribution = contribution
        unsafe message.pointee.text = arena.string(text)
        return unsafe message
    }
}

extension DecisionMessage {
    fileprivate func message(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__Decision> {
        let message = unsafe arena.message(assay__v1__decision__init)
        unsafe message.pointee.score_presence_case = ASSAY__V1__DECISION__SCORE_PRESENCE_SCORE
        unsafe message.pointee.score = score
        unsafe message.pointee.outcome = Assay__V1__Outcome(outcome.rawValue)
        unsafe message.pointee.stage = Assay__V1__Stage(stage.rawValue)
        unsafe message.pointee.bundle = arena.string(bundle)
        unsafe message.pointee.version = version
        unsafe message.pointee.digest = arena.bytes(digest)
        unsafe message.pointee.audit_sequence = auditSequence
        unsafe message.pointee.server_ns = serverNanoseconds
        unsafe message.pointee.n_scores = scores.count
        unsafe message.pointee.scores = arena.copy(scores)
        unsafe message.pointee.n_raw = raw.count
        unsafe message.pointee.raw = arena.copy(raw)
        unsafe message.pointee.n_reasons = reasons.count
        unsafe message.pointee.reasons = arena.pointers(reasons.count) { unsafe reasons[$0].message(arena) }
        unsafe message.pointee.unproven = isUnproven ? 1 : 0
        return unsafe message
    }
}

extension ScoreBatchMessage {
    fileprivate func message(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__ScoreBatchReply> {
        let message = unsafe arena.message(assay__v1__score_batch_reply__init)
        unsafe message.pointee.n_scores = scores.count
        unsafe message.pointee.scores = arena.copy(scores)
        unsafe message.pointee.n_outcomes = outcomes.count
        unsafe message.pointee.outcomes = arena.copy(outcomes.map { Assay__V1__Outcome($0.rawValue) })
        unsafe message.pointee.stage = Assay__V1__Stage(stage.rawValue)
        unsafe message.pointee.bundle = arena.string(bundle)
        unsafe message.pointee.version = version
        unsafe message.pointee.digest = arena.bytes(digest)
        unsafe message.pointee.audit_sequence_first = auditSequenceFirst
        unsafe message.pointee.server_ns = serverNanoseconds
        unsafe message.pointee.n_all_scores = allScores.count
        unsafe message.pointee.all_scores = arena.copy(allScores)
        unsafe message.pointee.n_raw = raw.count
        unsafe message.pointee.raw = arena.copy(raw)
        unsafe message.pointee.unproven = isUnproven ? 1 : 0
        return unsafe message
    }
}

extension HelloMessage {
    fileprivate func message(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__HelloReply> {
        let message = unsafe arena.message(assay__v1__hello_reply__init)
        unsafe message.pointee.protocol = protocolVersion
        unsafe message.pointee.server_version = arena.string(serverVersion)
        unsafe message.pointee.server_id = arena.bytes(serverID)
        unsafe message.pointee.frame_bytes_max = frameByteCountMax
        unsafe message.pointee.in_flight_max = inFlightMax
        unsafe message.pointee.batch_rows_max = batchRowCountMax
        return unsafe message
    }
}

extension HealthMessage {
    fileprivate func message(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__HealthReply> {
        let message = unsafe arena.message(assay__v1__health_reply__init)
        unsafe message.pointee.ready = isReady ? 1 : 0
        unsafe message.pointee.n_reasons = reasons.count
        unsafe message.pointee.reasons = arena.pointers(reasons.count) { index in
            let reason = unsafe arena.message(assay__v1__health_reason__init)
            unsafe reason.pointee.code = arena.string(reasons[index].code)
            unsafe reason.pointee.text = arena.string(reasons[index].text)
            unsafe reason.pointee.blocking = reasons[index].isBlocking ? 1 : 0
            return unsafe reason
        }
        return unsafe message
    }
}

extension ModelVersionMessage {
    fileprivate func message(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__ModelVersion> {
        let message = unsafe arena.message(assay__v1__model_version__init)
        unsafe message.pointee.bundle = arena.string(bundle)
        unsafe message.pointee.version = version
        unsafe message.pointee.digest = arena.bytes(digest)
        unsafe message.pointee.n_aliases = aliases.count
        unsafe message.pointee.aliases = arena.strings(aliases)
        unsafe message.pointee.unproven = isUnproven ? 1 : 0
        unsafe message.pointee.refused = arena.string(refused)
        return unsafe message
    }
}

extension ModelDescription {
    fileprivate func message(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__DescribeModelReply> {
        let message = unsafe arena.message(assay__v1__describe_model_reply__init)
        unsafe message.pointee.model = model.message(arena)
        unsafe message.pointee.n_features = features.count
        unsafe message.pointee.features = arena.pointers(features.count) { index in
            let feature = unsafe arena.message(assay__v1__feature_description__init)
            unsafe feature.pointee.name = arena.string(features[index].name)
            unsafe feature.pointee.type = arena.string(features[index].type)
            unsafe feature.pointee.missing_allowed = features[index].isMissingAllowed ? 1 : 0
            unsafe feature.pointee.source = arena.string(features[index].source)
            return unsafe feature
        }
        unsafe message.pointee.output_count = outputCount
        unsafe message.pointee.precision_bits = precisionBits
        unsafe message.pointee.review_threshold = reviewThreshold
        unsafe message.pointee.decline_threshold = declineThreshold
        unsafe message.pointee.deciding_output = decidingOutput
        unsafe message.pointee.objective = arena.string(objective)
        unsafe message.pointee.tree_count = treeCount
        unsafe message.pointee.node_count = nodeCount
        unsafe message.pointee.byte_count = byteCount
        unsafe message.pointee.golden_row_count = goldenRowCount
        unsafe message.pointee.n_provenance = provenance.count
        unsafe message.pointee.provenance = arena.pointers(provenance.count) { index in
            let entry = unsafe arena.message(assay__v1__provenance__init)
            unsafe entry.pointee.key = arena.string(provenance[index].key)
            unsafe entry.pointee.value = arena.string(provenance[index].value)
            return unsafe entry
        }
        return unsafe message
    }
}

extension StatsMessage {
    fileprivate func message(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__StatsReply> {
        let message = unsafe arena.message(assay__v1__stats_reply__init)
        unsafe message.pointee.uptime_us = uptimeMicroseconds
        unsafe message.pointee.connections_open = connectionsOpen
        unsafe message.pointee.connections_total = connectionsTotal
        unsafe message.pointee.requests_total = requestsTotal
        unsafe message.pointee.decisions_total = decisionsTotal
        unsafe message.pointee.errors_total = errorsTotal
        unsafe message.pointee.audit_sequence_last = auditSequenceLast
        unsafe message.pointee.audit_sequence_durable = auditSequenceDurable
        unsafe message.pointee.audit_backlog_bytes = auditBacklogByteCount
        unsafe message.pointee.audit_sequence_shipped = auditSequenceShipped
        unsafe message.pointee.swaps_total = swapsTotal
        unsafe message.pointee.n_decisions_by_outcome = decisionsByOutcome.count
        unsafe message.pointee.decisions_by_outcome = arena.copy(decisionsByOutcome)
        return unsafe message
    }
}
