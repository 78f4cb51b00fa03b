import Platform
import Synchronization
import Testing
import Wire

@testable import Audit

/// Which part of a journal is read when only a part of time is asked for.
@Suite struct JournalRunsTests {
    @Test func readingEndsWhereDecisionsAreLaterAndLeavesOutLaterSegments() throws {
        let journal = try ClockedJournal()
        for second in Int64(1)...400 { try journal.decide(at: second, count: 4) }
        #expect(try journal.segmentCount >= 5)
        let end: Int64 = 90
        let (blocks, runs) = try journal.read(decidedBefore: end)
        #expect(blocks.flatMap(\.seconds).filter { $0 < end } == (1..<end).flatMap { [$0, $0, $0, $0] })
        #expect(blocks.flatMap(\.seconds).allSatisfy { $0 < end })
        #expect(runs.passedByteCount == runs.byteCount && runs.damageCount == 0)
        // The segment that the end lies in, the one after it and the last one: what is begun late and followed by late ones isn't opened.
        #expect(journal.openedSegments.count <= 2 + 2)
        #expect(try journal.read(decidedBefore: .max).blocks.flatMap(\.seconds).count == 1600)
        #expect(try journal.read(decidedBefore: 0).blocks.isEmpty)
    }

    @Test func decisionsThatWaitedLongInTheRingAreNotPassedOver() throws {
        let journal = try ClockedJournal()
        for second in Int64(1)...50 { try journal.decide(at: second, count: 4) }
        // The disk was full for long: what was decided meanwhile is written much later, in blocks of their own time.
        for second in Int64(51)...150 { try journal.decide(at: second, count: 4, writtenAt: 10_000 + second) }
        for second in Int64(10_200)...10_300 { try journal.decide(at: second, count: 4) }
        for end in [Int64(40), 60, 149, 151, 5_000, 10_250] {
            let seconds = try journal.read(decidedBefore: end).blocks.flatMap(\.seconds)
            #expect(seconds.filter { $0 < end } == journal.decided.filter { $0 < end }, "before \(end)")
            #expect(seconds.count < journal.decided.count, "before \(end)")
        }
    }

    @Test func whatWasDecidedAfterAClockWasSetBackIsNotPassedOver() throws {
        let journal = try ClockedJournal()
        for second in Int64(1)...100 { try journal.decide(at: second, count: 4) }
        // A clock that was a day ahead, over several segments, then right again.
        for second in Int64(86_500)...86_700 { try journal.decide(at: second, count: 4) }
        for second in Int64(300)...500 { try journal.decide(at: second, count: 4) }
        #expect(try journal.segmentCount >= 5)
        for end in [Int64(50), 301, 400, 86_600] {
            let seconds = try journal.read(decidedBefore: end).blocks.flatMap(\.seconds)
            #expect(seconds.filter { $0 < end } == journal.decided.filter { $0 < end }, "before \(end)")
        }
    }

    @Test func aDamagedBlockAtTheEndIsHandedOutAndTheNextOneEndsTheReading() throws {
        let journal = try ClockedJournal()
        for second in Int64(1)...40 { try journal.decide(at: second, count: 4) }
        let all = try journal.read(decidedBefore: .max).blocks
        try journal.damagePayload(of: all[20])
        let (blocks, _) = try journal.read(decidedBefore: all[20].time)
        #expect(blocks.map(\.time) == all[...20].map(\.time))
    }
}

/// A journal whose clock, of decisions and of blocks, is set by hand. Times are seconds.
private final class ClockedJournal {
    struct Block {
        /// When it was written, and what was decided in it.
        let time: Int64
        let seconds: [Int64]
        let offset: Int
        let segment: String
    }

    private let directory = TemporaryDirectory()
    private let storage: ClockedStorage
    private let writer: JournalWriter
    /// In the order of numbers.
    private(set) var decided: [Int64] = []

    init() throws {
        try File.createDirectory(directory.journal)
        storage = ClockedStorage(disk: DiskStorage(directory: directory.journal))
        let identity = JournalIdentity(bytes: (0..<16).map { UInt8($0) })
        try JournalDirectory.writeIdentity(identity, storage)
        writer = JournalWriter(
            storage: storage, identity: identity, end: JournalEnd(nextSequence: 1, hash: identity.genesis, segment: nil),
            segmentByteCount: 64 << 10, blockByteCount: 4 << 10)
    }

    var segmentCount: Int { get throws { try JournalDirectory.segments(storage).count } }

    /// Segments whose blocks were looked at by the last reading.
    private(set) var openedSegments: Set<String> = []

    /// Decisions that become one block.
    func decide(at second: Int64, count: Int, writtenAt: Int64? = nil) throws {
        for _ in 0..<count {
            var generator = SeededGenerator(seed: writer.nextSequence)
            var record = AuditRecord()
            record.sequence = writer.nextSequence
            record.timeNanoseconds = second
            record.features32 = (0..<200).map { _ in UInt8.random(in: 0...255, using: &generator) }
            record.encoded().withUnsafeBytes { writer.append($0) }
            decided.append(second)
        }
        storage.set(writtenAt ?? second)
        try writer.flush()
    }

    func read(decidedBefore: Int64) throws -> (blocks: [Block], runs: JournalRuns) {
        let runs = try JournalRuns(
            storage: storage, path: directory.journal, writtenFrom: .min, decidedBefore: decidedBefore)
        _ = storage.takeBlockReads()
        var blocks: [Block] = []
        while let run = try runs.next() {
            for place in run.places { blocks.append(try block(place, run)) }
        }
        openedSegments = storage.takeBlockReads()
        return (blocks, runs)
    }

    private func block(_ place: JournalRun.Place, _ run: JournalRun) throws -> Block {
        let file = try #require(run.file as? ClockedFile)
        var cursor = SegmentCursor(file.file)
        cursor.offset = place.offset
        var seconds: [Int64] = []
        if case .block(let stored) = try cursor.read(checkingHash: true), let block = JournalBlock(stored, segment: "") {
            block.forEachRecord { _, bytes in
                var view = AuditRecordView()
                if view.read(bytes) { seconds.append(view.timeNanoseconds) }
            }
        }
        return Block(time: place.header.timeNanoseconds, seconds: seconds, offset: place.offset, segment: file.name)
    }

    func damagePayload(of block: Block) throws {
        let path = "\(directory.journal)/\(block.segment)"
        var bytes = try File.read(path)
        bytes[block.offset + BlockHeader.byteCount + 10] ^= 1
        try File.writeAtomically(bytes, to: path)
    }
}

/// A disk with a clock that stands until it is set, which notes whose blocks are read.
private final class ClockedStorage: JournalStorage {
    private let disk: DiskStorage
    private let time = Mutex<Int64>(0)
    private let blockReads = Mutex<Set<String>>([])

    init(disk: DiskStorage) { self.disk = disk }

    func set(_ nanoseconds: Int64) { time.withLock { $0 = nanoseconds } }
    func note(_ name: String) { blockReads.withLock { _ = $0.insert(name) } }

    func takeBlockReads() -> Set<String> {
        blockReads.withLock { reads in
            defer { reads = [] }
            return reads
        }
    }

    func wallNanoseconds() -> Int64 { time.withLock { $0 } }
    func open(_ name: String, create: Bool) throws(SystemError) -> any JournalFile { try disk.open(name, create: create) }
    func openForReading(_ name: String) throws(SystemError) -> any JournalFile {
        ClockedFile(try disk.openForReading(name), name, self)
    }
    func list(_ subdirectory: String) throws(SystemError) -> [String] { try disk.list(subdirectory) }
    func exists(_ name: String) -> Bool { disk.exists(name) }
    func createDirectory(_ name: String) throws(SystemError) { try disk.createDirectory(name) }
    func rename(_ from: String, _ to: String) throws(SystemError) { try disk.rename(from, to) }
    func remove(_ name: String) throws(SystemError) { try disk.remove(name) }
    func synchronizeDirectory(_ subdirectory: String) throws(SystemError) { try disk.synchronizeDirectory(subdirectory) }
}

/// Only read.
private final class ClockedFile: JournalFile {
    let file: any JournalFile
    let name: String
    private let storage: ClockedStorage

    init(_ file: any JournalFile, _ name: String, _ storage: ClockedStorage) {
        self.file = file
        self.name = name
        self.storage = storage
    }

    func byteCount() throws(SystemError) -> Int { try file.byteCount() }

    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        if offset >= SegmentHeader.byteCount { storage.note(name) }
        return try file.read(at: offset, into: buffer)
    }

    func write(at offset: Int, _ bytes: UnsafeRawBufferPointer) throws(SystemError) { try file.write(at: offset, bytes) }
    func truncate(to byteCount: Int) throws(SystemError) { try file.truncate(to: byteCount) }
    func synchronize() throws(SystemError) { try file.synchronize() }
}
