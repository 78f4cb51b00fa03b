import AssayProto
import CProtobufC
import Testing

@testable import Wire

/// Records and replies are the bytes that protobuf-c makes of the same fields.
@Suite struct DecisionEncodingTests {
    @Test(arguments: 0..<400 as Range<UInt64>)
    func recordsAndRepliesAreThoseOfProtobufC(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let arena = MessageArena()
        var fields = RandomDecision.fields(arena, &random)
        let transaction = RandomDecision.transaction(arena, &random)

        let record = written(fields.recordByteCountMax(transactionByteCount: transaction.byteCount)) {
            fields.writeAuditRecord(to: $0, transaction: transaction)
        }
        #expect(record == ProtobufOracle.record(fields, transaction, arena), "seed \(seed)")

        let reply = written(fields.replyByteCountMax()) { fields.writeReplyFrame(to: $0) }
        #expect(reply == ProtobufOracle.replyFrame(fields, arena), "seed \(seed)")
    }

    @Test func aDecisionOfDefaultsIsWritten() {
        let arena = MessageArena()
        var fields = DecisionFields.empty
        let record = written(fields.recordByteCountMax(transactionByteCount: 0)) {
            fields.writeAuditRecord(to: $0, transaction: .none)
        }
        #expect(record == ProtobufOracle.record(fields, .none, arena))
        let reply = written(fields.replyByteCountMax()) { fields.writeReplyFrame(to: $0) }
        #expect(reply == ProtobufOracle.replyFrame(fields, arena))
    }

    /// Around the lengths at which a message's length takes another byte.
    @Test(arguments: [0, 1, 40, 41, 42, 43, 44, 45, 46, 126, 127, 128, 16_300, 16_340, 16_383, 16_384, 16_385, 70_000])
    func lengthsOfMessagesTakeAsManyBytesAsTheyNeed(_ count: Int) {
        let arena = MessageArena()
        for extra in 0..<80 {
            var fields = DecisionFields.empty
            fields.contributions = [
                ContributionFields(
                    feature: String(repeating: "f", count: count + extra), value: -0.0, contribution: .nan, text: "because")
            ]
            let reply = written(fields.replyByteCountMax()) { fields.writeReplyFrame(to: $0) }
            #expect(reply == ProtobufOracle.replyFrame(fields, arena), "\(count + extra) bytes")
            arena.reset()
        }
    }

    /// What `write` says it wrote, in a room of so many bytes; bytes behind the room stay as they were.
    private func written(_ byteCountMax: Int, _ write: (UnsafeMutableRawPointer) -> Int) -> [UInt8] {
        let guardCount = 64
        var room = [UInt8](repeating: 0xa5, count: byteCountMax + guardCount)
        let count = room.withUnsafeMutableBytes { write($0.baseAddress!) }
        #expect(count <= byteCountMax)
        #expect(room[byteCountMax...].allSatisfy { $0 == 0xa5 })
        return Array(room.prefix(count))
    }
}

/// Decisions of all kinds, also such as no server makes. What they point to lies in the arena.
private enum RandomDecision {
    static func fields(_ arena: MessageArena, _ random: inout SeededRandom) -> DecisionFields {
        let digest = bytes([0, 32, 32, 32].randomElement(using: &random)!, &random)
        let digestCopy = arena.bytes(digest)
        let features = Int.random(in: 0...1, using: &random)
        var fields = DecisionFields(
            bundle: name(arena, &random), alias: name(arena, &random), version: UInt32(truncatingIfNeeded: number(&random)),
            digest: UnsafeRawBufferPointer(start: digestCopy.data, count: digestCopy.len), scores: doubles(arena, &random),
            raw: doubles(arena, &random), features32: floats(features == 0 ? arena : nil, &random),
            features64: features == 0 ? UnsafeBufferPointer(start: nil, count: 0) : doubles(arena, &random),
            transactionID: text(arena, &random), caller: text(arena, &random))
        fields.sequence = number(&random)
        fields.timeNanoseconds = Int64(bitPattern: number(&random))
        fields.requestID = number(&random)
        fields.serverNanoseconds = number(&random)
        fields.score = double(&random)
        fields.outcome = [.unspecified, .approve, .review, .decline].randomElement(using: &random)!
        fields.stage = [.unspecified, .online, .batch, .heuristic].randomElement(using: &random)!
        fields.includesRaw = Bool.random(using: &random)
        fields.isUnproven = Bool.random(using: &random)
        if Bool.random(using: &random) {
            fields.sealed = arena.sealed(bytes(40, &random), subjectReference: bytes(32, &random))
        }
        if Bool.random(using: &random) {
            fields.reason = ReasonFields(code: "SCORE_AT_LEAST_REVIEW", value: double(&random), threshold: double(&random))
        }
        fields.contributions = (0..<[0, 0, 1, 3, 32].randomElement(using: &random)!).map { _ in
            ContributionFields(
                feature: string(&random), value: double(&random), contribution: double(&random), text: string(&random))
        }
        return fields
    }

    static func transaction(_ arena: MessageArena, _ random: inout SeededRandom) -> EncodedTransaction {
        var transaction = EncodedTransaction.none
        switch Int.random(in: 0...2, using: &random) {
        case 0: transaction.bitcoin = arena.bytes(bytes(Int.random(in: 1...3000, using: &random), &random))
        case 1: transaction.card = arena.bytes(bytes(Int.random(in: 1...200, using: &random), &random))
        default: break
        }
        return transaction
    }

    /// Of every length on the wire.
    private static func number(_ random: inout SeededRandom) -> UInt64 {
        UInt64.random(in: 0...UInt64.max, using: &random) >> UInt64.random(in: 0...64, using: &random)
    }

    private static func double(_ random: inout SeededRandom) -> Double {
        switch Int.random(in: 0...5, using: &random) {
        case 0: [0, -0.0, .infinity, -.infinity, .nan, -.nan, .leastNonzeroMagnitude].randomElement(using: &random)!
        case 1: Double(bitPattern: 0x7ff0_0000_0000_0001 | number(&random) & 0xf_ffff)
        case 2: Double(bitPattern: number(&random))
        default: Double.random(in: -10...10, using: &random)
        }
    }

    private static func bytes(_ count: Int, _ random: inout SeededRandom) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private static func string(_ random: inout SeededRandom) -> String {
        let count = [0, 1, 5, 14, 15, 16, 30, 127, 128, 300].randomElement(using: &random)!
        return String((0..<count).map { _ in "abcdefghij_äβ𝄞".randomElement(using: &random)! })
    }

    private static func text(_ arena: MessageArena, _ random: inout SeededRandom) -> TextView {
        let text = string(&random)
        return text.isEmpty && Bool.random(using: &random) ? TextView(nil) : arena.text(Array(text.utf8) + [0])
    }

    /// Bundles and aliases have short names, which the maxima of record and reply rely on.
    private static func name(_ arena: MessageArena, _ random: inout SeededRandom) -> TextView {
        let count = Int.random(in: 0...WireLimits.nameByteCountMax, using: &random)
        return arena.text((0..<count).map { _ in UInt8.random(in: 0x21...0x7e, using: &random) } + [0])
    }

    private static func doubles(_ arena: MessageArena, _ random: inout SeededRandom) -> UnsafeBufferPointer<Double> {
        let values = (0..<[0, 1, 2, 5, 40].randomElement(using: &random)!).map { _ in double(&random) }
        return UnsafeBufferPointer(start: arena.copy(values), count: values.count)
    }

    private static func floats(_ arena: MessageArena?, _ random: inout SeededRandom) -> UnsafeBufferPointer<Float> {
        guard let arena else { return UnsafeBufferPointer(start: nil, count: 0) }
        let values = (0..<[0, 1, 30, 300].randomElement(using: &random)!).map { _ in
            Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
        }
        return UnsafeBufferPointer(start: arena.copy(values), count: values.count)
    }
}

/// The same messages by protobuf-c's own encoders.
private enum ProtobufOracle {
    static func record(_ fields: borrowing DecisionFields, _ transaction: EncodedTransaction, _ arena: MessageArena) -> [UInt8] {
        let record = arena.message(assay__v1__audit_record__init)
        record.pointee.sequence = fields.sequence
        record.pointee.time_ns = fields.timeNanoseconds
        record.pointee.bundle = fields.bundle.cString ?? record.pointee.bundle
        record.pointee.version = fields.version
        record.pointee.digest = binary(fields.digest)
        record.pointee.features32 = binary(UnsafeRawBufferPointer(fields.features32))
        record.pointee.features64 = binary(UnsafeRawBufferPointer(fields.features64))
        record.pointee.bitcoin = transaction.bitcoin
        record.pointee.card = transaction.card
        record.pointee.scores = binary(UnsafeRawBufferPointer(fields.scores))
        record.pointee.score_presence_case = ASSAY__V1__AUDIT_RECORD__SCORE_PRESENCE_SCORE
        record.pointee.score = fields.score
        record.pointee.outcome = Assay__V1__Outcome(fields.outcome.rawValue)
        record.pointee.stage = Assay__V1__Stage(fields.stage.rawValue)
        let reasons = reasons(fields, arena)
        record.pointee.n_reasons = reasons.count
        record.pointee.reasons = reasons.baseAddress
        record.pointee.transaction_id = fields.transactionID.cString ?? record.pointee.transaction_id
        record.pointee.caller = fields.caller.cString ?? record.pointee.caller
        record.pointee.request_id = fields.requestID
        record.pointee.server_ns = fields.serverNanoseconds
        record.pointee.alias = fields.alias.cString ?? record.pointee.alias
        record.pointee.unproven = fields.isUnproven ? 1 : 0
        record.pointee.sealed_personal = binary(fields.sealed.payload)
        record.pointee.subject_ref = binary(fields.sealed.subjectReference)
        return packed(assay__v1__audit_record__get_packed_size(record)) { assay__v1__audit_record__pack(record, $0) }
    }

    static func replyFrame(_ fields: borrowing DecisionFields, _ arena: MessageArena) -> [UInt8] {
        let decision = arena.message(assay__v1__decision__init)
        decision.pointee.score_presence_case = ASSAY__V1__DECISION__SCORE_PRESENCE_SCORE
        decision.pointee.score = fields.score
        decision.pointee.outcome = Assay__V1__Outcome(fields.outcome.rawValue)
        decision.pointee.stage = Assay__V1__Stage(fields.stage.rawValue)
        decision.pointee.bundle = fields.bundle.cString ?? decision.pointee.bundle
        decision.pointee.version = fields.version
        decision.pointee.digest = binary(fields.digest)
        decision.pointee.audit_sequence = fields.sequence
        decision.pointee.server_ns = fields.serverNanoseconds
        if fields.scores.count > 1 {
            decision.pointee.n_scores = fields.scores.count
            decision.pointee.scores = UnsafeMutablePointer(mutating: fields.scores.baseAddress)
        }
        if fields.includesRaw {
            decision.pointee.n_raw = fields.raw.count
            decision.pointee.raw = UnsafeMutablePointer(mutating: fields.raw.baseAddress)
        }
        let reasons = reasons(fields, arena)
        decision.pointee.n_reasons = reasons.count
        decision.pointee.reasons = reasons.baseAddress
        decision.pointee.unproven = fields.isUnproven ? 1 : 0
        let reply = arena.message(assay__v1__reply__init)
        reply.pointee.id = fields.requestID
        reply.pointee.result_case = ASSAY__V1__REPLY__RESULT_DECISION
        reply.pointee.decision = decision
        let payload = packed(assay__v1__reply__get_packed_size(reply)) { assay__v1__reply__pack(reply, $0) }
        var header = [UInt8](repeating: 0, count: Frame.headerByteCount)
        header.withUnsafeMutableBytes { Frame.writeHeader($0.baseAddress!, byteCount: payload.count) }
        return header + payload
    }

    private static func reasons(
        _ fields: borrowing DecisionFields, _ arena: MessageArena
    ) -> UnsafeMutableBufferPointer<UnsafeMutablePointer<Assay__V1__Reason>?> {
        var messages: [UnsafeMutablePointer<Assay__V1__Reason>] = []
        if let reason = fields.reason {
            let message = arena.message(assay__v1__reason__init)
            message.pointee.code = arena.string("\(reason.code)")
            message.pointee.value = reason.value
            message.pointee.threshold = reason.threshold
            messages.append(message)
        }
        for contribution in fields.contributions {
            let message = arena.message(assay__v1__reason__init)
            message.pointee.code = arena.string("FEATURE")
            message.pointee.feature = arena.string(contribution.feature)
            message.pointee.value = contribution.value
            message.pointee.contribution = contribution.contribution
            message.pointee.text = arena.string(contribution.text)
            messages.append(message)
        }
        let list = arena.array(messages.count, of: UnsafeMutablePointer<Assay__V1__Reason>?.self)
        for (index, message) in messages.enumerated() { list[index] = message }
        return UnsafeMutableBufferPointer(start: list, count: messages.count)
    }

    private static func packed(_ byteCount: Int, _ pack: (UnsafeMutablePointer<UInt8>?) -> Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in count = pack(buffer.baseAddress) }
    }

    private static func binary(_ bytes: UnsafeRawBufferPointer) -> ProtobufCBinaryData {
        ProtobufCBinaryData(
            len: bytes.count, data: UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: UInt8.self))
    }
}

/// SplitMix64: the same numbers from the same seed on every machine.
private struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
