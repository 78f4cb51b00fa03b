import Forest
import ModelBundle
import Platform
import Testing

@testable import Learning

@Suite struct IsolationForestTests {
    /// A cloud of rows, and one row apart at the end.
    private static func rows(count: Int = 500, features: Int = 4, seed: UInt64 = 9) -> [Float] {
        var random = Xoshiro256(seed: seed, stream: 0)
        var rows = (0..<(count - 1) * features).map { _ in Float((0..<4).reduce(0) { sum, _ in sum + random.unit() } - 2) }
        rows += [Float](repeating: 6, count: features)
        return rows
    }

    private static func parameters(_ change: (inout IsolationForest.Parameters) -> Void = { _ in }) -> IsolationForest.Parameters
    {
        var parameters = IsolationForest.Parameters()
        change(&parameters)
        return parameters
    }

    @Test func theRowApartScoresHighest() throws {
        let rows = Self.rows()
        let forest = try IsolationForest(training: rows, featureCount: 4)
        let scores = forest.scores(rows)
        #expect(scores.allSatisfy { $0 > 0 && $0 <= 1 })
        #expect(scores.last == scores.max())
        #expect((scores.last ?? 0) > 0.7)
        #expect(scores.count { $0 > 0.5 } < 150)
    }

    /// From the authors' C program, started at the state 1, 2, 3, 4.
    @Test func randomNumbersAreThoseOfTheAuthors() {
        var random = Xoshiro256(state: (1, 2, 3, 4))
        let expected: [UInt64] = [
            11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360, 607_988_272_756_665_600,
            16_172_922_978_634_559_625, 8_476_171_486_693_032_832, 10_595_114_339_597_558_777, 2_904_607_092_377_533_576,
        ]
        #expect(expected == expected.indices.map { _ in random.next() })
    }

    @Test func streamsDifferAndDrawsAreEven() {
        var random = Xoshiro256(seed: 0, stream: 0)
        var other = Xoshiro256(seed: 0, stream: 1)
        #expect(random.next() != other.next())
        let sample = random.sample(50, below: 60)
        #expect(Set(sample).count == 50 && sample.allSatisfy((0..<60).contains))
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[random.below(7)] += 1 }
        // Six standard deviations of a binomial distribution.
        #expect(counts.allSatisfy { abs($0 - 10_000) < 556 })
        #expect((0..<1000).allSatisfy { _ in (0..<1).contains(random.unit()) })
    }

    @Test func theSameSeedGivesTheSameBundle() throws {
        let rows = Self.rows()
        func digest(_ seed: UInt64) throws -> SHA256Digest {
            let parameters = Self.parameters {
                $0.seed = seed
                $0.treeCount = 20
            }
            let forest = try IsolationForest(training: rows, featureCount: 4, parameters: parameters)
            return SHA256Hasher.hash(try forest.draft(name: "forest", rows: rows).serialized())
        }
        #expect(try digest(3) == digest(3))
        #expect(try digest(3) != digest(4))
    }

    /// What another machine, or a later version, has to arrive at.
    @Test func aSeedGivesTheseScoresEverywhere() throws {
        let rows = Self.rows()
        let forest = try IsolationForest(training: rows, featureCount: 4)
        let first = forest.rawScore(rows[..<4])
        let last = forest.rawScore(rows[1996...])
        #expect(first.bitPattern == 13_873_821_395_426_079_981, "\(first) \(String(first.bitPattern, radix: 16))")
        #expect(last.bitPattern == 13_867_480_454_162_022_400, "\(last) \(String(last.bitPattern, radix: 16))")
    }

    @Test func fixedArithmeticIsThatOfTheReals() {
        // ln 255, ln 2 and ln(1/3) by a computer algebra system, to more digits than a Double has.
        for (x, logarithm) in [(255.0, 5.541_263_545_158_425_9), (2, 0.693_147_180_559_945_31), (1, 0)] {
            #expect(abs(FixedArithmetic.logarithm(x) - logarithm) <= 2 * logarithm.ulp)
        }
        for (x, exponential) in [
            (-1.0, 0.367_879_441_171_442_32), (-0.5, 0.606_530_659_712_633_42), (0, 1), (-10, 4.539_992_976_248_485_2e-5),
            (-0.693_147_180_559_945_31, 0.5),
        ] {
            #expect(abs(FixedArithmetic.exponential(x) - exponential) <= 2 * exponential.ulp, "\(x)")
        }
        for step in 0..<1000 {
            let x = -Double(step) * 0.7
            #expect(abs(FixedArithmetic.logarithm(FixedArithmetic.exponential(x)) - x) <= 1e-15 * max(1, -x))
        }
    }

    @Test func treesAreOfTheShapeThePaperSays() throws {
        let rows = Self.rows()
        let parameters = Self.parameters {
            $0.treeCount = 30
            $0.sampleCount = 100
            $0.featuresPerTree = 2
        }
        let forest = try IsolationForest(training: rows, featureCount: 4, parameters: parameters)
        #expect(forest.trees.count == 30)
        for tree in forest.trees {
            var features: Set<Int> = []
            var deepest = 0
            func walk(_ node: Int, _ depth: Int) {
                deepest = max(deepest, depth)
                switch tree.nodes[node].kind {
                case .leaf(let value):
                    #expect(value == -(Double(depth + 1) + IsolationTree.averagePathLength(tree.nodes[node].rowCount) - 1))
                    // Rows that stay together are as deep as rows get; these all differ.
                    #expect(tree.nodes[node].rowCount == 1 || depth == 7)
                case .split(let feature, _, let left, let right):
                    features.insert(feature)
                    #expect(tree.nodes[left].rowCount > 0 && tree.nodes[right].rowCount > 0)
                    #expect(tree.nodes[left].rowCount + tree.nodes[right].rowCount == tree.nodes[node].rowCount)
                    walk(left, depth + 1)
                    walk(right, depth + 1)
                }
            }
            walk(0, 0)
            #expect(tree.nodes[0].rowCount == 100)
            #expect(features.count <= 2 && deepest <= 7)
        }
        // c(256) of the paper's own table: 10.244…
        #expect(abs(IsolationTree.averagePathLength(256) - 10.244_770_920_119_7) < 1e-10)
        #expect(IsolationTree.averagePathLength(2) == 1 && IsolationTree.averagePathLength(1) == 0)
    }

    @Test func theBundleScoresAsTheTrainerDoes() throws {
        let rows = Self.rows()
        let forest = try IsolationForest(training: rows, featureCount: 4)
        let bundle = try Bundle.admit(bytes: forest.draft(name: "forest", rows: rows).serialized())
        #expect(bundle.goldenRowCount == 64 && bundle.treeCount == 100)
        let scored = bundle.score(rows: rows.map(Double.init))
        for (index, score) in forest.scores(rows).enumerated() {
            #expect(scored.raw[index].bitPattern == forest.rawScore(rows[(4 * index)..<(4 * index + 4)]).bitPattern)
            #expect(abs(scored.outputs[index] - score) <= 1e-15)
        }
        // What is higher is more abnormal, as thresholds take it: the row apart is reviewed.
        #expect(bundle.policy.outcome(score: scored.outputs[499]) == .review)
        #expect(bundle.policy.outcome(score: scored.outputs.min() ?? 1) == .approve)
        #expect(bundle.schema.features.allSatisfy { !$0.missingAllowed })
        let provenance = Dictionary(uniqueKeysWithValues: bundle.provenance.map { ($0.key, $0.value) })
        #expect(provenance["training.seed"] == "1" && provenance["training.rows"] == "500")
        #expect(provenance["training.rows_sha256"]?.count == 64)
    }

    @Test func contaminationReviewsThatPartOfTheRows() throws {
        let rows = Self.rows(count: 1001)
        for fraction in [0.01, 0.1, 0.5] {
            let parameters = Self.parameters { $0.contamination = .fraction(fraction) }
            let forest = try IsolationForest(training: rows, featureCount: 4, parameters: parameters)
            let bundle = try Bundle.admit(bytes: forest.draft(name: "forest", rows: rows).serialized())
            let outputs = bundle.score(rows: rows.map(Double.init)).outputs
            let reviewed = outputs.count { bundle.policy.outcome(score: $0) == .review }
            #expect(reviewed == Int(1000 * fraction), "\(fraction)")
        }
        #expect(try IsolationForest(training: rows, featureCount: 4).threshold == 0.5)
    }

    @Test func whatCannotBeLearntFromIsRefused() throws {
        func refusal(
            _ rows: [Float], features: Int = 2, _ change: (inout IsolationForest.Parameters) -> Void = { _ in }
        ) -> LearningError? {
            do throws(LearningError) {
                _ = try IsolationForest(training: rows, featureCount: features, parameters: Self.parameters(change))
                return nil
            } catch { return error }
        }
        let rows: [Float] = [1, 2, 3, 4, 5, 6]
        #expect(refusal(rows) == nil)
        #expect(refusal([1, 2, 3, .nan, 5, 6]) == .valueMissing(row: 1, feature: 1))
        #expect(refusal([1, 2, -.infinity, 4]) == .valueInfinite(row: 1, feature: 0))
        #expect(refusal([1, 2]) == .tooFewRows(1, minimum: 2))
        #expect(refusal([], features: 0) == .noFeatures)
        #expect(refusal([7, 7, 7, 7]) == .rowsDoNotDiffer)
        #expect(refusal(rows) { $0.treeCount = 0 } == .parameterOutOfRange(.trees, limit: 10_000))
        #expect(refusal(rows) { $0.sampleCount = 1 } == .parameterOutOfRange(.samples, limit: 65_536))
        #expect(refusal(rows) { $0.featuresPerTree = 3 } == .parameterOutOfRange(.features, limit: 2))
        for fraction in [0, 0.6, .nan] {
            #expect(refusal(rows) { $0.contamination = .fraction(fraction) } == .contaminationOutOfRange)
        }
        let forest = try IsolationForest(training: rows, featureCount: 2)
        let file = try SchemaFile(parsing: Array(#"{"features": [{"name": "a"}]}"#.utf8))
        #expect(throws: LearningError.featureCountMismatch(schemaFile: 1, rows: 2)) {
            try forest.draft(name: "forest", rows: rows, schemaFile: file)
        }
    }

    @Test func aSchemaFileReplacesNamesAndThresholds() throws {
        let rows: [Float] = [1, 2, 3, 4, 5, 6]
        let text = #"{"features": [{"name": "amount"}, {"name": "age"}], "review_threshold": 0.6, "decline_threshold": 0.8}"#
        let file = try SchemaFile(parsing: Array(text.utf8))
        let forest = try IsolationForest(training: rows, featureCount: 2)
        let bundle = try Bundle.admit(bytes: forest.draft(name: "forest", rows: rows, schemaFile: file).serialized())
        #expect(bundle.schema.features.map(\.name) == ["amount", "age"])
        #expect(bundle.policy == OutcomePolicy(decidingOutput: 0, reviewThreshold: 0.6, declineThreshold: 0.8))
        // Rows with missing features find their way: here to a leaf, whatever the score.
        #expect(bundle.score(rows: [.nan, .nan]).outputs[0] > 0)
    }

    /// Thresholds are drawn between floats that have hardly another one between them.
    @Test func neighbouringFloatsAreToldApart() throws {
        let rows: [Float] = [1, Float(1).nextUp, 1, Float(1).nextUp]
        let forest = try IsolationForest(training: rows, featureCount: 1)
        #expect(forest.trees.contains { $0.nodes.count == 3 })
        let huge: [Float] = [-.greatestFiniteMagnitude, .greatestFiniteMagnitude, 0, -0.0]
        #expect(try IsolationForest(training: huge, featureCount: 1).scores(huge).allSatisfy { $0.isFinite })
    }
}
