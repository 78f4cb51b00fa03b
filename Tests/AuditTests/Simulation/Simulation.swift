import Glibc
import Platform

@testable import Audit

/// One journal's life on a simulated disk, decided by a seed: servers open it, take records, write, sync, rotate, are closed, killed, cut off
/// from power in the middle of anything (recovery, too), see full disks and failing ones. After each opening the promises are checked.
///
/// What runs are the real parts of the trail (`TrailOpening`, `JournalPump.look`, `JournalTail.synchronize`, `JournalKeeper.step`,
/// `SegmentIndexer.work`, look-ups, producers on a real ring in tmpfs), called one after the other on one thread. A part that is added to the
/// trail is put under the same simulation thus: whatever writes files does so through `JournalStorage`; its thread's body is a function that
/// does one step, which `accompany` calls among the others; what it promises goes to `checkPromises`.
final class Simulation: @unchecked Sendable {
    let seed: UInt64
    let disk: SimulatedDisk
    var generator: SeededGenerator
    var records: SimulatedRecords
    var ledger = Ledger()
    let parts: TrailParts
    /// Decides what happens to the parts, so that a journal without them has the life that it always had.
    var partsGenerator: SeededGenerator
    let sink = SimulatedSink()
    /// Found within a call that can't throw it.
    var brokenPromise: BrokenPromise?
    var outcome = Outcome()
    private(set) var lines: [String] = []
    let defect: Defect?
    private let room: SimulationRoom
    private let configuration: AuditConfiguration
    /// Whether bits flip in this life of a journal.
    private let rots: Bool

    /// The running server.
    private(set) var server: SimulatedServer?
    private var now: UInt64 = 1_000_000_000
    /// Ring files at the moment of a kill within the trail's code, which goes on for a while afterwards.
    private var ringImage: [UInt8]??

    /// What happened, for the figures.
    struct Outcome {
        var openings = 0
        var kills = 0
        var powerCuts = 0
        var failures = 0
        var records = 0
        var salvages = 0
        var checkpoints = 0
        var retirements = 0
        var lookups = 0

        static func += (sum: inout Outcome, more: Outcome) {
            sum.openings += more.openings
            sum.kills += more.kills
            sum.powerCuts += more.powerCuts
            sum.failures += more.failures
            sum.records += more.records
            sum.salvages += more.salvages
            sum.checkpoints += more.checkpoints
            sum.retirements += more.retirements
            sum.lookups += more.lookups
        }
    }

    init(seed: UInt64, room: SimulationRoom, defect: Defect? = nil, isTraced: Bool = false) {
        self.seed = seed
        self.room = room
        self.defect = defect
        generator = SeededGenerator(seed: seed &* 0x2545_f491_4f6c_dd1d)
        partsGenerator = SeededGenerator(seed: seed ^ 1 << 32)
        parts = TrailParts(&partsGenerator)
        records = SimulatedRecords(haveTransactions: parts.isThere)
        disk = SimulatedDisk(seed: seed ^ 0x5eed, defect: defect)
        rots = Int.random(in: 0..<4, using: &generator) == 0
        configuration = room.configuration(workerCount: Int.random(in: 1...3, using: &generator))
        if isTraced { disk.trace = { [unowned self] in lines.append("    \($0)") } }
    }

    /// Lives the whole life; throws the first promise that is broken.
    func run() throws(BrokenPromise) -> Outcome {
        room.clear()
        try beginLate()
        for _ in 0..<Int.random(in: 2...5, using: &generator) {
            try open()
            try work()
            end()
            if let brokenPromise { throw brokenPromise }
            if disk.isSettled, rots, Bool.random(using: &generator) { rot() }
        }
        try open()
        try closeForGood()
        if let brokenPromise { throw brokenPromise }
        return outcome
    }

    // MARK: Opening

    /// Opens the journal, with crashes and faults on the way; at last it must succeed.
    private func open() throws(BrokenPromise) {
        for attempt in 1... {
            let isCalm = attempt > 5
            if isCalm, disk.isReadOnly { crash(isPowerCut: true) }
            if !isCalm { disturbOpening() }
            if defect == .forgetsTheRing { room.removeRing() }
            ledger.noteBytes(of: disk)
            trace("opening, attempt \(attempt)")
            do throws(AuditError) {
                server = try start()
                break
            } catch {
                trace("opening failed: \(error)")
                if disk.hasRunAway { throw BrokenPromise("recovery does not end") }
                if isCalm, !disk.isDead { throw BrokenPromise("a journal on a sound disk can't be opened: \(error)") }
                crash(isPowerCut: Int.random(in: 0..<3, using: &generator) == 0)
            }
        }
        disk.calmDown()
        outcome.openings += 1
        try checkPromises()
        if Int.random(in: 0..<3, using: &generator) == 0 { try openAgain() }
    }

    private func start() throws(AuditError) -> SimulatedServer {
        disk.phase = .opening
        disk.limitOperations()
        sink.isKnown = false
        return try SimulatedServer(
            configuration, parts, disk, freesRingBeforeWrite: defect == .freesRingBeforeWrite,
            confirmed: { [unowned self] in
                defect == .retiresWhatIsNotConfirmed ? .max : sink.isKnown ? sink.confirmed : nil
            }, retired: { [unowned self] in retire($0) })
    }

    private func disturbOpening() {
        switch Int.random(in: 0..<9, using: &generator) {
        case 0...2: armKill(within: 60)
        case 3: disk.rates.synchronize = 150
        case 4: disk.rates.write = 60
        case 5: disk.rates.read = 60
        case 6: disk.rates.descriptor = 60
        case 7: disk.room = Int.random(in: 0...4_000, using: &generator)
        default: break
        }
    }

    /// Killed right after it was opened, and opened again: nothing may change.
    private func openAgain() throws(BrokenPromise) {
        let before = disk.lasting
        crash(isPowerCut: false)
        trace("opening once more")
        do throws(AuditError) { server = try start() } catch {
            throw BrokenPromise("an opened journal can't be opened again: \(error)")
        }
        disk.calmDown()
        if let report = server?.opening.report, report.drainedCount > 0 || !report.voids.isEmpty || report.cutByteCount > 0 {
            throw BrokenPromise("recovery of a recovered journal finds something: \(report)")
        }
        for (name, bytes) in disk.lasting where before[name] != bytes {
            throw BrokenPromise("recovery of a recovered journal changes \(name)")
        }
        if disk.lasting.count != before.count { throw BrokenPromise("recovery of a recovered journal removes a file") }
    }

    // MARK: Working

    private func work() throws(BrokenPromise) {
        if Int.random(in: 0..<5, using: &generator) < 2 { armKill(within: 150) }
        for _ in 0..<Int.random(in: 10...110, using: &generator) {
            guard let server, !disk.isDead, server.health.current == nil else { return }
            try accompany(server)
            if self.server == nil || disk.isDead || server.health.current != nil { return }
            switch Int.random(in: 0..<20, using: &generator) {
            case 0...11: put(server)
            case 12...15: look(server)
            case 16...18: synchronize(server)
            default: changeTheWeather()
            }
        }
    }

    private func put(_ server: SimulatedServer) {
        let worker = Int.random(in: 0..<server.producers.count, using: &generator)
        let producer = server.producers[worker]
        let count = Int.random(in: 1...3, using: &generator)
        guard let first = producer.reserve(count: count, byteCountMax: SimulatedRecords.byteCountMax) else { return }
        ledger.give(first, count: count)
        for sequence in first..<first + UInt64(count) where Int.random(in: 0..<20, using: &generator) > 0 {
            let bytes = records.bytes(sequence)
            producer.append(sequence: sequence) { buffer in
                buffer.copyBytes(from: bytes)
                return bytes.count
            }
            server.waiting[worker].append(sequence)
        }
        // Now and then one commit covers two reservations, or a crash comes before it.
        if Int.random(in: 0..<12, using: &generator) > 0 { commit(server, worker) }
    }

    private func commit(_ server: SimulatedServer, _ worker: Int) {
        server.producers[worker].commit()
        ledger.commit(server.waiting[worker])
        outcome.records += server.waiting[worker].count
        server.waiting[worker] = []
    }

    private func look(_ server: SimulatedServer) {
        disk.phase = .looking
        now += UInt64.random(in: 1_000_000...120_000_000, using: &generator)
        do throws(PumpError) { _ = try server.pump.look(now: now) } catch {
            // A full disk is waited for; anything else ends the trail.
            if !error.isDiskFull, !disk.isDead { server.health.fail(error.failure) }
        }
        acknowledge(server)
    }

    private func synchronize(_ server: SimulatedServer) {
        disk.phase = .synchronizing
        // Now and then the journal thread writes while the sync thread waits for the disk.
        if Int.random(in: 0..<3, using: &generator) == 0 {
            disk.duringSync = { [unowned self, unowned server] in writeDuringSync(server, byteCount: $0) }
        }
        defer { disk.duringSync = nil }
        do throws(SystemError) {
            try server.tail.synchronize()
            if defect == .acknowledgesWhatCameDuringSync, !disk.isDead {
                ledger.acknowledge(through: server.tail.writtenSequence)
            }
        } catch {
            if !disk.isDead { server.health.fail(.synchronizeFailed(error)) }
        }
        server.pump.syncEnded()
        acknowledge(server)
    }

    /// Not where the segment could end: the rotation would wait for the sync that is running.
    private func writeDuringSync(_ server: SimulatedServer, byteCount: Int) {
        disk.duringSync = nil
        put(server)
        let most = byteCount + 2 * server.opening.memory.byteCountUsed + 2 * configuration.blockByteCount
        if most < configuration.segmentByteCount { look(server) }
        disk.phase = .synchronizing
    }

    /// Whoever waits for the disk gets the replies for all that is durable now.
    private func acknowledge(_ server: SimulatedServer) {
        if disk.isDead { return }
        ledger.acknowledge(
            through: defect == .acknowledgesBeforeSync ? server.tail.writtenSequence : server.tail.durableSequence)
    }

    private func changeTheWeather() {
        disk.calmDown(keepingKill: true)
        switch Int.random(in: 0..<8, using: &generator) {
        case 0, 1: disk.room = Int.random(in: 0...6_000, using: &generator)
        case 2: disk.rates.synchronize = 100
        case 3: disk.rates.write = 50
        case 4: disk.rates.descriptor = 300
        default: break
        }
        trace("weather: room \(disk.room.map(String.init) ?? "any"), \(disk.rates)")
    }

    // MARK: Ending

    private func end() {
        guard let server else { return }
        if disk.isDead || server.health.current != nil {
            if server.health.current != nil { outcome.failures += 1 }
            return crash(isPowerCut: Int.random(in: 0..<3, using: &generator) == 0)
        }
        switch Int.random(in: 0..<6, using: &generator) {
        case 0...1: crash(isPowerCut: false)
        case 2...3: crash(isPowerCut: true)
        default:
            _ = close(server)
            crash(isPowerCut: Bool.random(using: &generator))
        }
    }

    /// The steps of `AuditTrail.close`; whether they came to their end.
    private func close(_ server: SimulatedServer) -> Bool {
        trace("closing")
        for worker in server.producers.indices { commit(server, worker) }
        disk.phase = .closing
        let count = server.keeper?.checkpoints.count ?? 0
        do {
            try server.close(now: now)
        } catch {
            trace("closing failed: \(error)")
            return false
        }
        ledger.acknowledge(through: .max)
        if let keeper = server.keeper { noteCheckpoint(keeper, after: count) }
        return true
    }

    /// The process ends; the machine, too, when it is a power cut.
    func crash(isPowerCut: Bool) {
        server = nil
        disk.onWrite = nil
        disk.duringSync = nil
        if disk.isDead, let image = ringImage { room.restoreRing(image) }
        ringImage = nil
        if isPowerCut {
            outcome.powerCuts += 1
            disk.cutPower()
            room.removeRing()
            ledger.losePower(disk)
        } else {
            outcome.kills += 1
            trace("the process ends")
            disk.restartProcess()
        }
    }

    private func armKill(within count: Int) {
        disk.kill(after: Int.random(in: 0..<count, using: &generator)) { [unowned self] in ringImage = room.ring() }
    }

    /// Flips bits in what the medium has; the records that were there are excused.
    private func rot() {
        if parts.isThere, Int.random(in: 0..<3, using: &partsGenerator) == 0 { return rotParts() }
        let names = disk.names.files.keys.filter { $0.hasSuffix(JournalDirectory.segmentSuffix) }.sorted()
        guard let name = names.randomElement(using: &generator), let inode = disk.names.files[name] else { return }
        let blocks = JournalBytes.blocks(inode.cache)
        if Int.random(in: 0..<6, using: &generator) == 0 || blocks.isEmpty {
            guard inode.cache.count >= SegmentHeader.byteCount else { return }
            trace("bits flip in the header of \(name)")
            inode.rot(0..<SegmentHeader.byteCount, &generator)
        } else if let block = blocks.randomElement(using: &generator) {
            trace("bits flip in \(name), block at \(block.range.lowerBound)")
            inode.rot(block.range, &generator)
            ledger.excuse(block.sequences)
        }
        ledger.hasRotted = true
        ledger.noteRot(disk)
    }

    // MARK: Checking

    private func checkPromises() throws(BrokenPromise) {
        guard let server else { return }
        try ledger.check(identity: server.opening.identity)
        let contents = try JournalBytes.contents(disk, checkpoints: ledger.checkpoints)
        for record in contents.records where record.bytes != records.bytes(record.sequence) {
            throw BrokenPromise("record \(record.sequence) is not what was taken")
        }
        try ledger.check(contents, confirmed: sink.confirmed)
        if let next = server.next, next <= ledger.highestGiven {
            throw BrokenPromise("number \(next) would be given again; \(ledger.highestGiven) was given")
        }
        try ledger.checkBytes(disk)
        if server.opening.report.quarantined.contains(where: { $0.hasSuffix(".salvage") }) { outcome.salvages += 1 }
        ledger.settle(contents)
        if parts.isThere { try checkIndexes(contents.records, identifiers: [anyTransaction(), anyTransaction()]) }
    }

    private func closeForGood() throws(BrokenPromise) {
        guard server.map(close) == true else { throw BrokenPromise("a journal on a sound disk can't be closed") }
        crash(isPowerCut: Bool.random(using: &generator))
        let contents = try JournalBytes.contents(disk, checkpoints: ledger.checkpoints)
        try ledger.check(contents, confirmed: sink.confirmed)
        if !contents.report.wasClosedCleanly { throw BrokenPromise("a closed journal doesn't say so") }
        try checkEnd(contents)
        do throws(AuditError) { server = try start() } catch {
            throw BrokenPromise("a closed journal can't be opened: \(error)")
        }
        if server?.opening.report.wasClean != true { throw BrokenPromise("a closed journal isn't taken for one") }
        server = nil
    }

    func trace(_ text: @autoclosure () -> String) {
        if disk.trace != nil { lines.append(text()) }
    }
}
