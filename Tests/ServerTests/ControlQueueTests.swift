import Platform
import Reactor
import Testing
import Wire

@testable import Server
@testable import Session

@Suite struct ControlQueueTests {
    private func job(_ id: UInt64) -> ControlQueue.Job {
        ControlQueue.Job(
            connection: ConnectionID(loop: 0, slot: 0, generation: 1),
            request: ControlRequest(
                id: id, body: .getDecision(auditSequence: id), caller: "", acceptsLZ4: false, deadlineMicroseconds: 0))
    }

    @Test func jobsAreAnsweredInOrderUpToTheLimit() throws {
        let queue = try ControlQueue(countMax: 3)
        #expect((1...4).map { queue.put(job($0)) } == [true, true, true, false])
        var answered: [UInt64] = []
        queue.run { job in
            answered.append(job.request.id)
            // Taken out of the queue, so there is room again.
            if answered.count == 1 { #expect(queue.put(self.job(5))) }
            if answered.count == 4 { queue.stop() }
        }
        #expect(answered == [1, 2, 3, 5])
    }

    @Test func stopForgetsWhatWaits() throws {
        let queue = try ControlQueue(countMax: 1000)
        for id in 1...1000 as ClosedRange<UInt64> { _ = queue.put(job(id)) }
        var answeredCount = 0
        queue.run { _ in
            answeredCount += 1
            queue.stop()
        }
        #expect(answeredCount == 1)
    }

    @Test func stopWakesAThreadThatWaits() throws {
        let queue = try ControlQueue(countMax: 1)
        let thread = WorkerThread(name: "test") { queue.run { _ in } }
        queue.stop()
        thread.join()
    }
}
