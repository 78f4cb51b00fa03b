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
        return record
    }

    @Test func everyFieldIsWhatTheDecoderReads() {
        for seed in UInt64(0)..<500 {
            let record = record(seed: seed)
            record.encoded().withUnsafeBytes { bytes in
                var view = AuditRecordView()
                let isRead = view.read(bytes)
                #expect(isRead, "seed \(seed)")
                #expect(view.sequence == record.sequence)
                #expect(view.timeNanoseconds == record.timeNanoseconds)
                #expect(view.version == record.version)
                #expect(view.outcome == record.outcome.rawValue)
                #expect(view.stage == record.stage.rawValue)
                #expect(view.scoreBits == record.score.bitPattern)
                #expect(view.reasonCount == UInt32(record.reasons.count))
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
        // A group (wire type 3) is no field that anybody sends.
        [UInt8]([0xd3, 0x05]).withUnsafeBytes { bytes in
            var view = AuditRecordView()
            let isRead = view.read(bytes)
            #expect(!isRead)
        }
    }
}
