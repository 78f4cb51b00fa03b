import Platform

/// One thing that is wrong with a journal, and where.
public struct JournalDamage: Sendable, Equatable, CustomStringConvertible {
    public enum Kind: Sendable, Equatable {
        /// The segment's header can't be read.
        case segmentHeader
        /// The segment belongs to another journal.
        case foreignSegment
        /// The segment's name or its header's first number isn't that of its first block.
        case segmentSequence(named: UInt64, found: UInt64)
        /// There is no readable block header where one should be; good blocks go on at `nextOffset`, if anywhere.
        case blockHeader(nextOffset: Int?)
        /// The block's bytes differ from what was written (its CRC-32C doesn't fit).
        case payloadChecksum
        /// The block was edited: its checksum fits, its SHA-256 doesn't.
        case blockHash
        /// The block doesn't follow the one before it: blocks were dropped, swapped, inserted or replaced here.
        case chainBroken
        /// Numbers are missing, doubled or out of order before this block.
        case sequence(expected: UInt64, found: UInt64)
        /// The block's records can't be taken apart.
        case payload
        /// The record with this number says another number, or isn't an AuditRecord.
        case record(sequence: UInt64)
        /// The last segment ends inside a block. After a crash the next start cuts it off.
        case tornTail(byteCount: Int)
        /// The journal was closed with more than is there.
        case tailMissing(closedBefore: UInt64, found: UInt64)
        /// The journal was closed with another last block.
        case tailReplaced
        /// The journal begins later than it should, and no retirement says so.
        case beginningMissing(expected: UInt64, found: UInt64)
        /// A repair stands here that `proof` doesn't know.
        case repairUnrecorded
        /// `proof` knows of a repair here that the journal doesn't have.
        case repairMissing(index: UInt64)

        /// A checkpoint covers records up to this one, and the journal ends before it.
        case cutAfterCheckpoint(through: UInt64, last: UInt64)
        /// The checkpoint covers other blocks than those that are here.
        case checkpointContradicted(index: UInt64)
        /// The proof's entry can't be read.
        case proofEntry
        /// The proof belongs to another journal.
        case foreignProof
        /// The entry doesn't follow the one before it: entries were dropped, swapped, inserted or replaced here.
        case proofChainBroken(expected: UInt64, found: UInt64)
        /// The entry's signature isn't one of its key.
        case proofSignature
        /// The entry is signed with a key that isn't among those that were given.
        case proofKey(Ed25519PublicKey)
        /// The entry isn't signed, though earlier ones are.
        case proofUnsigned
        /// The proof ends inside an entry. After a crash the next start cuts it off.
        case proofTorn(byteCount: Int)
        /// A checkpoint that was kept elsewhere isn't in the proof.
        case checkpointMissing(index: UInt64)
        /// Keys were given, and there is no checkpoint that they could have signed.
        case unsigned
    }

    /// The file's name: a segment, or `proof`.
    public let segment: String
    /// Where in the file, in bytes.
    public let offset: Int
    public let kind: Kind
    /// The records that are concerned, as far as that is known.
    public let records: ClosedRange<UInt64>?

    init(segment: String, offset: Int, kind: Kind, records: ClosedRange<UInt64>? = nil) {
        self.segment = segment
        self.offset = offset
        self.kind = kind
        self.records = records
    }

    public var description: String {
        let range = records.map { $0.count == 1 ? ", record \($0.lowerBound)" : ", records \($0.lowerBound) to \($0.upperBound)" }
        return "\(segment) at byte \(offset)\(range ?? ""): \(kind.text)"
    }

    /// The place and what is wrong there; the records follow from these.
    public static func == (a: JournalDamage, b: JournalDamage) -> Bool {
        a.segment == b.segment && a.offset == b.offset && a.kind == b.kind
    }
}

extension JournalDamage.Kind {
    /// For programs: `lower_snake_case`.
    public var name: String {
        switch self {
        case .segmentHeader: "segment_header"
        case .foreignSegment: "foreign_segment"
        case .segmentSequence: "segment_sequence"
        case .blockHeader: "block_header"
        case .payloadChecksum: "payload_checksum"
        case .blockHash: "block_hash"
        case .chainBroken: "chain_broken"
        case .sequence: "sequence"
        case .payload: "payload"
        case .record: "record"
        case .tornTail: "torn_tail"
        case .tailMissing: "tail_missing"
        case .tailReplaced: "tail_replaced"
        case .beginningMissing: "beginning_missing"
        case .repairUnrecorded: "repair_unrecorded"
        case .repairMissing: "repair_missing"
        case .cutAfterCheckpoint: "cut_after_checkpoint"
        case .checkpointContradicted: "checkpoint_contradicted"
        case .proofEntry: "proof_entry"
        case .foreignProof: "foreign_proof"
        case .proofChainBroken: "proof_chain_broken"
        case .proofSignature: "proof_signature"
        case .proofKey: "proof_key"
        case .proofUnsigned: "proof_unsigned"
        case .proofTorn: "proof_torn"
        case .checkpointMissing: "checkpoint_missing"
        case .unsigned: "unsigned"
        }
    }

    var text: String {
        switch self {
        case .segmentHeader: "the segment's header is damaged"
        case .foreignSegment: "the segment belongs to another journal"
        case .segmentSequence(let named, let found): "the segment should begin with record \(named) and begins with \(found)"
        case .blockHeader(let next): "no block header is readable here" + (next.map { "; blocks go on at byte \($0)" } ?? "")
        case .payloadChecksum: "the block's bytes are damaged: the checksum doesn't fit"
        case .blockHash: "the block was altered: its SHA-256 doesn't fit"
        case .chainBroken: "the block doesn't follow the one before it: blocks were dropped, swapped, inserted or replaced"
        case .sequence(let expected, let found): "record \(expected) should follow and \(found) does"
        case .payload: "the block can't be taken apart into its records"
        case .record(let sequence): "record \(sequence) doesn't carry its own number"
        case .tornTail(let byteCount): "the last \(byteCount) bytes are an unfinished block"
        case .tailMissing(let closed, let found): "the journal was closed before record \(closed) and ends before \(found)"
        case .tailReplaced: "the journal was closed with another last block"
        case .beginningMissing(let expected, let found):
            "the journal should begin with record \(expected) and begins with \(found), and no retirement says why"
        case .repairUnrecorded: "a repair stands here that the proof doesn't know"
        case .repairMissing(let index): "the repair that the proof's entry \(index) tells of isn't in the journal"
        default: proofText
        }
    }

    private var proofText: String {
        switch self {
        case .cutAfterCheckpoint(let through, let last):
            "the journal was cut: a checkpoint covers records up to \(through), and the last one is \(last)"
        case .checkpointContradicted(let index):
            "the blocks since the checkpoint before aren't those that checkpoint \(index) covers: they were rewritten"
        case .proofEntry: "the entry can't be read"
        case .foreignProof: "the entry belongs to another journal"
        case .proofChainBroken(let expected, let found):
            "entry \(found) doesn't follow what stands before it (entry \(expected) should be here): entries were dropped, swapped, inserted or replaced"
        case .proofSignature: "the signature is forged, or the entry was altered"
        case .proofKey(let key): "the entry is signed with key \(key), which isn't one of those given"
        case .proofUnsigned: "the entry isn't signed, though earlier ones are"
        case .proofTorn(let byteCount): "the last \(byteCount) bytes are an unfinished entry"
        case .checkpointMissing(let index): "checkpoint \(index), which was kept elsewhere, isn't in the proof"
        case .unsigned: "there is no signed checkpoint, though a key was given"
        default: ""
        }
    }
}
