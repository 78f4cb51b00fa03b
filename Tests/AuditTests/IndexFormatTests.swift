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

    @Test func hashOfARecordIsThatOfTheIDThatTheDecoderFinds() {
        for sequence in UInt64(1)...200 {
            let record = makeRecord(sequence, transactionID: sequence % 5 == 0 ? "" : "id-\(sequence)-ü")
            record.withUnsafeBytes { bytes in
                let id = AuditRecord.decode(bytes)!.transactionID
                #expect(hash.ofRecord(bytes) == (id.isEmpty ? 0 : hash(id)))
            }
        }
        Array("no record".utf8).withUnsafeBytes { #expect(hash.ofRecord($0) == 0) }
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
