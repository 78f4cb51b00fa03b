import Glibc
import Platform
import Synchronization

/// Appends to the file `proof`. What it says must be on disk already: an entry is never ahead of the journal.
final class ProofLog: Sendable {
    private struct State {
        /// nil until the first entry: a journal without key and retention has no such file.
        var file: (any JournalFile)?
        var byteCount = 0
        var index: UInt64 = 0
        var previousHash: SHA256Digest
        var failure: SystemError?
    }

    private let storage: any JournalStorage
    private let identity: JournalIdentity
    private let key: Ed25519PrivateKey?
    private let state: Mutex<State>
    /// What the file said when it was opened; later ones are known to who appended them.
    let lastCheckpoint: ProofEntry?
    let lastRetirement: ProofEntry?

    /// Opens the file, when there is one, and cuts an entry whose writing was not finished, after saving it.
    init(
        storage: any JournalStorage, identity: JournalIdentity, key: Ed25519PrivateKey?, save: ([UInt8], String) throws -> Void
    ) throws {
        self.storage = storage
        self.identity = identity
        self.key = key
        var reader = try ProofReader(storage)
        var state = State(previousHash: identity.proofGenesis)
        var checkpoint: ProofEntry?
        var retirement: ProofEntry?
        var lastBytes: [UInt8] = []
        while let bytes = try reader.nextBytes() {
            guard let entry = ProofEntry(bytes) else { continue }
            // Damage before this entry stays as it is, and is reported by whoever verifies.
            lastBytes = bytes
            state.byteCount = reader.offset
            state.index = entry.successorIndex
            state.previousHash = entry.successorHash
            if entry.kind == .checkpoint { checkpoint = entry }
            if entry.kind == .retirement { retirement = entry }
        }
        lastCheckpoint = checkpoint
        lastRetirement = retirement
        if storage.exists(JournalDirectory.proofName) {
            let file = try storage.open(JournalDirectory.proofName, create: false)
            if reader.byteCount > state.byteCount {
                let rest = try file.bytes(at: state.byteCount, count: reader.byteCount - state.byteCount)
                try save(rest, "proof.\(state.byteCount).\(unsafe rest.withUnsafeBytes { unsafe crc32c($0) }).cut")
                try file.truncate(to: state.byteCount)
            }
            // The process before may have failed to sync the last entry: the kernel goes on showing it, and a second sync says "done" whether
            // the disk has it or not.
            try file.write(at: state.byteCount - lastBytes.count, lastBytes)
            try file.synchronize()
            state.file = file
        }
        self.state = Mutex(state)
    }

    /// Appends an entry and makes it durable. After a `write` error nothing has changed and the same may be tried again; after a
    /// `synchronize` error nothing is appended any more.
    @discardableResult
    func append(
        _ kind: ProofEntry.Kind, segment: UInt64, sequence: UInt64, count: UInt64, hash: SHA256Digest,
        timeNanoseconds: Int64 = Clock.wallNanoseconds()
    ) throws(JournalWriteError) -> ProofEntry {
        try state.withLock { state throws(JournalWriteError) in
            if let failure = state.failure { throw .synchronize(failure) }
            let entry = ProofEntry(
                kind: kind, identity: identity, index: state.index, timeNanoseconds: timeNanoseconds, segment: segment,
                sequence: sequence, count: count, hash: hash, previousHash: state.previousHash, key: key)
            let file = try write(entry, &state)
            do throws(SystemError) {
                try file.synchronize()
                if state.index == 0 { try storage.synchronizeDirectory() }
            } catch {
                state.failure = error
                throw .synchronize(error)
            }
            state.byteCount += ProofEntry.byteCount
            state.index = entry.successorIndex
            state.previousHash = entry.successorHash
            return entry
        }
    }

    private func write(_ entry: ProofEntry, _ state: inout State) throws(JournalWriteError) -> any JournalFile {
        do throws(SystemError) {
            let file: any JournalFile
            if let open = state.file { file = open } else { file = try storage.open(JournalDirectory.proofName, create: true) }
            state.file = file
            try file.write(at: state.byteCount, entry.encoded)
            return file
        } catch {
            try? state.file?.truncate(to: state.byteCount)
            throw .write(error)
        }
    }
}
