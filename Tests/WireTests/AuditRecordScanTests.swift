import Testing

@testable import Wire

struct AuditRecordScanTests {
    static func sample() -> AuditRecord {
        var record = AuditRecord()
        record.sequence = 77
        record.timeNanoseconds = -1_234_567_890_123
        record.bundle = "cards"
        record.version = .max
        record.digest = (0..<32).map { $0 }
        record.features32 = [UInt8](repeating: 7, count: 120)
        record.card = [8, 1]
        record.scores = [UInt8](repeating: 3, count: 16)
        record.score = -0.25
        record.outcome = .decline
        record.stage = .heuristic
        record.transactionID = "päckchen"
        record.caller = "gateway"
        record.requestID = .max
        record.serverNanoseconds = 1 << 40
        record.alias = "champion"
        record.isUnproven = true
        return record
    }

    static func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func tellsWhatTheRecordSays() throws {
        let record = Self.sample()
        try record.encoded().withUnsafeBytes { bytes in
            let scan = try #require(AuditRecordScan(bytes))
            #expect(scan.timeNanoseconds == record.timeNanoseconds && scan.version == record.version)
            #expect(Self.text(scan.bundle) == record.bundle && [UInt8](scan.digest) == record.digest)
            #expect([UInt8](scan.scores) == record.scores && scan.scoreBits == record.score.bitPattern)
            #expect(scan.outcome == record.outcome && scan.stage == record.stage)
            #expect(Self.text(scan.transactionID) == record.transactionID && Self.text(scan.caller) == record.caller)
            #expect(scan.requestID == record.requestID && scan.serverNanoseconds == record.serverNanoseconds)
            #expect(Self.text(scan.alias) == record.alias && scan.isUnproven)
        }
    }

    @Test func emptyRecordHasTheDefaults() throws {
        let scan = try #require(AuditRecordScan(UnsafeRawBufferPointer(start: nil, count: 0)))
        #expect(scan.timeNanoseconds == 0 && scan.bundle.isEmpty && scan.outcome == .unspecified && !scan.isUnproven)
    }

    @Test func cutAtEveryByteItAgreesWithTheLibrary() {
        let bytes = Self.sample().encoded()
        for count in 0...bytes.count {
            Array(bytes[..<count]).withUnsafeBytes { cut in
                #expect((AuditRecordScan(cut) != nil) == (AuditRecord.decode(cut) != nil), "cut at \(count)")
            }
        }
    }

    @Test func wrongTypesAndNumbersAreRefused() {
        // time_ns as bytes, score as a varint, field 0, a group, a varint without an end, a length beyond the end.
        let cases: [[UInt8]] = [
            [0x12, 0], [0x58, 1], [0, 0], [0x0b], [0x10, 0x80], [0x1a, 5, 1], [UInt8](repeating: 0xff, count: 11),
        ]
        for bytes in cases { bytes.withUnsafeBytes { #expect(AuditRecordScan($0) == nil, "\(bytes)") } }
    }

    @Test func anyBytesAreJudgedWithoutAStumble() {
        let seed: UInt64 = 20_261_130
        var state = seed
        func random() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = Self.sample().encoded()
            for _ in 0...random() % 4 { bytes[Int(random()) % bytes.count] = UInt8(truncatingIfNeeded: random()) }
            bytes.withUnsafeBytes { if AuditRecordScan($0) != nil { accepted += 1 } }
        }
        #expect(accepted > 0 && accepted < 20_000, "seed \(seed): \(accepted)")
    }
}
