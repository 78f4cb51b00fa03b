import Platform

/// Brings a journal's files into a state to which records can be appended. Whatever it is interrupted at, running it again goes on
/// from there; every step either cuts one file or moves one away, so it ends.
struct JournalRecovery {
    private static let pieceByteCount = 64 << 20
    private let storage: any JournalStorage
    private let identity: JournalIdentity
    private(set) var report = RecoveryReport()

    init(storage: any JournalStorage, identity: JournalIdentity) {
        self.storage = storage
        self.identity = identity
    }

    /// Validates the last segment, cuts its torn tail, moves it aside when nothing in it can be read.
    mutating func run() throws(SystemError) -> JournalEnd {
        var segments = try JournalDirectory.segments(storage)
        while let first = segments.last {
            if let end = try recover(first) { return end }
            try quarantine(segment: first)
            segments.removeLast()
        }
        return JournalEnd(nextSequence: 1, hash: identity.genesis, segment: nil)
    }

    /// The first number that was certainly given to nobody, for a journal whose last numbers are lost with the machine's memory.
    func sequenceAfterLoss(_ next: UInt64) throws(SystemError) -> UInt64 {
        let span = AuditLimits.memoryLostSpan
        // What a segment moved aside held isn't known, but it held less than one span.
        let floor = try quarantinedSegments().max().map { ($0 / span + 2) * span } ?? 0
        return max((next + span - 1) / span * span, floor)
    }

    /// Saves bytes under `quarantine/`; an existing file of that name has them already.
    mutating func save(_ bytes: [UInt8], as name: String) throws(SystemError) {
        let path = "\(JournalDirectory.quarantineName)/\(name)"
        if !storage.exists(path) { try storage.replace(path, bytes) }
        report.quarantined.append(path)
    }

    /// nil: nothing in the segment can be used.
    private mutating func recover(_ first: UInt64) throws(SystemError) -> JournalEnd? {
        let name = JournalDirectory.segmentName(first)
        let file = try storage.open(name, create: false)
        var cursor = SegmentCursor(file)
        let header = try cursor.segmentHeader()
        if let header, header.identity != identity || header.firstSequence != first { return nil }
        var end: JournalEnd?
        if let header { end = JournalEnd(nextSequence: first, hash: header.previousHash, segment: nil) }
        var damageCount = header == nil ? 1 : 0
        scan: while true {
            switch try cursor.read(checkingHash: true) {
            case .block(let block):
                end = JournalEnd(
                    nextSequence: max(end?.nextSequence ?? 0, block.header.lastSequence + 1), hash: block.header.hash,
                    segment: nil)
                cursor.offset = block.endOffset
            case .end: break scan
            case .incomplete, .damaged:
                guard let next = try cursor.nextGoodOffset() else { break scan }
                damageCount += 1
                cursor.offset = next
            }
        }
        guard var end else { return nil }
        try cut(file, name: name, at: cursor.offset)
        // What a killed process had written but not synced counts as durable from here on.
        try file.synchronize()
        report.damageCount = damageCount
        // A damaged segment is evidence: nothing is added to it.
        if damageCount == 0 { end.segment = JournalWriter.Segment(file: file, byteCount: cursor.offset) }
        return end
    }

    /// Cuts what follows the last good block, after it has been saved.
    private mutating func cut(_ file: any JournalFile, name: String, at offset: Int) throws(SystemError) {
        let byteCount = try file.byteCount()
        guard byteCount > offset else { return }
        for start in stride(from: offset, to: byteCount, by: Self.pieceByteCount) {
            let bytes = try file.bytes(at: start, count: min(Self.pieceByteCount, byteCount - start))
            try save(bytes, as: "\(name).\(start).\(unsafe bytes.withUnsafeBytes { unsafe crc32c($0) }).cut")
        }
        try file.truncate(to: offset)
        report.cutByteCount += byteCount - offset
    }

    private mutating func quarantine(segment first: UInt64) throws(SystemError) {
        let name = JournalDirectory.segmentName(first)
        let path = "\(JournalDirectory.quarantineName)/\(name).\(Clock.wallNanoseconds()).unreadable"
        try storage.rename(name, path)
        try storage.synchronizeDirectory()
        report.quarantined.append(path)
    }

    /// First numbers of the segments that were moved aside.
    private func quarantinedSegments() throws(SystemError) -> [UInt64] {
        guard storage.exists(JournalDirectory.quarantineName) else { return [] }
        return try storage.list(JournalDirectory.quarantineName).filter { $0.hasSuffix(".unreadable") }.compactMap {
            UInt64($0.prefix(20))
        }
    }
}
