import Platform

/// Brings a journal's files into a state to which records can be appended. Whatever it is interrupted at, running it again goes on
/// from there; every step either cuts one file or moves one away, so it ends.
struct JournalRecovery {
    private static let pieceByteCount = 64 << 20
    /// Moved aside with readable blocks in it that are not back in the journal yet, and the same when they are.
    private static let salvageSuffix = ".salvage"
    private static let salvagedSuffix = ".salvaged"
    private static let unreadableSuffix = ".unreadable"
    private let storage: any JournalStorage
    private let identity: JournalIdentity
    private let marker: CleanMarker?
    /// Since the journal was written the machine has been running: the kernel shows all that was written, synced or not.
    var isMemoryKept = false
    /// Where a journal begins whose older segments were retired; nil: with its first number.
    var beginning: CleanMarker?
    private(set) var report = RecoveryReport()

    init(storage: any JournalStorage, identity: JournalIdentity, marker: CleanMarker?) {
        self.storage = storage
        self.identity = identity
        self.marker = marker
    }

    /// Validates the last segment, cuts its torn tail, moves it aside when it can't be gone on with.
    mutating func run() throws(SystemError) -> JournalEnd {
        // A process that died while it began a segment, or moved one aside, may not have come to sync that. A power cut must not take it back
        // when the journal has gone on from there.
        if storage.exists(JournalDirectory.quarantineName) { try storage.synchronizeDirectory(JournalDirectory.quarantineName) }
        try storage.synchronizeDirectory()
        var segments = try JournalDirectory.segments(storage)
        while let first = segments.last {
            if let end = try recover(first) { return end }
            segments.removeLast()
        }
        return JournalEnd(nextSequence: beginning?.nextSequence ?? 1, hash: beginning?.hash ?? identity.genesis, segment: nil)
    }

    /// Takes what can be read in segments that were moved aside back into the journal.
    mutating func salvage(into writer: JournalWriter) throws {
        let names = try waitingForSalvage()
        if names.isEmpty { return }
        var files: [any JournalFile] = []
        for name in names { files.append(try storage.openForReading(name)) }
        var salvage = SegmentSalvage(into: writer)
        try salvage.run(files)
        report.voids += salvage.voids
    }

    /// For when what was salvaged is durable.
    func finishSalvage() throws(SystemError) {
        for name in try waitingForSalvage() {
            try storage.move(name, name.dropLast(Self.salvageSuffix.count) + Self.salvagedSuffix)
        }
    }

    /// The first number that was certainly given to nobody, for a journal whose last numbers are lost with the machine's memory: `next` and
    /// what comes after it may have been given, but by far not half a span of them (they were in the rings and in one segment).
    func sequenceAfterLoss(_ next: UInt64) throws(SystemError) -> UInt64 {
        let span = AuditLimits.memoryLostSpan
        let floor = ((next + span / 2) / span + 1) * span
        // What a piece of a segment that was moved aside held isn't known, but it was less than a span from the number in its name:
        // see `JournalWriter.beginSpan`.
        let moved = try quarantined().compactMap { name in
            name.contains(JournalDirectory.segmentSuffix) ? UInt64(name.prefix(20)) : nil
        }.max()
        return moved.map { max(floor, (max($0, next) / span + 2) * span) } ?? floor
    }

    /// Saves bytes under `quarantine/`. Bytes that an interrupted recovery has saved are saved again: only now is it certain that they
    /// are on the disk.
    mutating func save(_ bytes: [UInt8], as name: String) throws(SystemError) {
        let path = "\(JournalDirectory.quarantineName)/\(name)"
        try storage.replace(path, bytes)
        report.quarantined.append(path)
    }

    /// nil: the segment was moved aside, the one before it is the last now.
    private mutating func recover(_ first: UInt64) throws(SystemError) -> JournalEnd? {
        let name = JournalDirectory.segmentName(first)
        let file = try storage.open(name, create: false)
        let scan = try SegmentScan(file, first: first)
        let isOurs = scan.header.map { $0.identity == identity && $0.firstSequence == first } ?? true
        guard isOurs, var end = scan.end else { return try moveAside(name, Self.unreadableSuffix) }
        let isClosed = marker == CleanMarker(nextSequence: end.nextSequence, hash: end.hash)
        report.damageCount += scan.damageCount
        // Without a power cut nothing but damage makes a hole, and damage is evidence: it stays where it is, and nothing is added to it.
        // Otherwise what was written before the hole and after it may be on the disk and the hole not.
        if scan.damageCount > 0, !isClosed, !isMemoryKept { return try moveAside(name, Self.salvageSuffix) }
        try cut(file, name: name, at: scan.endOffset)
        if !isClosed { try rewrite(file, byteCount: scan.endOffset) }
        // What a killed process had written but not synced counts as durable from here on.
        try file.synchronize()
        if scan.damageCount == 0 {
            end.segment = JournalWriter.Segment(firstSequence: first, file: file, byteCount: scan.endOffset)
        }
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

    /// Writes the bytes that the file has once more. After a sync that failed in an earlier process the kernel shows them and has thrown
    /// away that the disk doesn't have them; the next sync would say "done".
    private func rewrite(_ file: any JournalFile, byteCount: Int) throws(SystemError) {
        for start in stride(from: 0, to: byteCount, by: Self.pieceByteCount) {
            try file.write(at: start, file.bytes(at: start, count: min(Self.pieceByteCount, byteCount - start)))
        }
    }

    private mutating func moveAside(_ name: String, _ suffix: String) throws(SystemError) -> JournalEnd? {
        let path = "\(JournalDirectory.quarantineName)/\(name).\(storage.wallNanoseconds())\(suffix)"
        try storage.move(name, path)
        report.quarantined.append(path)
        return nil
    }

    private func waitingForSalvage() throws(SystemError) -> [String] {
        try quarantined().filter { $0.hasSuffix(Self.salvageSuffix) }.map { "\(JournalDirectory.quarantineName)/\($0)" }
    }

    private func quarantined() throws(SystemError) -> [String] {
        guard storage.exists(JournalDirectory.quarantineName) else { return [] }
        return try storage.list(JournalDirectory.quarantineName)
    }
}
