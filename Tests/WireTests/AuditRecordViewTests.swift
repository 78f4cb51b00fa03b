import Testing

@testable import Wire

/// The scanner of audit records against protobuf-c's decoder.
@Suite struct AuditRecordViewTests {
    private func record(seed: UInt64) -> AuditRecord {
        func bytes(_ count: UInt64, _ salt: UInt64) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: ($0 &+ salt) &* 31 &+ seed) }
        }
        var record = AuditRecord()
        record.sequence = seed &* 0x9e37_79b9_7f4a_7c15
        record.timeNanoseconds = seed % 3 == 0 ? -5 : Int64(seed) * 1_000_000_007
        record.bundle = "bundle-\(seed)"
        record.version = UInt32(truncatingIfNeeded: seed &* 77_777)
        record.digest = bytes(32, 1)
        if seed % 2 == 0 { record.features32 = bytes(4 * (seed % 40), 2) } else { record.features64 = bytes(8 * (seed % 40), 3) }
        if seed % 5 == 0 { record.bitcoin = bytes(seed % 300, 4) }
        if seed % 7 == 0 { record.card = bytes(seed % 200, 5) }
        record.scores = bytes(8 * (1 + seed % 3), 6)
        record.score = Double(bitPattern: seed &* 0xdead_beef_1234)
        record.outcome = [.unspecified, .approve, .review, .decline][Int(seed % 4)]
        record.stage = [.unspecified, .online][Int(seed % 2)]
        record.reasons = (0..<seed % 4).map { ReasonMessage(code: "C\($0)", value: Double($0)) }
        record.transactionID = seed % 3 == 1 ? "tx-\(seed)" : ""
        record.caller = "caller"
        record.requestID = seed
        record.serverNanoseconds = seed * 3
        record.alias = seed % 2 == 0 ? "champion" : ""
        record.isUnproven = seed % 2 == 1
        if seed % 4 == 2 { record.sealedPersonal = bytes(seed % 100, 7) }
        if seed % 4 == 2 { record.subjectReference = bytes(32, 8) }
        return record
    }

    @Test func everyFieldIsWhatTheDecoderReads() {
        // One view for all: nothing of a record is left for the next.
        var view = AuditRecordView()
        for seed in (UInt64(0)..<500).flatMap({ [$0, $0, $0 &* 7] }) {
            let record = record(seed: seed)
            record.encoded().withUnsafeBytes { bytes in
                let isRead = view.read(bytes)
                #expect(isRead, "seed \(seed)")
                #expect(view.sequence == record.sequence)
                #expect(view.timeNanoseconds == record.timeNanoseconds)
                #expect(view.version == record.version)
                #expect(view.outcome == record.outcome.rawValue)
                #expect(view.stage == record.stage.rawValue)
                #expect(view.scoreBits == record.score.bitPattern)
                #expect(view.reasonCount == UInt32(record.reasons.count))
                #expect(view.requestID == record.requestID)
                #expect(view.serverNanoseconds == record.serverNanoseconds)
                #expect(view.isUnproven == record.isUnproven)
                #expect(Array(view.subjectReference) == record.subjectReference)
                #expect(!view.isVoid)
                #expect(Array(view.digest) == record.digest)
                #expect(Array(view.features32) == record.features32)
                #expect(Array(view.features64) == record.features64)
                #expect(Array(view.bitcoin) == record.bitcoin)
                #expect(Array(view.card) == record.card)
                #expect(Array(view.scores) == record.scores)
                #expect(String(decoding: view.bundle, as: UTF8.self) == record.bundle)
                #expect(String(decoding: view.transactionID, as: UTF8.self) == record.transactionID)
                #expect(String(decoding: view.caller, as: UTF8.self) == record.caller)
                #expect(String(decoding: view.alias, as: UTF8.self) == record.alias)
            }
        }
    }

    @Test func aViewIsUsedAgainAfterAVoidAndAfterWhatIsNoMessage() {
        var void = AuditRecord()
        void.sequence = 4
        void.voidRange = VoidRange(first: 4, last: 9, cause: .processDied)
        let full = record(seed: 70).encoded()
        var view = AuditRecordView()
        for bytes in [full, [], void.encoded(), full, Array(full.dropLast(3)), [0x1a, 0x50], void.encoded()] {
            var fresh = AuditRecordView()
            bytes.withUnsafeBytes { bytes in
                let isRead = fresh.read(bytes)
                #expect(view.read(bytes) == isRead)
                #expect(view.sequence == fresh.sequence && view.isVoid == fresh.isVoid && view.version == fresh.version)
                #expect(view.reasonCount == fresh.reasonCount && view.requestID == fresh.requestID)
                #expect(view.hasTransaction == fresh.hasTransaction && view.isUnproven == fresh.isUnproven)
                for (own, other) in [
                    (view.bundle, fresh.bundle), (view.digest, fresh.digest), (view.features32, fresh.features32),
                    (view.features64, fresh.features64), (view.scores, fresh.scores), (view.caller, fresh.caller),
                    (view.transactionID, fresh.transactionID), (view.alias, fresh.alias),
                    (view.subjectReference, fresh.subjectReference),
                ] {
                    #expect(own.count == other.count && (own.isEmpty || own.baseAddress == other.baseAddress))
                }
            }
        }
    }

    @Test func aVoidIsNoDecision() {
        var record = AuditRecord()
        record.sequence = 4
        record.voidRange = VoidRange(first: 4, last: 9, cause: .processDied)
        record.encoded().withUnsafeBytes { bytes in
            var view = AuditRecordView()
            let isRead = view.read(bytes)
            #expect(isRead)
            #expect(view.isVoid)
            #expect(view.sequence == 4)
        }
    }

    @Test func aCutOrChangedRecordIsReadToItsEndAndNoFurther() {
        // An exact allocation: the sanitizers and the allocator see a byte too many.
        let whole = record(seed: 70).encoded()
        for count in 0..<whole.count {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
            defer { copy.deallocate() }
            copy.copyBytes(from: whole[..<count])
            var view = AuditRecordView()
            let isMessage = view.read(UnsafeRawBufferPointer(copy))
            // Where the scanner takes a cut record for a message, the decoder does, too.
            #expect(isMessage == (AuditRecord.decode(UnsafeRawBufferPointer(copy)) != nil), "cut to \(count)")
        }
        for index in whole.indices {
            for bit in 0..<8 {
                var changed = whole
                changed[index] ^= 1 << UInt8(bit)
                changed.withUnsafeBytes { bytes in
                    var view = AuditRecordView()
                    if view.read(bytes) {
                        let start = bytes.baseAddress!
                        for part in [view.digest, view.features32, view.bitcoin, view.card, view.scores, view.transactionID] {
                            guard let own = part.baseAddress else { continue }
                            #expect(own >= start && own + part.count <= start + bytes.count, "byte \(index), bit \(bit)")
                        }
                    }
                }
            }
        }
    }

    @Test func unknownFieldsArePassedOver() {
        // Field 90: a varint, 8 bytes, a length with bytes, 4 bytes.
        let unknown: [UInt8] = [
            0xd0, 0x05, 0xff, 0x01, 0xd1, 0x05, 1, 2, 3, 4, 5, 6, 7, 8, 0xd2, 0x05, 2, 9, 9, 0xd5, 0x05, 1, 2, 3, 4,
        ]
        (unknown + record(seed: 8).encoded() + unknown).withUnsafeBytes { bytes in
            var view = AuditRecordView()
            let isRead = view.read(bytes)
            #expect(isRead)
            #expect(view.version == record(seed: 8).version)
        }
    }

    @Test func nothingIsARecordOfDefaults() {
        var view = AuditRecordView()
        let isRead = view.read(UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(isRead && view.sequence == 0 && view.bundle.isEmpty && view.outcome == 0 && !view.isUnproven)
    }

    @Test func wrongTypesAndNumbersAreRefused() {
        // time_ns as bytes, bitcoin and score as varints, sealed_personal as 4 bytes, field 0, a group, a number of 30 bits, a varint without
        // an end, ten bytes that go on, a length beyond the end, 8 and 4 bytes of which one is missing.
        let cases: [[UInt8]] = [
            [0x12, 0], [0x40, 1], [0x58, 1], [0xb5, 1, 0, 0, 0, 0], [0, 0], [0x0b], [0xd3, 0x05],
            [0x80, 0x80, 0x80, 0x80, 0x10, 0],
            [0x10, 0x80], [0x10] + [UInt8](repeating: 0x80, count: 10) + [0], [0x1a, 5, 1], [0x59, 1, 2, 3, 4, 5, 6, 7],
            [0xd5, 0x05, 1, 2, 3],
        ]
        for bytes in cases {
            for before in [[], record(seed: 3).encoded()] {
                (before + bytes).withUnsafeBytes { bytes in
                    var view = AuditRecordView()
                    let isRead = view.read(bytes)
                    #expect(!isRead, "\(bytes.map { $0 })")
                }
            }
        }
    }

    @Test func fieldsOfAnyOrderAreFoundAndTheLastOfTwoCounts() {
        let first = record(seed: 71)
        let second = record(seed: 8)
        // The second begins anew with field 1, behind the last of the first.
        (first.encoded() + second.encoded()).withUnsafeBytes { bytes in
            var view = AuditRecordView()
            let isRead = view.read(bytes)
            #expect(isRead && view.sequence == second.sequence && view.version == second.version)
            #expect(view.timeNanoseconds == second.timeNanoseconds && view.scoreBits == second.score.bitPattern)
            #expect(Array(view.transactionID) == Array((second.transactionID.isEmpty ? first : second).transactionID.utf8))
            #expect(view.reasonCount == UInt32(first.reasons.count + second.reasons.count))
        }
    }

    @Test func numbersOfEveryLengthAreReadWhereverTheyEnd() {
        for bitCount in UInt64(0)...64 {
            let value = bitCount == 0 ? 0 : UInt64.max >> (64 - bitCount)
            var encoded: [UInt8] = []
            var rest = value
            while rest >= 0x80 {
                encoded.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            encoded.append(UInt8(rest))
            // With fewer than ten bytes left and with more; once with zeros that need not be there.
            for after in [[], [UInt8](repeating: 0x20, count: 2), [UInt8](repeating: 0x20, count: 12)] {
                ([0x08] + encoded + after).withUnsafeBytes { bytes in
                    var view = AuditRecordView()
                    let isRead = view.read(bytes)
                    #expect(isRead && view.sequence == value, "\(value), then \(after.count) bytes")
                }
            }
        }
        ([0x08, 0x85, 0x80, 0x00] + [UInt8](repeating: 0x20, count: 12)).withUnsafeBytes { bytes in
            var view = AuditRecordView()
            let isRead = view.read(bytes)
            #expect(isRead && view.sequence == 5)
        }
    }

    @Test func whatIsAcceptedIsReadAsTheDecoderReadsIt() {
        let seed: UInt64 = 20_261_201
        var state = seed
        func random() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
        var accepted = 0
        for round in UInt64(0)..<20_000 {
            var bytes = record(seed: round % 64).encoded()
            for _ in 0...random() % 4 { bytes[Int(random()) % bytes.count] = UInt8(truncatingIfNeeded: random()) }
            bytes.withUnsafeBytes { bytes in
                var view = AuditRecordView()
                // The decoder looks into reasons and voids, too, and so refuses more.
                guard view.read(bytes), let record = AuditRecord.decode(bytes) else { return }
                accepted += 1
                #expect(view.sequence == record.sequence && view.timeNanoseconds == record.timeNanoseconds)
                #expect(view.version == record.version && view.scoreBits == record.score.bitPattern)
                #expect(view.requestID == record.requestID && view.serverNanoseconds == record.serverNanoseconds)
                #expect(Array(view.features32) == record.features32 && Array(view.features64) == record.features64)
                #expect(Array(view.digest) == record.digest && Array(view.scores) == record.scores)
            }
        }
        #expect(accepted > 1_000 && accepted < 20_000, "seed \(seed): \(accepted)")
    }
}
