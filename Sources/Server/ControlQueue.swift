import Platform
import Reactor
import Session
import Synchronization

/// Control requests that wait for the one thread which answers them, in the order in which they came.
final class ControlQueue: Sendable {
    struct Job: Sendable {
        let connection: ConnectionID
        let request: ControlRequest
    }

    private let countMax: Int
    private let jobs = Mutex<[Job]>([])
    private let wakeUp: EventSignal
    private let isStopping = Atomic(false)

    init(countMax: Int) throws(SystemError) {
        self.countMax = countMax
        wakeUp = try EventSignal()
    }

    /// From any thread, a loop's too; false when too much is waiting.
    func put(_ job: Job) -> Bool {
        let isTaken = jobs.withLock { jobs in
            guard jobs.count < countMax else { return false }
            jobs.append(job)
            return true
        }
        if isTaken { wakeUp.signal() }
        return isTaken
    }

    /// Hands the jobs to `answer` until `stop`; then those still waiting are forgotten: it comes when the loops have ended, so nobody is
    /// left to be answered, and a thousand look-ups in a journal that can't be written take half an hour.
    func run(_ answer: (Job) -> Void) {
        while true {
            let taken = jobs.withLock { jobs in
                defer { jobs = [] }
                return jobs
            }
            for job in taken {
                if isStopped { return }
                answer(job)
            }
            if isStopped { return }
            if taken.isEmpty { wakeUp.wait(milliseconds: -1) }
        }
    }

    /// Partner: the acquiring load in `run`, which the signal wakes.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        wakeUp.signal()
    }

    private var isStopped: Bool { isStopping.load(ordering: .acquiring) }
}
