import Platform
import Wire

/// Takes what is readable in segments that were moved aside back into the journal: blocks that follow as they are, others record by
/// record, and says which numbers can't be read any more.
///
/// Interrupted anywhere it is run again from the start: what the journal has is passed over by number.
struct SegmentSalvage {
    /// A good block in one of the segments.
    private struct Place {
        let file: any JournalFile
        let offset: Int
        let first: UInt64
        let last: UInt64
    }

    private let writer: JournalWriter
    private(set) var voids: [VoidRange] = []

    init(into writer: JournalWriter) { self.writer = writer }

    /// The segments are taken together: one may hold what a salvage before had brought home and a power cut took again.
    mutating func run(_ files: [any JournalFile]) throws {
        var places: [Place] = []
        for file in files { try places.append(contentsOf: Self.places(file)) }
        for place in places.sorted(by: { ($0.first, $0.last) < ($1.first, $1.last) }) where place.last >= writer.nextSequence {
            var cursor = SegmentCursor(place.file)
            cursor.offset = place.offset
            guard case .block(let block) = try cursor.read(checkingHash: true) else { continue }
            try take(block)
            try writer.flush()
        }
    }

    private static func places(_ file: any JournalFile) throws(SystemError) -> [Place] {
        var cursor = SegmentCursor(file)
        var places: [Place] = []
        while true {
            switch try cursor.read(checkingHash: true) {
            case .block(let block):
                places.append(
                    Place(
                        file: file, offset: cursor.offset, first: block.header.firstSequence, last: block.header.lastSequence))
                cursor.offset = block.endOffset
            case .end: return places
            case .incomplete, .damaged:
                guard let next = try cursor.nextGoodOffset() else { return places }
                cursor.offset = next
            }
        }
    }

    private mutating func take(_ stored: StoredBlock) throws {
        let header = stored.header
        if header.firstSequence > writer.nextSequence { try void(through: header.firstSequence - 1, .memoryLost) }
        if writer.follows(header) { return writer.append(stored) }
        guard let block = JournalBlock(stored, segment: "") else { return }
        for index in 0..<block.recordCount {
            if header.kind != .records {
                let cause = unsafe block.withRecord(index) { unsafe AuditRecord.decode($0)?.voidRange?.cause }
                try void(through: header.lastSequence, cause ?? .memoryLost)
            } else if block.sequence(index) == writer.nextSequence {
                if writer.isFull { try writer.flush() }
                unsafe block.withRecord(index) { unsafe writer.append($0) }
            }
        }
    }

    private mutating func void(through last: UInt64, _ cause: VoidRange.Cause) throws(JournalWriteError) {
        try writer.flush()
        voids.append(VoidRange(first: writer.nextSequence, last: last, cause: cause))
        writer.appendVoid(through: last, cause: cause)
        try writer.flush()
    }
}
