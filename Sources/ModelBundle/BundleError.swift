import Forest
import Platform

/// Why a bundle is not written or not admitted; sections, features, rows and outputs are named or counted from 0.
public enum BundleError: Error, Equatable, Sendable, CustomStringConvertible {
    case system(SystemError)
    case fileTooShort(byteCount: Int)
    case fileTooLong(byteCount: Int, limit: Int)
    case notABundle
    case formatVersionUnsupported(UInt32)
    case byteCountWrong(stored: UInt64, actual: Int)
    case digestMismatch
    case headerInvalid(offset: Int)
    case sectionCountInvalid(UInt32)
    case sectionUnknown(UInt32)
    case sectionReserved(UInt32)
    case sectionRepeated(SectionID)
    case sectionMissing(SectionID)
    case sectionMisplaced(SectionID, offset: UInt64, byteCount: UInt64)
    case sectionByteCountWrong(SectionID, stored: Int, expected: Int)
    case sectionMalformed(SectionID, offset: Int)
    case paddingNotZero(offset: Int)
    case nameInvalid
    case objectiveInvalid
    case featureNameInvalid(feature: Int)
    case featureNameRepeated(feature: Int)
    case featureCountWrong(schema: Int, forest: Int)
    case decidingOutputOutOfRange(output: Int, outputCount: Int)
    case thresholdsOutOfOrder
    case provenanceInvalid(entry: Int)
    case provenanceTooLong(count: Int, limit: Int)
    case reasonInvalid(feature: Int)
    case linearWithTrees
    case linearWeightsInvalid
    case scalerInvalid
    case forest(ForestError)
    case goldenCountWrong(rows: Int, values: Int, expected: Int)
    case goldenTooMany(rows: Int, limit: Int)
    case goldenTooCostly(steps: Int, limit: Int)
    case goldenRowInfinite(row: Int, feature: Int)
    case goldenToleranceInvalid
    case goldenNotRepresentable(row: Int, feature: Int)
    case goldenMismatch(row: Int, output: Int, GoldenColumn, expected: Double, actual: Double)

    /// Which of a golden row's two results differs.
    public enum GoldenColumn: String, Sendable { case raw, transformed }

    public var description: String {
        switch self {
        case .system(let error): error.description
        case .forest(let error): "forest: \(error)"
        case .fileTooShort, .fileTooLong, .notABundle, .formatVersionUnsupported, .byteCountWrong, .digestMismatch,
            .headerInvalid:
            fileDescription
        case .sectionCountInvalid, .sectionUnknown, .sectionReserved, .sectionRepeated, .sectionMissing, .sectionMisplaced,
            .sectionByteCountWrong, .sectionMalformed, .paddingNotZero:
            sectionDescription
        case .goldenCountWrong, .goldenTooMany, .goldenTooCostly, .goldenRowInfinite, .goldenToleranceInvalid,
            .goldenNotRepresentable, .goldenMismatch:
            goldenDescription
        default: contentDescription
        }
    }

    private var fileDescription: String {
        switch self {
        case .fileTooShort(let byteCount): "a file of \(byteCount) bytes is too short for a bundle"
        case .fileTooLong(let byteCount, let limit): "a file of \(byteCount) bytes exceeds the limit of \(limit)"
        case .notABundle: "the file does not begin with a bundle's magic bytes"
        case .formatVersionUnsupported(let version): "format version \(version) is not supported, only \(BundleFormat.version) is"
        case .byteCountWrong(let stored, let actual): "the header says \(stored) bytes, the file has \(actual)"
        case .digestMismatch: "the SHA-256 at the end does not match the bytes before it: the file is damaged"
        case .headerInvalid(let offset): "the reserved header bytes at \(offset) are not zero"
        default: ""
        }
    }

    private var sectionDescription: String {
        switch self {
        case .sectionCountInvalid(let count): "\(count) sections, at most \(BundleFormat.sectionCountMax) can be"
        case .sectionUnknown(let id): "section \(id) is unknown; ignoring it could change what the bundle means"
        case .sectionReserved(let id): "section \(id) is reserved for a later format and not supported"
        case .sectionRepeated(let section): "section \(section) occurs twice"
        case .sectionMissing(let section): "section \(section) is missing"
        case .sectionMisplaced(let section, let offset, let byteCount):
            "section \(section) at \(offset), \(byteCount) bytes, is not aligned, out of order or outside the file"
        case .sectionByteCountWrong(let section, let stored, let expected):
            "section \(section) has \(stored) bytes where its counts demand \(expected)"
        case .sectionMalformed(let section, let offset): "section \(section) is malformed at byte \(offset)"
        case .paddingNotZero(let offset): "the padding byte at \(offset) is not zero"
        default: ""
        }
    }

    private var contentDescription: String {
        switch self {
        case .nameInvalid: "the bundle's name is not 1-\(BundleLimits.nameByteCountMax) of a-z, 0-9, _ and -"
        case .objectiveInvalid: "the objective's name is not printable or too long"
        case .featureNameInvalid(let feature): "the name of feature \(feature) is empty, too long or not printable"
        case .featureNameRepeated(let feature): "the name of feature \(feature) is another feature's too"
        case .featureCountWrong(let schema, let forest): "the schema has \(schema) features, the forest \(forest)"
        case .decidingOutputOutOfRange(let output, let count): "deciding output \(output) of \(count)"
        case .thresholdsOutOfOrder: "the review threshold is not below or equal to the decline threshold"
        case .reasonInvalid(let feature): "the reason text of feature \(feature) is too long or not printable"
        case .linearWithTrees: "weights and trees in one bundle"
        case .linearWeightsInvalid: "the weights are not one finite number a feature and raw score"
        case .scalerInvalid: "the scaler's means and scales are not one finite number a feature, or a scale is zero"
        case .provenanceInvalid(let entry): "provenance entry \(entry) is empty, too long or not printable"
        case .provenanceTooLong(let count, let limit): "\(count) provenance entries exceed the limit of \(limit)"
        default: ""
        }
    }

    private var goldenDescription: String {
        switch self {
        case .goldenCountWrong(let rows, let values, let expected):
            "\(rows) golden rows have \(values) values where \(expected) are needed"
        case .goldenTooMany(let rows, let limit): "\(rows) golden rows exceed the limit of \(limit)"
        case .goldenTooCostly(let steps, let limit): "golden rows take \(steps) steps, more than the limit of \(limit)"
        case .goldenRowInfinite(let row, let feature): "golden row \(row) has an infinite feature \(feature)"
        case .goldenToleranceInvalid: "a tolerance of golden rows is not between 0 and \(GoldenTolerance.limit)"
        case .goldenNotRepresentable(let row, let feature):
            "golden row \(row): feature \(feature) is not representable in the bundle's precision"
        case .goldenMismatch(let row, let output, let column, let expected, let actual):
            "golden row \(row): \(column.rawValue) output \(output) is \(actual) (0x\(String(actual.bitPattern, radix: 16)))"
                + ", the reference says \(expected) (0x\(String(expected.bitPattern, radix: 16)))"
        default: ""
        }
    }
}
