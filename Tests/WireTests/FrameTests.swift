import Testing

@testable import Wire

@Suite struct FrameTests {
    private func prefix(_ bytes: [UInt8], limit: Int = 1000) throws -> Frame.Prefix {
        try bytes.withUnsafeBytes { try Frame.prefix(of: $0, byteCountMax: limit) }
    }

    @Test func everyTruncatedFrameAsksForTheBytesItLacks() throws {
        let frame = Request(id: 7, body: .health).frame()
        for count in 0..<frame.count {
            let expected = count < Frame.headerByteCount ? Frame.headerByteCount : frame.count
            #expect(try prefix(Array(frame[..<count])) == .incomplete(byteCount: expected))
        }
        #expect(try prefix(frame) == .frame(byteCount: frame.count - Frame.headerByteCount, isCompressed: false))
    }

    @Test func lengthBeyondTheLimitIsRefusedFromTheHeaderAlone() {
        #expect(throws: FrameError.tooLong(byteCount: 1001, limit: 1000)) { try prefix([0, 0, 0, 3, 0xe9]) }
        #expect(throws: FrameError.tooLong(byteCount: 0xffff_ffff, limit: 1000)) { try prefix([0, 255, 255, 255, 255]) }
    }

    @Test func everyUndefinedFlagIsRefused() {
        for flags in UInt8(2)...255 {
            #expect(throws: FrameError.unknownFlags(flags)) { try prefix([flags, 0, 0, 0, 0]) }
        }
    }

    @Test func compressedMessageComesBackUnchanged() throws {
        let message = [UInt8]((0..<20_000).map { UInt8($0 / 100 & 255) })
        let frame = try #require(message.withUnsafeBytes { Compression.frame($0) })
        #expect(frame.count < message.count)
        guard case .frame(let byteCount, true) = try prefix(frame, limit: 100_000) else {
            Issue.record("no compressed frame")
            return
        }
        let payload = Array(frame[Frame.headerByteCount...])
        #expect(payload.count == byteCount)
        #expect(try payload.withUnsafeBytes { try Compression.decompress($0, byteCountMax: 20_000) } == message)
        #expect(throws: FrameError.tooLong(byteCount: 20_000, limit: 19_999)) {
            try payload.withUnsafeBytes { try Compression.decompress($0, byteCountMax: 19_999) }
        }
    }

    @Test func damagedCompressionIsRefusedNotRead() throws {
        let message = [UInt8](repeating: 9, count: 5000)
        let frame = try #require(message.withUnsafeBytes { Compression.frame($0) })
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<2000 {
            var payload = Array(frame[Frame.headerByteCount...])
            payload[Int.random(in: 0..<payload.count, using: &generator)] ^= UInt8.random(in: 1...255, using: &generator)
            if Bool.random(using: &generator) { payload.removeLast(Int.random(in: 0..<payload.count, using: &generator)) }
            // Either refused, or a message of the stated size: never a crash.
            let result = try? payload.withUnsafeBytes { try Compression.decompress($0, byteCountMax: 1 << 16) }
            #expect(result.map { $0.count <= 1 << 16 } ?? true)
        }
    }
}

/// SplitMix64: tests that draw numbers print nothing but their seed when they fail.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
