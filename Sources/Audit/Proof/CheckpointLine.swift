import Platform

/// A checkpoint as one line of text, to be kept where whoever can write the journal can't.
///
///     assay-checkpoint journal=UUID through=NUMBER block=SHA256 time=UTC entry=BASE64
///
/// `entry` is the entry of `proof` with its signature; what stands before it repeats that for people.
public struct CheckpointLine: Sendable, Equatable, CustomStringConvertible {
    private static let name = "assay-checkpoint"
    public let entry: ProofEntry

    init(_ entry: ProofEntry) { self.entry = entry }

    /// The newest one of a journal; nil: it has none.
    public static func newest(_ directory: String) throws(AuditError) -> CheckpointLine? {
        let storage = DiskStorage(directory: directory)
        guard try JournalDirectory.identity(storage, path: directory) != nil else { throw .noJournal(path: directory) }
        do throws(SystemError) { return try ProofReader.newestCheckpoint(storage).map { CheckpointLine($0) } } catch {
            throw .system(error)
        }
    }

    /// Reads a line; nil: it is none.
    public init?(_ line: some StringProtocol) {
        let words = line.split(whereSeparator: \.isWhitespace)
        guard let first = words.first, String(first) == Self.name, let word = words.first(where: { $0.hasPrefix("entry=") }),
            let bytes = Base64.decode(word.dropFirst(6)), let entry = ProofEntry(bytes), entry.kind == .checkpoint
        else { return nil }
        // The words for people must not say something else.
        guard words.joined(separator: " ") == CheckpointLine(entry).description else { return nil }
        self.entry = entry
    }

    public var description: String {
        "\(Self.name) journal=\(entry.identity) through=\(entry.sequence) block=\(entry.hash) "
            + "time=\(UTCTimestamp.text(unixNanoseconds: entry.timeNanoseconds)) entry=\(Base64.encode(entry.encoded))"
    }
}
