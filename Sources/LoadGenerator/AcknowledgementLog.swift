import Glibc
import Platform

/// Writes what was acknowledged, so that a test that kills the server can compare the journal with it.
///
/// | offset | bytes | meaning |
/// |---|---|---|
/// | 0 | 8 | audit sequence, little-endian |
/// | 8 | 8 | bits of the score (a double), little-endian |
/// | 16 | 8 | request id, little-endian |
///
/// One such record for each row decided, in no particular order. Several threads append to one file, whole records at a time.
struct AcknowledgementLog: ~Copyable {
    static let recordByteCount = 24

    private let file: FileDescriptor
    private var bytes: [UInt8] = []
    /// Why the file is incomplete.
    private(set) var failure: SystemError?

    /// Appends to `path`; `isNew` empties it first (for the first thread of a run).
    init(path: String, isNew: Bool) throws(SystemError) {
        file = try File.open(path, O_WRONLY | O_CREAT | O_APPEND | (isNew ? O_TRUNC : 0))
        bytes.reserveCapacity(LoadLimits.acknowledgementByteCount + Self.recordByteCount)
    }

    mutating func append(sequence: UInt64, scoreBits: UInt64, requestID: UInt64) {
        for word in [sequence, scoreBits, requestID] {
            unsafe withUnsafeBytes(of: word.littleEndian) { unsafe bytes.append(contentsOf: $0) }
        }
        if bytes.count >= LoadLimits.acknowledgementByteCount { flush() }
    }

    /// Hands everything to the kernel: it survives this process from here on.
    mutating func flush() {
        guard !bytes.isEmpty else { return }
        do throws(SystemError) { try File.write(file, bytes) } catch { failure = failure ?? error }
        bytes.removeAll(keepingCapacity: true)
    }
}
