import Platform

/// Why the audit trail can't be opened or read.
public enum AuditError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A setting is outside its range; the name is the one in `AuditConfiguration`.
    case setting(name: String, value: Int, allowed: ClosedRange<Int>)
    /// Another server has the journal open.
    case journalInUse(path: String)
    /// Another server (of a copy of this journal) has the ring open.
    case ringInUse(path: String)
    /// The identity file is there but isn't one.
    case identityDamaged(path: String)
    /// The journal was written by a later format.
    case formatUnknown(version: UInt32, path: String)
    /// There is no journal in the directory.
    case noJournal(path: String)
    /// Numbers have come to their end.
    case sequenceExhausted
    /// A record with this number should be there and can't be read; `assay journal verify` says where and why.
    case recordUnreadable(sequence: UInt64)
    /// Records up to this number wait for room on the disk, so it isn't known whether one of them is what was asked for.
    case notWrittenYet(sequence: UInt64)
    /// The key that should sign checkpoints can't be used.
    case checkpointKey(KeyFileError)
    /// The trail has failed or is closed.
    case unavailable
    case system(SystemError)

    public var description: String {
        switch self {
        case .setting(let name, let value, let allowed):
            "audit: \(name) is \(value), allowed is \(allowed.lowerBound) to \(allowed.upperBound)"
        case .journalInUse(let path): "audit: \(path) is in use by another server"
        case .ringInUse(let path): "audit: \(path) is in use by the server of another copy of this journal"
        case .identityDamaged(let path): "audit: \(path) is damaged: the journal's identity can't be read from it"
        case .formatUnknown(let version, let path): "audit: \(path) has format \(version), which this program doesn't know"
        case .noJournal(let path): "audit: \(path) holds no journal"
        case .sequenceExhausted: "audit: the sequence numbers are used up"
        case .recordUnreadable(let sequence): "audit: record \(sequence) can't be read; verify the journal"
        case .notWrittenYet(let sequence): "audit: the journal has not got as far as record \(sequence) yet; is the disk full?"
        case .checkpointKey(let error): "audit: the checkpoint key: \(error)"
        case .unavailable: "audit: the trail has failed or is closed"
        case .system(let error): "audit: \(error)"
        }
    }
}

/// Why a running trail takes no more records. It never recovers from one of these inside the process.
public enum AuditFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// fdatasync failed. What it was to write may be lost even if a second call succeeds, so there is none.
    case synchronizeFailed(SystemError)
    /// The disk refused a write for another reason than being full.
    case writeFailed(SystemError)
    /// A record in the ring isn't what its producer wrote: the process's memory is damaged.
    case ringDamaged(worker: Int, sequence: UInt64)

    public var description: String {
        switch self {
        case .synchronizeFailed(let error): "audit: the journal could not be synced: \(error)"
        case .writeFailed(let error): "audit: the journal could not be written: \(error)"
        case .ringDamaged(let worker, let sequence): "audit: the ring of worker \(worker) is damaged at record \(sequence)"
        }
    }
}
