import Glibc
import Platform
import Wire

@testable import Audit

/// The key of the tests.
let testKey = Ed25519PrivateKey(seed: (0..<32).map { UInt8($0) })!

extension TemporaryDirectory {
    var keyPath: String { "\(path)/key" }

    /// With a checkpoint every few blocks.
    func signedConfiguration(blocks: Int = 3) throws -> AuditConfiguration {
        if !File.exists(keyPath) { try File.create(Array(testKey.pem.utf8), at: keyPath, mode: 0o600) }
        var configuration = configuration()
        configuration.checkpointKeyPath = keyPath
        configuration.checkpointBlockCount = blocks
        return configuration
    }
}

/// A closed journal with checkpoints, written step by step without threads: the same calls make the same places.
struct SignedJournal {
    let directory = TemporaryDirectory()
    let identity: JournalIdentity
    let storage: DiskStorage
    let key: Ed25519PrivateKey?

    /// `recordCount` records in blocks of 25, a checkpoint every `checkpointBlocks` blocks and at the end, a segment every 64 KiB.
    init(recordCount: Int = 1500, checkpointBlocks: UInt64 = 4, key: Ed25519PrivateKey? = testKey) throws {
        try File.createDirectory(directory.journal)
        storage = DiskStorage(directory: directory.journal)
        identity = JournalIdentity.random()
        self.key = key
        try JournalDirectory.writeIdentity(identity, storage)
        let writer = JournalWriter(
            storage: storage, identity: identity, end: JournalEnd(nextSequence: 1, hash: identity.genesis, segment: nil),
            segmentByteCount: 64 << 10, blockByteCount: 4 << 10)
        let log = try ProofLog(storage: storage, identity: identity, key: key) { _, _ in }
        var signed: UInt64 = 0
        for sequence in 1...UInt64(recordCount) {
            makeRecord(sequence).withUnsafeBytes { writer.append($0) }
            guard sequence % 25 == 0 || sequence == recordCount else { continue }
            try writer.flush()
            try writer.tail.synchronize()
            guard key != nil, let end = writer.tail.durableEnd,
                end.blockCount >= signed + checkpointBlocks || sequence == recordCount
            else { continue }
            try log.append(.checkpoint, segment: end.segment, sequence: end.sequence, count: end.blockCount, hash: end.hash)
            signed = end.blockCount
        }
        try JournalDirectory.writeCleanMarker(CleanMarker(nextSequence: writer.nextSequence, hash: writer.hash), storage)
    }

    var segments: [String] { get throws { try JournalDirectory.segments(storage).map(JournalDirectory.segmentName) } }
    func bytes(_ name: String) throws -> [UInt8] { try storage.read(name) }
    func write(_ name: String, _ bytes: [UInt8]) throws { try storage.replace(name, bytes) }

    /// All blocks with their places.
    func blocks(_ segment: String) throws -> [StoredBlock] {
        var cursor = SegmentCursor(try storage.openForReading(segment))
        var blocks: [StoredBlock] = []
        while case .block(let block) = try cursor.read(checkingHash: false) {
            blocks.append(block)
            cursor.offset = block.endOffset
        }
        return blocks
    }

    func entries() throws -> [ProofEntry] {
        var reader = try ProofReader(storage)
        var entries: [ProofEntry] = []
        while let entry = try reader.next() { entries.append(entry) }
        return entries
    }

    func writeEntries(_ entries: [ProofEntry]) throws { try write(JournalDirectory.proofName, entries.flatMap(\.encoded)) }

    func report(keys: [Ed25519PublicKey] = [testKey.publicKey], checkpoints: [CheckpointLine] = []) throws -> JournalReport {
        try JournalVerifier.verify(directory.journal, keys: keys, checkpoints: checkpoints)
    }

    func removeMarker() throws { try JournalDirectory.removeCleanMarker(storage) }

    /// What somebody does who holds everything but the private key: edits a record of one block and computes anew every checksum and
    /// every hash from there to the end, across segments, and the close marker.
    func rewrite(from segment: String, block index: Int) throws {
        var hash: SHA256Digest?
        for name in try segments.drop(while: { $0 != segment }) {
            var output = Array(try bytes(name)[..<SegmentHeader.byteCount])
            if let hash {
                var header = SegmentHeader(output)!
                header.previousHash = hash
                output = header.encoded
            }
            for (number, block) in try blocks(name).enumerated() {
                var (header, payload) = (block.header, block.payload)
                if hash == nil, number == index, var raw = block.rawBytes() {
                    Self.edit(&raw)
                    payload = raw
                    header.codec = .none
                    header.rawByteCount = raw.count
                    header.storedByteCount = raw.count
                    header.payloadChecksum = raw.withUnsafeBytes { crc32c($0) }
                } else if let hash {
                    header.previousHash = hash
                }
                if hash != nil || number == index {
                    header.hash = payload.withUnsafeBytes { header.computedHash($0) }
                    hash = header.hash
                }
                output += header.encoded + payload
            }
            try write(name, output)
        }
        if let hash, let marker = try JournalDirectory.cleanMarker(storage) {
            try JournalDirectory.writeCleanMarker(CleanMarker(nextSequence: marker.nextSequence, hash: hash), storage)
        }
    }

    /// Turns the first record's outcome.
    private static func edit(_ raw: inout [UInt8]) {
        let length = (0..<4).reduce(0) { $0 | Int(raw[$1]) << (8 * $1) }
        var record = raw[4..<4 + length].withUnsafeBytes { AuditRecord.decode($0)! }
        record.outcome = record.outcome == .approve ? .decline : .approve
        let edited = record.encoded()
        raw.replaceSubrange(4..<4 + length, with: edited)
    }
}
