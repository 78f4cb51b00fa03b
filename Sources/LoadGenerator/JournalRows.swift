import Audit
import Forest
import Glibc
import Platform
import Wire

/// Rows that a server has decided before: the feature vectors of a journal's records.
enum JournalRows {
    /// The first rows of `bundle` in the journal at `directory`, at most as many as a run holds, each as it was scored.
    static func read(_ directory: String, bundle: String, precision: Precision) throws(LoadError) -> LoadInput {
        var values: [Double] = []
        var featureCount = 0
        do throws(AuditError) {
            var reader = try JournalReader(directory: directory)
            while values.count < max(1, featureCount) * LoadLimits.rowCountMax, let entry = try reader.next() {
                guard !entry.isVoid, let record = unsafe entry.bytes.withUnsafeBytes({ unsafe AuditRecord.decode($0) }),
                    record.bundle == bundle
                else { continue }
                let row = features(record, precision)
                // Versions of a bundle may differ in their features: those of the newer records count.
                if row.count != featureCount { (values, featureCount) = ([], row.count) }
                values += row
            }
        } catch {
            throw .input("\(directory): \(error)")
        }
        guard featureCount > 0 else { throw .input("\(directory): the journal holds no decision of \(bundle)") }
        return .rows(values, featureCount: featureCount, precision)
    }

    private static func features(_ record: AuditRecord, _ precision: Precision) -> [Double] {
        let values = record.features32.isEmpty ? doubles(record.features64) : floats(record.features32).map(Double.init)
        return precision == .float32 ? values.map { Double(Float($0)) } : values
    }

    private static func floats(_ bytes: [UInt8]) -> [Float] {
        words(bytes, UInt32.self).map { Float(bitPattern: UInt32(littleEndian: $0)) }
    }

    private static func doubles(_ bytes: [UInt8]) -> [Double] {
        words(bytes, UInt64.self).map { Double(bitPattern: UInt64(littleEndian: $0)) }
    }

    private static func words<Word: FixedWidthInteger>(_ bytes: [UInt8], _: Word.Type) -> [Word] {
        let size = MemoryLayout<Word>.size
        return unsafe bytes.withUnsafeBytes { bytes in
            // Safety: the index is below the number of whole words.
            (0..<(bytes.count / size)).map { unsafe bytes.loadUnaligned(fromByteOffset: $0 * size, as: Word.self) }
        }
    }
}
