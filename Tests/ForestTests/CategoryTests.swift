import Forest
import Testing

/// Splits that test whether a feature is one of some categories.
@Suite struct CategoryTests {
    private struct Split {
        var categories: [UInt32]
        var missingGoesLeft = true
    }

    /// A tree and an output for each split, all of feature 1: -1 where a row goes left, 1 where it goes right.
    private func ensemble(
        _ splits: [Split], _ rule: TreeEnsemble.CategoryRule, _ precision: Precision, flushesTiny: Bool = false
    ) -> TreeEnsemble {
        let trees = splits.enumerated().map { output, split in
            TreeEnsemble.Tree(
                nodes: [
                    .categorySplit(
                        feature: 1, categories: split.categories, missingGoesLeft: split.missingGoesLeft, left: 1, right: 2),
                    .leaf(-1), .leaf(1),
                ], output: output)
        }
        return TreeEnsemble(
            featureCount: 3, featurePrecision: precision, inputRules: .init(flushesTiny: flushesTiny, categories: rule),
            baseMargins: splits.map { _ in 0 }, transform: Transform(.identity), trees: trees)
    }

    private func sides(_ ensemble: TreeEnsemble, _ value: Double) throws -> [Double] {
        try packedScores(ensemble, [[7, value, 7]]).raw[0]
    }

    @Test func xgboostTakesWholePartsFromZeroToBelow2To24() throws {
        let forest = ensemble([Split(categories: [0, 2, 16_777_215])], .nonNegative, .float32)
        for value in [0, -0.0, 0.5, 2, 2.999, 16_777_215] { #expect(try sides(forest, value) == [1], "\(value)") }
        for value in [-0.5, -1e-30, -1, -2, 1, 1.999, 3, 16_777_214, 16_777_216, 1e10, 1e300, .infinity, -.infinity] {
            #expect(try sides(forest, value) == [-1], "\(value)")
        }
        // Not even where the set has the category.
        let beyond = ensemble([Split(categories: [16_777_216, 16_777_218])], .nonNegative, .float32)
        for value in [16_777_216.0, 16_777_218] { #expect(try sides(beyond, value) == [-1], "\(value)") }
    }

    @Test func lightGBMTakesWholePartsTowardZeroFromZeroToBelow2To31() throws {
        let forest = ensemble([Split(categories: [0, 2, 16_777_217, 2_147_483_647])], .towardZero, .float64)
        for value in [0, -0.0, -0.5, (-1.0).nextUp, 0.999, 2, 2.999, 16_777_217, 16_777_217.5, 2_147_483_647, 2_147_483_647.5] {
            #expect(try sides(forest, value) == [1], "\(value)")
        }
        for value in [-1, -1.5, -2, 1, 3, 16_777_216, 2_147_483_648, 4_294_967_296, 1e300, .infinity, -.infinity] {
            #expect(try sides(forest, value) == [-1], "\(value)")
        }
        // In float32 the neighbours of a large category are the same number.
        let narrow = ensemble([Split(categories: [16_777_216])], .towardZero, .float32)
        #expect(try sides(narrow, 16_777_217) == [1])
    }

    @Test func missingGoesItsOwnWay() throws {
        for rule in TreeEnsemble.CategoryRule.allCases {
            let forest = ensemble(
                [
                    Split(categories: [1], missingGoesLeft: true), Split(categories: [1], missingGoesLeft: false),
                    Split(categories: [], missingGoesLeft: true), Split(categories: [], missingGoesLeft: false),
                ], rule, .float64)
            #expect(try sides(forest, .nan) == [-1, 1, -1, 1])
            #expect(try sides(forest, 1) == [1, 1, -1, -1])
            #expect(try sides(forest, 0) == [-1, -1, -1, -1])
            #expect(try PackedForest(forest).shape.categorySlotCount == 4)
        }
    }

    @Test func tinyValuesAreCategoryZeroWhereTheyAreFlushed() throws {
        for rule in TreeEnsemble.CategoryRule.allCases {
            let forest = ensemble([Split(categories: [0])], rule, .float64, flushesTiny: true)
            #expect(try sides(forest, -1e-36) == [1])
            #expect(try sides(forest, 1e-36) == [1])
        }
        #expect(try sides(ensemble([Split(categories: [0])], .nonNegative, .float64), -1e-36) == [-1])
    }

    /// More sets than a word has bits, at and around the words' ends.
    @Test(arguments: [1, 31, 32, 33, 64, 65, 100]) func aFeatureMayHaveManySets(count: Int) throws {
        let splits = (0..<UInt32(count)).map { Split(categories: [$0, $0 + 1, 1000], missingGoesLeft: $0 % 3 == 0) }
        let forest = ensemble(splits, .nonNegative, .float32)
        for value in 0..<(count + 3) {
            let expected = (0..<count).map { set -> Double in value == set || value == set + 1 ? 1 : -1 }
            #expect(try sides(forest, Double(value)) == expected, "\(value)")
        }
        #expect(try sides(forest, 1000).allSatisfy { $0 == 1 })
        #expect(try sides(forest, 999).allSatisfy { $0 == -1 })
        let missing = (0..<count).map { set -> Double in set % 3 == 0 ? -1 : 1 }
        #expect(try sides(forest, .nan) == missing)
    }

    @Test func equalSetsShareASlot() throws {
        let splits = [[3, 9], [3, 9], [9], [3, 9]].map { Split(categories: $0) }
        let forest = try PackedForest(ensemble(splits, .nonNegative, .float32))
        #expect(forest.shape.categorySlotCount == 2)
        #expect(forest.categories == [3, 9])
        #expect(forest.categoryWords == [0, 0, 0b01, 0b11])
    }

    @Test func severalFeaturesHaveSetsAndThresholdsToo() throws {
        func tree(_ node: TreeEnsemble.Node, _ output: Int) -> TreeEnsemble.Tree {
            .init(nodes: [node, .leaf(-1), .leaf(1)], output: output)
        }
        let trees = [
            tree(.categorySplit(feature: 2, categories: [1, 5], missingGoesLeft: true, left: 1, right: 2), 0),
            tree(.categorySplit(feature: 0, categories: [1], missingGoesLeft: false, left: 1, right: 2), 1),
            tree(.split(feature: 2, threshold: 3, missingGoesLeft: false, left: 1, right: 2), 2),
            tree(.split(feature: 1, threshold: 3, missingGoesLeft: true, left: 1, right: 2), 3),
        ]
        let ensemble = TreeEnsemble(
            featureCount: 3, baseMargins: [0, 0, 0, 0], transform: Transform(.identity), trees: trees)
        let rows: [[Double]] = [[1, 2, 5], [0, 3, 1], [.nan, .nan, .nan], [5, 0, 3]]
        #expect(try packedScores(ensemble, rows).raw == [[1, 1, 1, -1], [1, -1, -1, 1], [-1, 1, 1, -1], [-1, -1, 1, -1]])
        #expect(try PackedForest(ensemble).categoryFeatures.map(\.feature) == [0, 2])
    }
}
