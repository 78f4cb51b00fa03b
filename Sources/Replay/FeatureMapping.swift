import ModelBundle
import Wire

/// How a recorded vector becomes one for the challenger.
enum FeatureMapping {
    /// The same features in the same order and precision: the bytes are taken as they are.
    case asRecorded
    /// For each feature of the challenger the recorded one's index.
    case picked([Int])
    /// What was recorded lacks a feature; where there is a transaction, the challenger's features are derived from it.
    case derived(orElse: ReplayError)

    var isAsRecorded: Bool { if case .asRecorded = self { true } else { false } }

    /// - Parameter recorded: the bundle that made the record; nil when it is not known, and only counts can be compared.
    init(_ record: borrowing AuditRecordView, recorded: Bundle?, challenger: Bundle) {
        let isNarrow = unsafe !record.features32.isEmpty
        let count = isNarrow ? unsafe record.features32.count / 4 : unsafe record.features64.count / 8
        let samePrecision = isNarrow == (challenger.precision == .float32)
        let name = unsafe String(decoding: record.bundle, as: UTF8.self)
        let wanted = challenger.schema.features.map(\.name)
        guard let recorded else {
            guard count == wanted.count else {
                self = .derived(
                    orElse: .featureCountDiffers(
                        recorded: count, challenger: wanted.count, bundle: name, version: record.version))
                return
            }
            self = samePrecision ? .asRecorded : .picked(Array(0..<count))
            return
        }
        let names = recorded.schema.features.map(\.name)
        if names == wanted, samePrecision {
            self = .asRecorded
            return
        }
        let indices = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
        var picked: [Int] = []
        for (index, name) in wanted.enumerated() {
            guard let found = indices[name] else {
                self = .derived(
                    orElse: .featureMissing(index: index, name: name, bundle: recorded.name, version: record.version))
                return
            }
            picked.append(found)
        }
        self = .picked(picked)
    }
}

extension FeatureMapping {
    /// Fills a row of the challenger's from recorded features; false when the record has too few of them.
    static func pick(
        _ indices: [Int], _ record: borrowing AuditRecordView, into row: UnsafeMutableRawPointer, _ challenger: Bundle
    )
        -> Bool
    {
        let isNarrow = unsafe !record.features32.isEmpty
        let source = isNarrow ? unsafe record.features32 : unsafe record.features64
        for (place, index) in indices.enumerated() {
            let width = isNarrow ? 4 : 8
            guard (index + 1) * width <= (source.count) else { return false }
            // Safety: index lies inside the record's features, place inside the row of the challenger's features.
            let value =
                isNarrow
                ? unsafe Double(source.loadUnaligned(fromByteOffset: 4 * index, as: Float.self))
                : unsafe source.loadUnaligned(fromByteOffset: 8 * index, as: Double.self)
            if challenger.precision == .float32 {
                unsafe row.storeBytes(of: Float(value), toByteOffset: 4 * place, as: Float.self)
            } else {
                unsafe row.storeBytes(of: value, toByteOffset: 8 * place, as: Double.self)
            }
        }
        return true
    }
}
