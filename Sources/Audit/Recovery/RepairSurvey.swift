import Platform

/// What is good in a journal's segments.
struct RepairSurvey {
    struct Segment {
        let firstSequence: UInt64
        /// nil: unreadable, or of another journal.
        var header: SegmentHeader?
        var blocks: [IndexedBlock] = []
        /// Header and blocks are all there is, and the name is right.
        var isWhole = true
    }

    private(set) var segments: [Segment] = []

    var blocks: [IndexedBlock] { segments.flatMap(\.blocks) }

    init(_ storage: any JournalStorage, identity: JournalIdentity) throws(SystemError) {
        for first in try JournalDirectory.segments(storage) {
            segments.append(try Self.survey(first, storage, identity))
        }
    }

    private static func survey(
        _ first: UInt64, _ storage: any JournalStorage, _ identity: JournalIdentity
    ) throws(SystemError) -> Segment {
        var cursor = SegmentCursor(try storage.openForReading(JournalDirectory.segmentName(first)))
        var segment = Segment(firstSequence: first)
        if let header = try cursor.segmentHeader() {
            // Another journal's blocks have numbers like ours; not one of them belongs here.
            guard header.identity == identity else {
                segment.isWhole = false
                return segment
            }
            segment.header = header
            segment.isWhole = header.firstSequence == first
        } else {
            segment.isWhole = false
        }
        while true {
            switch try cursor.read(checkingHash: true) {
            case .block(let block):
                if let successorHash = block.successorHash, JournalVerifier.isWhole(block) {
                    segment.blocks.append(
                        IndexedBlock(
                            segment: first, offset: block.offset, header: block.header, successorHash: successorHash))
                } else {
                    segment.isWhole = false
                }
                cursor.offset = block.endOffset
            case .end: return segment
            case .incomplete, .damaged:
                segment.isWhole = false
                guard let next = try cursor.nextGoodOffset() else { return segment }
                cursor.offset = next
            }
        }
    }
}
