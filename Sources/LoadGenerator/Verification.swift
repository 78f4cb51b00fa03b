import Platform

/// What a reply should have told.
protocol ScoreOracle {
    /// The scores of `rows` by a version, in their order.
    mutating func scores(version: UInt32, digest: SHA256Digest, rows: [Int]) throws(LoadError) -> [ObservedScore]
}

/// Replies compared with recomputed scores.
struct Verification: Equatable {
    /// Rows of replies whose score and outcome are those that the version they name gives, bit for bit.
    var verified: UInt64 = 0
    /// Rows of replies that are not.
    var mismatches: UInt64 = 0
    /// Rows of replies that nothing could be compared with: their version's bundle was not to be had.
    var unverified: UInt64 = 0
    /// Scores recomputed: one for each row and bundle.
    var recomputed: UInt64 = 0
    /// The first mismatches and failures, for people.
    var notes: [String] = []

    var isClean: Bool { mismatches == 0 && unverified == 0 }

    init() {}

    /// Compares what all threads saw with what `oracle` says.
    init(_ observations: [Observations], _ oracle: inout some ScoreOracle) {
        for thread in observations {
            for version in thread.versions { check(version, thread.suspects, &oracle) }
            mismatches += thread.suspectsUncounted + thread.digestContradictions
            unverified += thread.untracked
            if thread.digestContradictions > 0 {
                note("\(thread.digestContradictions) replies have no digest, or another one than replies of the same version")
            }
        }
    }

    /// Adds what was found of another bundle.
    mutating func add(_ other: Verification) {
        verified += other.verified
        mismatches += other.mismatches
        unverified += other.unverified
        recomputed += other.recomputed
        for text in other.notes { note(text) }
    }

    private mutating func check(_ version: Observations.Version, _ suspects: [Suspect], _ oracle: inout some ScoreOracle) {
        guard let table = version.table else { return }
        let rows = table.rows
        let own = suspects.filter { $0.version == version.number }
        let all = Array(Set(rows + own.map(\.row))).sorted()
        let expected: [Int: ObservedScore]
        do throws(LoadError) {
            guard let digest = SHA256Digest(bytes: version.digest.bytes) else { return }
            let scores = try oracle.scores(version: version.number, digest: digest, rows: all)
            expected = Dictionary(uniqueKeysWithValues: zip(all, scores))
        } catch {
            unverified += rows.reduce(UInt64(own.count)) { $0 + table.count(row: $1) }
            note(error.description)
            return
        }
        recomputed += UInt64(all.count)
        for row in rows { compare(version.number, row, table.score(row: row), table.count(row: row), expected[row]) }
        for suspect in own { compare(version.number, suspect.row, suspect.score, 1, expected[suspect.row]) }
    }

    private mutating func compare(
        _ version: UInt32, _ row: Int, _ observed: ObservedScore, _ count: UInt64, _ expected: ObservedScore?
    ) {
        guard observed != expected else {
            verified += count
            return
        }
        mismatches += count
        let wanted = expected.map(Self.text) ?? "nothing"
        note("row \(row), version \(version): \(count) replies say \(Self.text(observed)), recomputed \(wanted)")
    }

    private mutating func note(_ text: String) {
        if notes.count < LoadLimits.mismatchPrintCountMax { notes.append(text) }
    }

    private static func text(_ score: ObservedScore) -> String {
        let names = ["unspecified", "approve", "review", "decline"]
        let outcome = score.outcome < 4 ? names[Int(score.outcome)] : "outcome \(score.outcome)"
        let bits = String(score.scoreBits, radix: 16)
        let others = score.outputBits.isEmpty ? "" : " of \(score.outputBits.map { "\(Double(bitPattern: $0))" })"
        return "\(Double(bitPattern: score.scoreBits)) (0x\(bits)) \(outcome)\(others)"
    }
}
