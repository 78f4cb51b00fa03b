import Testing
import Wire

@testable import LoadGenerator

/// Reads as a connection does: each piece goes behind what was kept.
struct StreamFeeder: ~Copyable {
    var stream = ReplyStream()
    var buffer = ReceiveBuffer(byteCount: 16)
    var payloads: [[UInt8]] = []

    mutating func feed(_ piece: some Collection<UInt8>) throws(ReplyFault) {
        var rest = Array(piece)
        while !rest.isEmpty {
            let kept = stream.prepare(&buffer)
            let count = min(rest.count, buffer.bytes.count - kept)
            precondition(count > 0, "no room behind \(kept) kept bytes")
            buffer.bytes.baseAddress!.advanced(by: kept).copyMemory(from: rest, byteCount: count)
            rest.removeFirst(count)
            let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[0..<(kept + count)])
            var offset = 0
            while let payload = try stream.next(in: bytes, at: &offset) { payloads.append(Array(payload)) }
            stream.keep(bytes, from: offset)
        }
    }
}

@Suite struct ReplyStreamTests {
    private let replies = [
        Samples.decision(id: 1 << 55), Samples.refusal(id: 1 << 55 | 1),
        Samples.batch(id: 1 << 55 | 2, scores: (0..<300).map(Double.init), sequence: 9),
        Samples.decision(id: 1 << 55 | 3, scores: [0.1, 0.2]),
    ]

    @Test func framesSplitAtAnyByteComeOutWhole() throws {
        let bytes = replies.flatMap { $0.frame() }
        let expected = replies.map(Samples.payload)
        for cut in 0...bytes.count {
            var feeder = StreamFeeder()
            try feeder.feed(bytes[..<cut])
            try feeder.feed(bytes[cut...])
            #expect(feeder.payloads == expected, "cut at \(cut)")
            #expect(feeder.stream.carry.isEmpty)
        }
    }

    @Test(arguments: [1, 2, 3, 7, 64])
    func framesInSmallPiecesComeOutWhole(pieceByteCount: Int) throws {
        let bytes = replies.flatMap { $0.frame() }
        var feeder = StreamFeeder()
        for start in stride(from: 0, to: bytes.count, by: pieceByteCount) {
            try feeder.feed(bytes[start..<min(start + pieceByteCount, bytes.count)])
        }
        #expect(feeder.payloads == replies.map(Samples.payload))
    }

    @Test func emptyFrameIsAnEmptyPayload() throws {
        var feeder = StreamFeeder()
        try feeder.feed([0, 0, 0, 0, 0])
        #expect(feeder.payloads == [[]])
    }

    @Test func frameBeyondTheLimitIsRefusedBeforeItsBytesCome() {
        var feeder = StreamFeeder()
        #expect(throws: ReplyFault.frameTooLong(byteCount: 0xffff_ffff, limit: LoadLimits.replyByteCountMax)) {
            try feeder.feed([0, 0xff, 0xff, 0xff, 0xff])
        }
    }

    @Test func unknownFlagsAreRefused() {
        var feeder = StreamFeeder()
        #expect(throws: ReplyFault.frameFlags(1)) { try feeder.feed([1, 0, 0, 0, 0]) }
    }

    @Test func unfinishedFrameIsForgottenOnReset() throws {
        var feeder = StreamFeeder()
        try feeder.feed(replies[0].frame().dropLast())
        #expect(!feeder.stream.carry.isEmpty)
        feeder.stream.reset()
        try feeder.feed(replies[1].frame())
        #expect(feeder.payloads == [Samples.payload(replies[1])])
    }
}

@Suite struct ScannedReplyTests {
    @Test func decisionIsReadAsTheEncoderWroteIt() throws {
        let reply = Samples.decision(
            id: 1 << 55 | 7, score: 0.1, outcome: .decline, version: 300, sequence: 1 << 40, scores: [0.1, -0.0, .nan])
        let payload = Samples.payload(reply)
        let scanned = try payload.withUnsafeBytes { try ScannedReply($0) }
        #expect(scanned.id == reply.id)
        #expect(scanned.status == 0)
        #expect(scanned.result == .decision)
        #expect(scanned.scoreBits == 0.1.bitPattern)
        #expect(scanned.outcome == 3)
        #expect(scanned.version == 300)
        #expect(scanned.auditSequence == 1 << 40)
        #expect(scanned.serverNanoseconds == 1_500)
        #expect(scanned.scores.byteCount == 24)
        #expect(bytes(payload, scanned.bundle) == Array("cards".utf8))
        #expect(bytes(payload, scanned.digest) == Samples.digest)
        #expect(bytes(payload, scanned.scores)[8..<16] == [0, 0, 0, 0, 0, 0, 0, 0x80])
    }

    @Test func zeroScoreIsAZero() throws {
        #expect(try Samples.scan(Samples.decision(id: 1, score: 0)).scoreBits == 0)
    }

    @Test func batchIsReadAsTheEncoderWroteIt() throws {
        let reply = Samples.batch(id: 5, scores: [1, 2, 3], sequence: 100)
        let scanned = try Samples.scan(reply)
        #expect(scanned.result == .batch)
        #expect(scanned.scores.byteCount == 24)
        #expect(scanned.outcomes.byteCount == 3)
        #expect(scanned.auditSequence == 100)
    }

    @Test func errorIsReadAsTheEncoderWroteIt() throws {
        let reply = Samples.refusal(id: 9, status: .auditUnavailable, reason: "RING_FULL")
        let payload = Samples.payload(reply)
        let scanned = try payload.withUnsafeBytes { try ScannedReply($0) }
        #expect(scanned.status == 5)
        #expect(scanned.result == .none)
        #expect(bytes(payload, scanned.reason) == Array("RING_FULL".utf8))
        #expect(scanned.retryAfterMicroseconds == 1_000)
    }

    @Test func unknownFieldsAreSkipped() throws {
        // Field 60 as varint, fixed64, bytes and fixed32, before and after a known one.
        let extra: [UInt8] = [0xe0, 3, 5, 0xe1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0xe2, 3, 2, 9, 9, 0xe5, 3, 1, 2, 3, 4]
        let payload = extra + [0x08, 77] + extra
        #expect(try payload.withUnsafeBytes { try ScannedReply($0) }.id == 77)
    }

    @Test func replyCutAtAnyByteIsRefusedOrAShorterMessage() throws {
        for reply in [Samples.decision(id: 1 << 55, scores: [1, 2]), Samples.batch(id: 2, scores: [1, 2], sequence: 3)] {
            let payload = Samples.payload(reply)
            let whole = try Samples.scan(reply)
            for count in 0..<payload.count {
                let cut = try? payload[..<count].withUnsafeBytes { try ScannedReply($0) }
                #expect(cut != whole)
            }
        }
    }

    @Test func randomBytesNeverLeadOutsideThePayload() {
        let seed: UInt64 = 20_261_121
        var generator = SeededGenerator(seed: seed)
        let valid = Samples.payload(Samples.decision(id: 1 << 55, scores: [1, 2]))
        for round in 0..<20_000 {
            var payload = round % 2 == 0 ? valid : (0..<Int.random(in: 0..<60, using: &generator)).map { _ in 0 }
            for _ in 0..<4 where !payload.isEmpty {
                payload[Int.random(in: 0..<payload.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let scanned = try? payload.withUnsafeBytes({ try ScannedReply($0) }) else { continue }
            for place in [scanned.reason, scanned.scores, scanned.outcomes, scanned.allScores, scanned.bundle, scanned.digest] {
                #expect(place.offset >= 0 && place.offset + place.byteCount <= payload.count, "seed \(seed), round \(round)")
            }
        }
    }

    private func bytes(_ payload: [UInt8], _ place: ScannedReply.Place) -> [UInt8] {
        Array(payload[place.offset..<(place.offset + place.byteCount)])
    }
}
