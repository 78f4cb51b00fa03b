import Platform

/// Reads the file `proof` entry by entry, up to the whole entries that it had when the reader was made.
struct ProofReader {
    private static let pieceByteCount = 256 * ProofEntry.byteCount
    /// nil: the journal has no proof.
    private let file: (any JournalFile)?
    let byteCount: Int
    /// Where the next entry begins.
    private(set) var offset = 0
    private var piece: [UInt8] = []
    private var pieceOffset = 0

    init(_ storage: any JournalStorage) throws(SystemError) {
        file = storage.exists(JournalDirectory.proofName) ? try storage.openForReading(JournalDirectory.proofName) : nil
        byteCount = try file?.byteCount() ?? 0
    }

    /// The same entries once more.
    var restarted: ProofReader {
        var reader = self
        reader.offset = 0
        reader.pieceOffset = 0
        reader.piece = []
        return reader
    }

    /// Bytes after the last whole entry.
    var restByteCount: Int { byteCount % ProofEntry.byteCount }

    /// The next entry's bytes; nil: there is none.
    mutating func nextBytes() throws(SystemError) -> [UInt8]? {
        guard let file, offset + ProofEntry.byteCount <= byteCount else { return nil }
        if offset >= pieceOffset + piece.count {
            pieceOffset = offset
            piece = try file.bytes(at: offset, count: min(Self.pieceByteCount, byteCount - restByteCount - offset))
        }
        let start = offset - pieceOffset
        guard start + ProofEntry.byteCount <= piece.count else { return nil }
        offset += ProofEntry.byteCount
        return Array(piece[start..<start + ProofEntry.byteCount])
    }

    /// The next entry that can be read; nil: there is none.
    mutating func next() throws(SystemError) -> ProofEntry? {
        while let bytes = try nextBytes() {
            if let entry = ProofEntry(bytes) { return entry }
        }
        return nil
    }

    /// The newest checkpoint of a journal; nil: it has none.
    static func newestCheckpoint(_ storage: any JournalStorage) throws(SystemError) -> ProofEntry? {
        var reader = try ProofReader(storage)
        var newest: ProofEntry?
        while let entry = try reader.next() { if entry.kind == .checkpoint { newest = entry } }
        return newest
    }
}
