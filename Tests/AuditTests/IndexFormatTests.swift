import Testing
import Wire

@testable import Audit

@Suite struct IndexFormatTests {
    let hash = TransactionHash(seed: 7)

    @Test func hashDependsOnSeedLengthAndEveryByte() {
        for length in 1...40 {
            let bytes = (0..<length).map { UInt8($0) }
            let original = bytes.withUnsafeBytes { hash($0) }
            #expect(bytes.withUnsafeBytes { TransactionHash(seed: 8)($0) } != original)
            #expect((bytes + [0]).withUnsafeBytes { hash($0) } != original)
            for index in 0..<length {
                var changed = bytes
                changed[index] ^= 0x10
                #expect(changed.withUnsafeBytes { hash($0) } != original)
            }
        }
    }

    @Test func transactionIDIsFoundWhereTheDecoderFindsIt() {
        for sequence in UInt64(1)...200 {
            let record = makeRecord(sequence, transactionID: sequence % 5 == 0 ? "" : "id-\(sequence)-ü")
            let found = record.withUnsafeBytes { bytes in
                RecordFields.transactionID(bytes).map { String(decoding: bytes[$0], as: UTF8.self) }
            }
            #expect(found ?? "" == record.withUnsafeBytes { AuditRecord.decode($0)!.transactionID })
        }
    }

    @Test func damagedRecordsNeverLeadOutsideTheirBytes() {
        let seed: UInt64 = 20_261_130
        print("seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let record = makeRecord(3)
        for length in 0..<record.count { checkBounds(Array(record[..<length])) }
        for index in record.indices {
            for _ in 0..<4 {
                var changed = record
                changed[index] = UInt8.random(in: 0...255, using: &generator)
                checkBounds(changed)
            }
        }
        for _ in 0..<2_000 {
            checkBounds((0..<Int.random(in: 0...64, using: &generator)).map { _ in .random(in: 0...255, using: &generator) })
        }
    }

    private func checkBounds(_ bytes: [UInt8]) {
        let range = bytes.withUnsafeBytes { RecordFields.transactionID($0) }
        if let range { #expect(range.lowerBound >= 0 && range.upperBound <= bytes.count) }
    }

    @Test func filterKnowsWhatIsThereAndFewOthers() {
        var generator = SeededGenerator(seed: 1)
        let present = (0..<20_000).map { _ in UInt64.random(in: 1 ... .max, using: &generator) }
        var filter = TransactionFilter(entryCount: present.count)
        for hash in present { filter.insert(hash) }
        #expect(present.allSatisfy { filter.mayContain($0) })
        let wrong = (0..<20_000).count { _ in filter.mayContain(UInt64.random(in: 1 ... .max, using: &generator)) }
        print("filter: \(wrong) of 20000 foreign hashes pass")
        #expect(wrong < 600)
        #expect(!TransactionFilter(entryCount: 0).mayContain(present[0]))
    }
}
