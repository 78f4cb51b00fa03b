import Forest
import Platform
import Testing

@testable import ModelBundle

/// Each lie a file can tell is refused with its own reason; the digest is right in all but the first tests.
@Suite struct AdmissionTests {
    private let original: FileMutant
    private let float64: FileMutant

    init() throws {
        original = FileMutant(try Drafts.binary().serialized())
        float64 = FileMutant(try Drafts.float64().serialized())
    }

    private func expect(
        _ error: BundleError, in file: FileMutant? = nil, _ location: SourceLocation = #_sourceLocation,
        _ change: (inout FileMutant) -> Void
    ) {
        var mutant = file ?? original
        change(&mutant)
        #expect(throws: error, sourceLocation: location) { try Bundle.admit(bytes: mutant.sealed()) }
    }

    @Test func everyTruncationIsRefused() {
        for count in 0..<original.bytes.count {
            #expect(throws: BundleError.self, "cut at \(count)") { try Bundle.admit(bytes: Array(original.bytes[..<count])) }
        }
        #expect(throws: BundleError.fileTooShort(byteCount: 0)) { try Bundle.admit(bytes: []) }
    }

    @Test func everyFlippedBitIsRefused() {
        for file in [original, float64] {
            for offset in file.bytes.indices {
                var bytes = file.bytes
                bytes[offset] ^= 1 << UInt8(offset % 8)
                #expect(throws: BundleError.self, "byte \(offset)") { try Bundle.admit(bytes: bytes) }
            }
        }
        var bytes = original.bytes
        bytes[original.offset(of: .forestNodes)] ^= 1
        #expect(throws: BundleError.digestMismatch) { try Bundle.admit(bytes: bytes) }
    }

    @Test func liesInTheHeaderAreRefused() {
        let byteCount = original.bytes.count
        expect(.notABundle) { $0.bytes[0] = 0 }
        for version: UInt32 in [0, 1, 3] {
            expect(.formatVersionUnsupported(version)) { $0.write(version, at: 8) }
        }
        expect(.byteCountWrong(stored: 7, actual: byteCount)) { $0.write(UInt64(7), at: 16) }
        expect(.headerInvalid(offset: 40)) { $0.bytes[40] = 1 }
        expect(.sectionCountInvalid(193)) { $0.write(UInt32(193), at: 12) }
        expect(.sectionCountInvalid(.max)) { $0.write(UInt32.max, at: 12) }
    }

    @Test func liesInTheSectionTableAreRefused() {
        for number: UInt32 in [0, 20, 31, 34, 99] {
            expect(.sectionUnknown(number)) { $0.write(number, at: $0.entry(of: .policy)) }
        }
        for number: UInt32 in [33, 35] {
            expect(.sectionReserved(number)) { $0.write(number, at: $0.entry(of: .policy)) }
        }
        expect(.sectionRepeated(.schema)) { $0.write(SectionID.schema.rawValue, at: $0.entry(of: .policy)) }
        expect(.headerInvalid(offset: original.entry(of: .schema) + 4)) { $0.bytes[$0.entry(of: .schema) + 4] = 1 }
        let offset = UInt64(original.offset(of: .schema))
        let byteCount = UInt64(original.byteCount(of: .schema))
        for wrong in [offset + 1, offset + 64, offset - 64, .max, 0] {
            expect(.sectionMisplaced(.schema, offset: wrong, byteCount: byteCount)) {
                $0.write(wrong, at: $0.entry(of: .schema) + 8)
            }
        }
        for wrong in [UInt64.max, UInt64(original.bytes.count)] {
            expect(.sectionMisplaced(.schema, offset: offset, byteCount: wrong)) {
                $0.write(wrong, at: $0.entry(of: .schema) + 16)
            }
        }
        expect(.paddingNotZero(offset: original.offset(of: .policy) + 24)) { $0.bytes[$0.offset(of: .policy) + 24] = 1 }
        // The last section is left out: what was its place is then not accounted for.
        expect(.byteCountWrong(stored: UInt64(original.offset(of: .scaler)), actual: original.bytes.count)) {
            let entry = $0.entry(of: .goldenRows)
            for index in 0..<24 { $0.bytes[entry + index] = 0 }
            $0.write(UInt32(SectionID.allCases.count - 1), at: 12)
        }
    }

    @Test func aMissingSectionIsNamed() throws {
        // A file that ends before the golden rows, and whose header says so.
        var mutant = original
        let end = mutant.offset(of: .goldenRows)
        let entry = mutant.entry(of: .goldenRows)
        for index in 0..<24 { mutant.bytes[entry + index] = 0 }
        mutant.write(UInt32(SectionID.allCases.count - 1), at: 12)
        mutant.bytes.removeSubrange(end..<(mutant.bytes.count - 32))
        mutant.write(UInt64(mutant.bytes.count), at: 16)
        #expect(throws: BundleError.sectionMissing(.goldenRows)) { try Bundle.admit(bytes: mutant.sealed()) }
    }

    @Test func liesInTheIdentitysKindsAreRefused() {
        let identity = original.offset(of: .identity)
        for (offset, beyond) in [(0, 3), (2, 3), (4, 3), (6, 3), (8, 10), (10, 16)] as [(Int, UInt16)] {
            for number in [beyond, .max] {
                expect(.sectionMalformed(.identity, offset: offset)) { $0.write(number, at: identity + offset) }
            }
            if offset < 10 {
                expect(.sectionMalformed(.identity, offset: offset)) { $0.write(UInt16(0), at: identity + offset) }
            }
        }
        // Another precision, of each kind, needs other bytes.
        expect(.sectionByteCountWrong(.goldenRows, stored: 112, expected: 144)) { $0.write(UInt16(2), at: identity) }
        expect(.sectionByteCountWrong(.forestThresholds, stored: 12, expected: 24)) { $0.write(UInt16(2), at: identity + 2) }
        expect(.sectionByteCountWrong(.forestLeafValues, stored: 28, expected: 56)) { $0.write(UInt16(2), at: identity + 4) }
        for kind in [Transform.Kind.softplus, .signedSquare, .isolation] {
            expect(.forest(.transformInvalid)) { $0.write(kind.rawValue, at: identity + 8) }
        }
        expect(.sectionByteCountWrong(.forestCovers, stored: 0, expected: 80)) { $0.write(UInt16(2), at: identity + 10) }
        expect(.linearWithTrees) { $0.write(UInt16(4), at: identity + 10) }
        expect(.sectionByteCountWrong(.scaler, stored: 0, expected: 48)) { $0.write(UInt16(8), at: identity + 10) }
    }

    @Test func liesInTheIdentitysCountsAreRefused() {
        let identity = original.offset(of: .identity)
        func expect(_ error: BundleError, _ offset: Int, _ count: UInt32, _ location: SourceLocation = #_sourceLocation) {
            self.expect(error, location) { $0.write(count, at: identity + offset) }
        }
        expect(.featureCountWrong(schema: 3, forest: 4), 12, 4)
        expect(.forest(.countOutOfRange(.features, count: 0xffff_ffff, limit: 8192)), 12, .max)
        expect(.sectionByteCountWrong(.goldenRows, stored: 112, expected: 160), 16, 2)
        expect(.forest(.leafWidthInvalid(2, outputCount: 1)), 20, 2)
        expect(.forest(.treeRangeInvalid(tree: 3)), 24, 4)
        expect(.forest(.countOutOfRange(.leaves, count: 6, limit: 9)), 24, 9)
        expect(.sectionByteCountWrong(.forestNodes, stored: 80, expected: 88), 28, 11)
        expect(.sectionByteCountWrong(.forestLeafValues, stored: 28, expected: 24), 32, 5)
        expect(.sectionByteCountWrong(.forestThresholds, stored: 12, expected: 16), 36, 4)
        expect(.forest(.countOutOfRange(.categoryFeatures, count: 1, limit: 0)), 40, 1)
        expect(.forest(.countOutOfRange(.categories, count: 1, limit: 0)), 44, 1)
        expect(.sectionByteCountWrong(.forestCategoryWords, stored: 0, expected: 4), 48, 1)
        expect(.forest(.categoryFeatureInvalid(0)), 52, 1)
        self.expect(.sectionByteCountWrong(.forestRoots, stored: 32, expected: 64)) {
            $0.write(UInt32(9), at: identity + 24)
            $0.write(UInt32(9), at: identity + 32)
        }
        for offset in [56, 64, 72] {
            for parameter in [Double.nan, .infinity, 0.3] {
                self.expect(.forest(.transformInvalid)) { $0.write(parameter.bitPattern, at: identity + offset) }
            }
        }
        self.expect(.sectionMalformed(.identity, offset: 80)) { $0.write(UInt32(65), at: identity + 80) }
        self.expect(.nameInvalid) { $0.bytes[identity + 84] = UInt8(ascii: "C") }
    }

    @Test func liesInSchemaPolicyAndProvenanceAreRefused() {
        let schema = original.offset(of: .schema)
        expect(.sectionMalformed(.schema, offset: 0)) { $0.write(UInt32.max, at: schema) }
        expect(.sectionMalformed(.schema, offset: 4)) { $0.bytes[schema + 4] = 0 }
        expect(.sectionMalformed(.schema, offset: 4)) { $0.bytes[schema + 5] = 2 }
        expect(.sectionMalformed(.schema, offset: 4)) { $0.write(UInt16(65_000), at: schema + 6) }
        expect(.sectionMalformed(.schema, offset: 8)) { $0.write(UInt32(100_000), at: schema + 8) }
        expect(.sectionMalformed(.schema, offset: 8)) { $0.bytes[schema + 12] = 0xff }
        expect(.featureNameInvalid(feature: 0)) { $0.bytes[schema + 12] = 0x1b }
        // Behind "amount": what analysts read.
        expect(.sectionMalformed(.schema, offset: 18)) { $0.write(UInt32(257), at: schema + 18) }
        expect(.sectionMalformed(.schema, offset: 18)) { $0.bytes[schema + 22] = 0xff }
        expect(.reasonInvalid(feature: 0)) { $0.bytes[schema + 22] = 0x1b }
        let policy = original.offset(of: .policy)
        expect(.decidingOutputOutOfRange(output: 1, outputCount: 1)) { $0.write(UInt32(1), at: policy) }
        expect(.sectionMalformed(.policy, offset: 4)) { $0.bytes[policy + 4] = 1 }
        expect(.thresholdsOutOfOrder) { $0.write(Double.nan.bitPattern, at: policy + 8) }
        expect(.thresholdsOutOfOrder) { $0.write((-1.0).bitPattern, at: policy + 16) }
        expect(.provenanceTooLong(count: 1000, limit: 64)) { $0.write(UInt32(1000), at: $0.offset(of: .provenance)) }
    }

    @Test func liesInTheForestAreRefusedWithTreeAndNode() {
        let nodes = original.offset(of: .forestNodes)
        func node(_ tree: Int, _ index: Int) -> Int { nodes + 8 * (3 * tree + index) }
        expect(.forest(.featureOutOfRange(tree: 1, node: 0, feature: 3, featureCount: 3))) {
            $0.write(UInt32(1 << 10 | 7), at: node(1, 0) + 4)
        }
        expect(.forest(.nodeMalformed(tree: 1, node: 0))) { $0.write(UInt32(1 << 10), at: node(1, 0) + 4) }
        expect(.forest(.nodeMalformed(tree: 1, node: 1))) { $0.write(UInt32(3), at: node(1, 1) + 4) }
        expect(.forest(.childOutOfRange(tree: 1, node: 0, child: 2))) { $0.write(UInt32(2 << 10 | 3), at: node(1, 0) + 4) }
        expect(.forest(.nodeUnreachable(tree: 1, node: 1))) { $0.write(UInt64(2), at: node(1, 0)) }
        expect(.forest(.leafOrdinalWrong(tree: 1, node: 0))) { $0.write(UInt32(0), at: node(1, 0) + 4) }
        expect(.forest(.thresholdOutOfRange(tree: 2, node: 0))) { $0.write(UInt32(1), at: node(2, 0)) }
        expect(.forest(.paddingMalformed)) { $0.bytes[node(3, 0)] = 1 }
        expect(.forest(.treeRangeInvalid(tree: 0))) { $0.write(UInt32(1), at: $0.offset(of: .forestRoots)) }
        expect(.forest(.treeRangeInvalid(tree: 2))) { $0.write(UInt32(3), at: $0.offset(of: .forestRoots) + 8) }
        expect(.forest(.paddingMalformed)) { $0.write(UInt32(0), at: $0.offset(of: .forestRoots) + 12) }
        expect(.forest(.treeOutputOutOfRange(tree: 1, output: 1, outputCount: 1))) {
            $0.write(UInt32(1), at: $0.offset(of: .forestTreeOutputs) + 4)
        }
        expect(.forest(.groupDepthWrong(group: 0, stored: 200, actual: 1))) {
            $0.write(UInt32(200), at: $0.offset(of: .forestGroupDepths))
        }
    }

    @Test func liesInTheForestsNumbersAreRefused() {
        for margin in [Double.infinity, .nan, 0.1] {
            expect(.forest(.baseMarginNotFinite(output: 0))) {
                $0.write(margin.bitPattern, at: $0.offset(of: .forestBaseMargins))
            }
        }
        expect(.forest(.leafValueNotFinite(leaf: 5))) {
            $0.write(Float.nan.bitPattern, at: $0.offset(of: .forestLeafValues) + 4 * 5)
        }
        expect(.forest(.paddingMalformed)) { $0.write(Float(0).bitPattern, at: $0.offset(of: .forestLeafValues) + 4 * 6) }
        expect(.forest(.paddingMalformed)) { $0.bytes[$0.offset(of: .forestLeafNumbers) + 4 * 6] = 1 }
        expect(.forest(.thresholdsInvalid(feature: 2))) {
            $0.write(Float.nan.bitPattern, at: $0.offset(of: .forestThresholds) + 8)
        }
        expect(.forest(.thresholdsInvalid(feature: 0))) { $0.bytes[$0.offset(of: .forestFeatures) + 4] = 2 }
        expect(.forest(.thresholdsInvalid(feature: 2))) { $0.bytes[$0.offset(of: .forestFeatures) + 16] = 2 }
        for cover in [Double.nan, -1] {
            expect(.forest(.coverInvalid(tree: 1, node: 2)), in: float64) {
                $0.write(cover.bitPattern, at: $0.offset(of: .forestCovers) + 8 * 5)
            }
        }
        expect(.forest(.paddingMalformed), in: float64) { $0.write((1.0).bitPattern, at: $0.offset(of: .forestCovers) + 8 * 9) }
        for word in 0..<8 {
            expect(.forest(.categoryFeatureInvalid(0)), in: float64) {
                $0.write(UInt32.max, at: $0.offset(of: .forestCategoryFeatures) + 4 * word)
            }
        }
        expect(.forest(.categoryFeatureInvalid(0)), in: float64) { $0.bytes[$0.offset(of: .forestCategories)] = 40 }
        expect(.forest(.categoryFeatureInvalid(0)), in: float64) { $0.bytes[$0.offset(of: .forestCategoryWords)] = 1 }
        expect(.forest(.categoryFeatureInvalid(0)), in: float64) { $0.bytes[$0.offset(of: .forestCategoryWords) + 4] = 2 }
    }

    @Test func liesInWeightsAndScalersAreRefused() throws {
        let scaler = StandardScaler(means: [0, 0, 0], scales: [1, 1, 1])
        let linear = FileMutant(try Drafts.linear(.float64, scaler: scaler).serialized())
        let narrow = FileMutant(try Drafts.linear(.float32).serialized())
        expect(.linearWeightsInvalid, in: linear) {
            $0.write(Double.infinity.bitPattern, at: $0.offset(of: .linearWeights) + 40)
        }
        for weight in [0.1, 1e39] {
            expect(.linearWeightsInvalid, in: narrow) { $0.write(weight.bitPattern, at: $0.offset(of: .linearWeights)) }
        }
        expect(.scalerInvalid, in: linear) { $0.write(Double.nan.bitPattern, at: $0.offset(of: .scaler)) }
        for scale in [0, -0.0, .nan, .infinity] {
            expect(.scalerInvalid, in: linear) { $0.write(scale.bitPattern, at: $0.offset(of: .scaler) + 24) }
        }
        let flags = linear.offset(of: .identity) + 10
        expect(.sectionByteCountWrong(.linearWeights, stored: 48, expected: 0), in: linear) { $0.write(UInt16(8), at: flags) }
        expect(.sectionByteCountWrong(.scaler, stored: 48, expected: 0), in: linear) { $0.write(UInt16(4), at: flags) }
    }

    @Test func liesInTheGoldenRowsAreRefusedWithTheRow() {
        let golden = original.offset(of: .goldenRows)
        expect(.sectionByteCountWrong(.goldenRows, stored: 112, expected: 136)) { $0.write(UInt32(4), at: golden) }
        expect(.sectionMalformed(.goldenRows, offset: 4)) { $0.bytes[golden + 4] = 1 }
        for tolerance in [1.0, -1e-9, .nan, .infinity] {
            for column in [8, 16] { expect(.goldenToleranceInvalid) { $0.write(tolerance.bitPattern, at: golden + column) } }
        }
        expect(.sectionMalformed(.goldenRows, offset: 61)) { $0.bytes[golden + 61] = 1 }
        expect(.goldenRowInfinite(row: 1, feature: 2)) { $0.write(Float.infinity.bitPattern, at: golden + 24 + 4 * 5) }
        for (offset, column) in [(64, BundleError.GoldenColumn.raw), (88, .transformed)] {
            expect(.goldenMismatch(row: 1, output: 0, column, expected: (3.75).nextUp, actual: 3.75)) {
                $0.write((3.75).nextUp.bitPattern, at: golden + offset + 8)
            }
        }
        // A leaf that was changed shows in the row that reaches it.
        expect(.goldenMismatch(row: 1, output: 0, .raw, expected: 3.75, actual: 2.75)) {
            $0.write(Float(0).bitPattern, at: $0.offset(of: .forestLeafValues) + 4)
        }
    }
}
