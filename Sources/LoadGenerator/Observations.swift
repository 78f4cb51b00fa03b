/// 32 bytes of a bundle's SHA-256, as four words, so that comparing two costs four instructions.
struct DigestWords: Hashable {
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    static func == (a: DigestWords, b: DigestWords) -> Bool { a.words == b.words }

    func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }

    /// nil when `place` is not 32 bytes long.
    @inline(__always)
    init?(_ payload: UnsafeRawBufferPointer, _ place: ScannedReply.Place) {
        guard place.byteCount == 32 else { return nil }
        // Safety: the scanner has checked that the place lies in the payload.
        unsafe words = (
            payload.loadUnaligned(fromByteOffset: place.offset, as: UInt64.self),
            payload.loadUnaligned(fromByteOffset: place.offset + 8, as: UInt64.self),
            payload.loadUnaligned(fromByteOffset: place.offset + 16, as: UInt64.self),
            payload.loadUnaligned(fromByteOffset: place.offset + 24, as: UInt64.self)
        )
    }

    init(bytes: [UInt8]) {
        precondition(bytes.count == 32)
        let value = unsafe bytes.withUnsafeBytes { unsafe DigestWords($0, ScannedReply.Place(offset: 0, byteCount: 32)) }
        self = value ?? DigestWords()
    }

    private init() {}

    var bytes: [UInt8] {
        [words.0, words.1, words.2, words.3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word.littleEndian >> (8 * UInt64($0))) }
        }
    }
}

/// A score as a reply told it.
struct ObservedScore: Equatable {
    /// Of the deciding output.
    var scoreBits: UInt64
    var outcome: UInt8
    /// Bits of all outputs, when the reply told several.
    var outputBits: [UInt64] = []
}

/// What was first seen for each row of one version, and how often it was seen again: replies are compared with each other while
/// the load runs, and one of each with the recomputed score afterwards, so that checking costs the sender one table look-up.
struct ObservedTable {
    /// Outputs that each reply tells; 0: the score alone.
    let outputCount: Int
    private var counts: [UInt32]
    private var outcomes: [UInt8]
    private var scoreBits: [UInt64]
    /// [rows, outputs] row-major.
    private var outputBits: [UInt64]

    init(rowCount: Int, outputCount: Int) {
        self.outputCount = outputCount
        counts = [UInt32](repeating: 0, count: rowCount)
        outcomes = [UInt8](repeating: 0, count: rowCount)
        scoreBits = [UInt64](repeating: 0, count: rowCount)
        outputBits = [UInt64](repeating: 0, count: rowCount * outputCount)
    }

    static func byteCount(rowCount: Int, outputCount: Int) -> Int { rowCount * (13 + 8 * outputCount) }

    /// Notes what a reply told for `row`; false when it differs from the first one. `outputs` holds little-endian doubles.
    @inline(__always)
    mutating func note(row: Int, scoreBits bits: UInt64, outcome: UInt8, outputs: UnsafeRawBufferPointer) -> Bool {
        guard outputs.count == outputCount * 8 else { return false }
        if counts[row] == 0 {
            scoreBits[row] = bits
            outcomes[row] = outcome
            for index in 0..<outputCount { outputBits[row * outputCount + index] = unsafe word(outputs, index) }
        } else {
            guard scoreBits[row] == bits, outcomes[row] == outcome else { return false }
            for index in 0..<outputCount where unsafe outputBits[row * outputCount + index] != word(outputs, index) {
                return false
            }
        }
        // More than four thousand million replies for one row stay at the largest count.
        if counts[row] < .max { counts[row] += 1 }
        return true
    }

    /// Rows that were seen.
    var rows: [Int] { counts.indices.filter { counts[$0] > 0 } }

    func count(row: Int) -> UInt64 { UInt64(counts[row]) }

    func score(row: Int) -> ObservedScore {
        let outputs = outputBits[(row * outputCount)..<((row + 1) * outputCount)]
        return ObservedScore(scoreBits: scoreBits[row], outcome: outcomes[row], outputBits: Array(outputs))
    }

    @inline(__always)
    private func word(_ outputs: UnsafeRawBufferPointer, _ index: Int) -> UInt64 {
        // Safety: the caller compared the byte count with outputCount.
        unsafe UInt64(littleEndian: outputs.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
    }
}

/// A reply that differs from the first one for its row and version.
struct Suspect: Equatable {
    var version: UInt32
    var row: Int
    var score: ObservedScore
}

/// What one thread saw of the versions that answered.
struct Observations {
    struct Version {
        let number: UInt32
        let digest: DigestWords
        /// Rows decided by it.
        var decisionCount: UInt64 = 0
        /// nil when scores are not to be verified, or no memory was left for it.
        var table: ObservedTable?
    }

    private(set) var versions: [Version] = []
    private var indexByNumber: [UInt32: Int] = [:]
    private var lastIndex = -1

    let isVerifying: Bool
    let rowCount: Int
    private var tableByteCount = 0

    private(set) var suspects: [Suspect] = []
    /// Suspects beyond those kept.
    private(set) var suspectsUncounted: UInt64 = 0
    /// Replies whose digest is not the one first seen for their version, or is none.
    private(set) var digestContradictions: UInt64 = 0
    /// Replies that no table was left for.
    private(set) var untracked: UInt64 = 0

    init(isVerifying: Bool, rowCount: Int) {
        self.isVerifying = isVerifying
        self.rowCount = rowCount
    }

    /// Finds the entry of a reply's version, or makes it; `isNew` tells which. nil: too many versions, or a contradicting digest.
    @inline(__always)
    mutating func version(
        _ number: UInt32, digest: DigestWords?, outputCount: Int, decisionCount: Int
    ) -> (index: Int, isNew: Bool)? {
        guard let digest else {
            digestContradictions += 1
            return nil
        }
        var isNew = false
        if lastIndex < 0 || versions[lastIndex].number != number {
            guard let found = indexByNumber[number] ?? add(number, digest, outputCount: outputCount, isNew: &isNew) else {
                untracked += UInt64(decisionCount)
                return nil
            }
            lastIndex = found
        }
        guard versions[lastIndex].digest == digest else {
            digestContradictions += 1
            return nil
        }
        versions[lastIndex].decisionCount += UInt64(decisionCount)
        return (lastIndex, isNew)
    }

    /// Notes a row's score under a version; `outputs` holds little-endian doubles, or nothing.
    @inline(__always)
    mutating func note(
        versionIndex: Int, row: Int, scoreBits: UInt64, outcome: UInt8, outputs: UnsafeRawBufferPointer
    ) {
        guard isVerifying else { return }
        guard
            let isSame = unsafe versions[versionIndex].table?.note(
                row: row, scoreBits: scoreBits, outcome: outcome, outputs: outputs)
        else {
            untracked += 1
            return
        }
        if !isSame {
            unsafe suspect(versions[versionIndex].number, row, scoreBits, outcome, outputs)
        }
    }

    private mutating func suspect(
        _ version: UInt32, _ row: Int, _ scoreBits: UInt64, _ outcome: UInt8, _ outputs: UnsafeRawBufferPointer
    ) {
        guard suspects.count < LoadLimits.suspectCountMax else {
            suspectsUncounted += 1
            return
        }
        let bits = (0..<(outputs.count / 8)).map {
            // Safety: the index is below the number of whole words.
            unsafe UInt64(littleEndian: outputs.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self))
        }
        let score = ObservedScore(scoreBits: scoreBits, outcome: outcome, outputBits: bits)
        suspects.append(Suspect(version: version, row: row, score: score))
    }

    private mutating func add(_ number: UInt32, _ digest: DigestWords, outputCount: Int, isNew: inout Bool) -> Int? {
        guard versions.count < LoadLimits.versionCountMax else { return nil }
        var version = Version(number: number, digest: digest)
        let byteCount = ObservedTable.byteCount(rowCount: rowCount, outputCount: outputCount)
        if isVerifying, tableByteCount + byteCount <= LoadLimits.observedByteCountMax {
            tableByteCount += byteCount
            version.table = ObservedTable(rowCount: rowCount, outputCount: outputCount)
        }
        versions.append(version)
        indexByNumber[number] = versions.count - 1
        isNew = true
        return versions.count - 1
    }
}
