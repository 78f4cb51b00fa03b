import Audit
import Platform
import Synchronization

/// What one thread of a crew does with the records it gets.
protocol RecordConsumer: AnyObject, Sendable {
    /// The records of neighbouring blocks; valid during the call.
    func take(_ records: JournalRecords)
    /// All of run number `run` was taken: the same for whoever takes that run.
    func finish(run: Int)
    /// Why it gives up.
    var failure: ReplayError? { get }
}

/// Bytes of the journal that were read so far, and how many there are.
public typealias ReplayProgress = @Sendable (_ done: Int, _ total: Int) -> Void

/// Threads that read one journal together, each with a consumer of its own.
final class Crew<Consumer: RecordConsumer>: Sendable {
    private let runs: JournalRuns
    private let checksHash: Bool
    private let progress: ReplayProgress?
    private let failure = Mutex<ReplayError?>(nil)
    private let damages = Mutex(0)

    init(_ runs: JournalRuns, checksHash: Bool, progress: ReplayProgress?) {
        self.runs = runs
        self.checksHash = checksHash
        self.progress = progress
    }

    /// Places of the journal that could not be read.
    var damageCount: Int { runs.damageCount + damages.withLock { $0 } }
    var voidCount: Int { runs.voidCount }

    /// Reads the journal to its end. The calling thread works, too.
    func run(_ consumers: [Consumer]) throws(ReplayError) {
        let threads = consumers.dropFirst().enumerated().map { index, consumer in
            WorkerThread(name: "replay-\(index + 1)") { self.work(consumer) }
        }
        if let own = consumers.first { work(own) }
        for thread in threads { thread.join() }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private func work(_ consumer: Consumer) {
        let memory = JournalBlockMemory(checksHash: checksHash)
        do throws(AuditError) {
            while failure.withLock({ $0 == nil }), let run = try runs.next() {
                try memory.forEachGathering(of: run) { consumer.take($0) }
                consumer.finish(run: run.index)
                if let error = consumer.failure { return fail(error) }
                progress?(runs.passedByteCount, runs.byteCount)
            }
        } catch {
            fail(.audit(error))
        }
        damages.withLock { $0 += memory.damageCount }
    }

    /// The first failure ends all.
    private func fail(_ error: ReplayError) {
        failure.withLock { $0 = $0 ?? error }
    }
}
