import CJournal
import CLZ4
import Testing

@testable import Audit

/// What `assay_compress_records` makes is what liblz4 decompresses to the same bytes.
struct RecordCompressionTests {
    @Test func likeRecordsTakeLessAndComeBackWhole() throws {
        var generator = SeededGenerator(seed: 1)
        var record = (0..<240).map { _ in UInt8.random(in: 0...255, using: &generator) }
        var raw: [UInt8] = []
        for _ in 0..<1000 {
            // As of decisions: a name and a digest that stay, features that don't.
            for index in 60..<180 { record[index] = .random(in: 0...255, using: &generator) }
            Self.append(record, to: &raw)
        }
        let compressed = try #require(Self.compress(raw))
        #expect(compressed.count < raw.count * 6 / 10)
        #expect(Self.decompress(compressed, byteCount: raw.count) == raw)
    }

    @Test(arguments: 0..<300) func anyRecordsComeBackWhole(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        // Few values and few lengths, so that matches begin and end everywhere, run on into the next record and past the end.
        let values = UInt8([1, 2, 3, 255].randomElement(using: &generator)!)
        let lengthMax = [0, 3, 9, 40, 300, 70_000].randomElement(using: &generator)!
        var kept: [UInt8] = []
        var raw: [UInt8] = []
        for _ in 0..<Int.random(in: 0...60, using: &generator) {
            if kept.isEmpty || Int.random(in: 0..<4, using: &generator) == 0 {
                let length = Int.random(in: 0...lengthMax, using: &generator)
                kept = (0..<length).map { _ in UInt8.random(in: 0...values, using: &generator) }
            } else if let index = kept.indices.randomElement(using: &generator) {
                kept[index] &+= 1
            }
            Self.append(kept, to: &raw)
        }
        let compressed = try #require(Self.compress(raw))
        #expect(Self.decompress(compressed, byteCount: raw.count) == raw)
        // With any less room it says so and stays inside.
        for room in [0, compressed.count / 2, compressed.count - 1] where room < compressed.count {
            #expect(Self.compress(raw, capacity: room) == nil)
        }
    }

    @Test func whatIsNotMadeOfRecordsIsRefused() {
        var raw: [UInt8] = []
        Self.append([1, 2, 3], to: &raw)
        #expect(Self.compress(raw + [9, 0, 0, 0, 1]) == nil)
        #expect(Self.compress(raw + [255, 255, 255, 255]) == nil)
    }

    private static func append(_ record: [UInt8], to raw: inout [UInt8]) {
        raw += (0..<4).map { UInt8(truncatingIfNeeded: record.count >> (8 * $0)) } + record
    }

    /// Into memory of exactly so many bytes between two that must stay as they are.
    private static func compress(_ raw: [UInt8], capacity: Int? = nil) -> [UInt8]? {
        let capacity = capacity ?? raw.count + raw.count / 255 + 64
        var output = [UInt8](repeating: 0xa5, count: capacity + 16)
        let count = unsafe raw.withUnsafeBufferPointer { raw in
            unsafe output.withUnsafeMutableBufferPointer { output in
                unsafe assay_compress_records(raw.baseAddress, raw.count, output.baseAddress! + 8, capacity)
            }
        }
        #expect(output.prefix(8).allSatisfy { $0 == 0xa5 } && output.suffix(8).allSatisfy { $0 == 0xa5 })
        return count == 0 ? nil : Array(output[8..<8 + count])
    }

    private static func decompress(_ compressed: [UInt8], byteCount: Int) -> [UInt8]? {
        var raw = [UInt8](repeating: 0, count: byteCount + 1)
        let count = unsafe compressed.withUnsafeBytes { compressed in
            unsafe raw.withUnsafeMutableBytes { raw in
                unsafe LZ4_decompress_safe(
                    compressed.baseAddress!.assumingMemoryBound(to: CChar.self),
                    raw.baseAddress!.assumingMemoryBound(to: CChar.self),
                    Int32(compressed.count), Int32(byteCount))
            }
        }
        return count == byteCount ? Array(raw.prefix(byteCount)) : nil
    }
}
