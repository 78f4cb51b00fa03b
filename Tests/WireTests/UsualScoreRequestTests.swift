import Testing

@testable import Wire

/// The reader of the usual form and protobuf-c read the same out of the same bytes.
@Suite struct UsualScoreRequestTests {
    @Test(arguments: 0..<200 as Range<UInt64>)
    func usualRequestsAreReadAsProtobufCReadsThem(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20 {
            let payload = RequestBytes.usual(&random)
            #expect(Reading.usual(payload) != nil, "seed \(seed)")
            #expect(Reading.usual(payload) == Reading.any(payload), "seed \(seed)")
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func whatIsDamagedIsReadAlikeOrLeftToProtobufC(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var payload = RequestBytes.usual(&random)
            for _ in 0...Int.random(in: 0...2, using: &random) where !payload.isEmpty {
                let index = Int.random(in: 0..<payload.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: payload.remove(at: index)
                case 1: payload.insert(UInt8.random(in: 0...255, using: &random), at: index)
                case 2: payload[index] = UInt8.random(in: 0...255, using: &random)
                default: payload.removeLast(Int.random(in: 0..<payload.count, using: &random))
                }
            }
            guard let usual = Reading.usual(payload) else { continue }
            #expect(usual == Reading.any(payload), "seed \(seed): \(payload)")
        }
    }

    @Test func otherFormsAreLeftToProtobufC() {
        let score = RequestBytes.field(1, Array("cards".utf8)) + RequestBytes.field(2, [0, 0, 128, 63])
        func request(_ score: [UInt8]) -> [UInt8] { RequestBytes.field(3, score) }
        #expect(Reading.usual(request(score)) != nil)
        let others: [[UInt8]] = [
            [], RequestBytes.field(4, []),
            // An unknown field, the body twice, fields not in order, one twice, a feature that is not packed, half a one.
            request(score) + [0xf8, 0x06, 1], request(score) + request(score), RequestBytes.field(3, score) + [0x08, 1],
            request(RequestBytes.field(2, [0, 0, 128, 63]) + RequestBytes.field(1, [97])),
            request(score + RequestBytes.field(2, [0, 0, 0, 0])), request(RequestBytes.field(1, [97]) + [0x15, 0, 0, 128, 63]),
            request(RequestBytes.field(2, [0, 0, 128])),
            // A transaction, personal data, a version of 33 bits, a tag longer than it must be.
            request(score + RequestBytes.field(4, [])), request(score + [0x92, 0x01, 0]),
            request(score + [0x40, 0x80, 0x80, 0x80, 0x80, 0x10]), request([0x8a, 0x00, 1, 97]),
        ]
        for other in others { #expect(Reading.usual(other) == nil, "\(other)") }
    }
}

/// All that a score request says, in values; numbers as their bits.
private struct Reading: Equatable {
    var id: UInt64
    var deadline: Int64
    var texts: [String]
    var numbers: [UInt32]
    var features32: [UInt32]
    var features64: [UInt64]
    var durability: WireDurability?

    static func usual(_ payload: [UInt8]) -> Reading? { read(payload, UsualScoreRequest.decode) }
    static func any(_ payload: [UInt8]) -> Reading? { read(payload, RequestView.decodeAny) }

    private static func read(
        _ payload: [UInt8], _ decode: (UnsafeRawBufferPointer, MessageArena) -> RequestView?
    ) -> Reading? {
        let arena = MessageArena(byteCount: 4096)
        return payload.withUnsafeBytes { bytes in
            guard let view = decode(bytes, arena), case .score(let score) = view.body else { return nil }
            #expect(!score.hasTransaction && score.personal == nil)
            return Reading(
                id: view.id, deadline: view.deadlineMicroseconds,
                texts: [score.bundle, score.alias, score.transactionID, score.caller].map(\.string),
                numbers: [score.version, score.explain, score.includesRaw ? 1 : 0, UInt32(score.inputKindCount)],
                features32: score.features32.map(\.bitPattern), features64: score.features64.map(\.bitPattern),
                durability: score.durability)
        }
    }
}

/// Requests as bytes, field by field.
private enum RequestBytes {
    /// Any fields of the usual form, in their order.
    static func usual(_ random: inout SeededGenerator) -> [UInt8] {
        var score: [UInt8] = []
        for number in [1, 2, 3, 6, 7, 8, 9, 10, 16, 17] as [UInt64] where Bool.random(using: &random) {
            switch number {
            case 2: score += field(number, bytes(4 * Int.random(in: 0...40, using: &random), &random))
            case 3: score += field(number, bytes(8 * Int.random(in: 0...40, using: &random), &random))
            case 8, 9:
                score +=
                    varint(number << 3)
                    + varint(UInt64.random(in: 0..<1 << 31, using: &random) >> UInt64.random(in: 0...31, using: &random))
            case 10:
                score +=
                    varint(number << 3)
                    + varint(UInt64.random(in: 0...1 << 40, using: &random) >> UInt64.random(in: 0...40, using: &random))
            case 17: score += varint(number << 3) + varint(UInt64.random(in: 0...4, using: &random))
            default: score += field(number, bytes(Int.random(in: 0...20, using: &random), &random))
            }
        }
        var request: [UInt8] = []
        for number in [1, 2] as [UInt64] where Bool.random(using: &random) {
            request +=
                varint(number << 3)
                + varint(UInt64.random(in: 0...UInt64.max, using: &random) >> UInt64.random(in: 0...63, using: &random))
        }
        return request + field(3, score)
    }

    static func field(_ number: UInt64, _ bytes: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(UInt64(bytes.count)) + bytes
    }

    private static func bytes(_ count: Int, _ random: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes) = (value, [] as [UInt8])
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
