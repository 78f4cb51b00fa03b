import Forest
import Testing

@testable import ModelBundle

/// Seeded changes of any bytes, resealed as a liar would.
@Suite struct MutantTests {
    private static func drafts() -> [(name: String, draft: BundleDraft)] {
        var linear = Drafts.linear(.float32, scaler: StandardScaler(means: [1, 1, 1], scales: [2, 2, 2]))
        let raw = [0.5 + Float(0.1) - 2 + 3, -0.25 + Float(1.7) + 0.3 - 0.9].map(Double.init)
        linear.golden = GoldenRows(rowCount: 1, features: [3, 3, 3], raw: raw, outputs: raw)
        return [
            ("binary", Drafts.binary()), ("float64", Drafts.float64()), ("classes", Drafts.classes()), ("linear", linear),
        ]
    }

    /// Never a crash, and what is admitted reproduces its golden rows as closely as it says.
    @Test func resealedMutantsNeverCrashNorScoreOtherwise() throws {
        let seed: UInt64 = 31_337
        var random = SeededRandom(seed: seed)
        for (name, draft) in Self.drafts() {
            let original = FileMutant(try draft.serialized())
            var admitted = 0
            for _ in 0..<6_000 {
                var mutant = original
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    let offset = Int.random(in: 0..<(mutant.bytes.count - 36), using: &random)
                    mutant.change(at: offset, with: &random)
                }
                if try isSound(mutant, name, seed) { admitted += 1 }
            }
            print("bundle mutants (seed \(seed)): \(name): \(admitted) of 6000 admitted, all reproduce their golden rows")
            #expect(admitted > 0 && admitted < 3_000)
        }
    }

    /// The same for each section on its own: the short ones, too, get their share.
    @Test func everySectionsMutantsAreRefusedOrSound() throws {
        let seed: UInt64 = 271_828
        var random = SeededRandom(seed: seed)
        for (name, draft) in Self.drafts() {
            let original = FileMutant(try draft.serialized())
            for section in SectionID.allCases where original.byteCount(of: section) > 0 {
                var refused = 0
                for _ in 0..<300 {
                    var mutant = original
                    let offset = Int.random(in: 0..<original.byteCount(of: section), using: &random)
                    mutant.change(at: original.offset(of: section) + offset, with: &random)
                    if try !isSound(mutant, "\(name) \(section)", seed) { refused += 1 }
                }
                // What frameworks call leaves is anything; all else has faults.
                if section != .forestLeafNumbers { #expect(refused > 0, "\(name) \(section)") }
            }
        }
    }

    /// Whether a mutant is admitted; if so, all that it can be asked is asked.
    private func isSound(_ mutant: FileMutant, _ name: String, _ seed: UInt64) throws -> Bool {
        guard let bundle = try? Bundle.admit(bytes: mutant.sealed()) else { return false }
        let rows = bundle.goldenFeatures
        let (raw, outputs) = bundle.score(rows: rows)
        let tolerance = bundle.goldenTolerance
        #expect(agree(raw, bundle.goldenRaw, tolerance.raw), "seed \(seed) \(name)")
        #expect(agree(outputs, bundle.goldenOutputs, tolerance.outputs), "seed \(seed) \(name)")
        #expect(bundle.leaves(rows: rows).count == bundle.goldenRowCount * bundle.treeCount)
        if bundle.explains { _ = bundle.contributions(rows: rows) }
        return true
    }

    private func agree(_ actual: [Double], _ expected: [Double], _ tolerance: Double) -> Bool {
        actual.count == expected.count
            && zip(actual, expected).allSatisfy { $0.bitPattern == $1.bitPattern || abs($0 - $1) <= tolerance * max(1, abs($1)) }
    }
}

extension FileMutant {
    /// A flipped bit, another byte or another word, as far as the file goes.
    fileprivate mutating func change(at offset: Int, with random: inout SeededRandom) {
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[offset] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[offset] = UInt8.random(in: 0...255, using: &random)
        default: write(UInt32.random(in: 0...UInt32.max, using: &random), at: offset)
        }
    }
}
