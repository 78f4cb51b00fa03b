import Glibc
import Platform
import Synchronization
import Testing

@testable import Reactor

/// Real threads: meant to be run under ThreadSanitizer as well.
@Suite struct ConcurrencyTests {
    @Test func thousandsOfConnectionsAreServed() throws {
        let services = [EchoService(), EchoService()]
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        let loops = try (0..<2).map { try EventLoop(index: UInt16($0), service: services[$0]) }
        let threads = loops.map { loop in
            loop.listen(on: listener)
            return WorkerThread(name: "loop") { loop.run() }
        }
        var clients: [Client] = []
        for _ in 0..<3_000 { clients.append(Client.connect(port: listener.port!)!) }
        for round in 0..<3 {
            for (index, client) in clients.enumerated() { client.send(frame([UInt8(round), UInt8(index % 256)])) }
            for (index, client) in clients.enumerated() {
                #expect(client.receive(7) == frame([UInt8(round), UInt8(index % 256)]))
            }
        }
        let open = loops.map { Int($0.counters[.connectionsOpen]) }
        #expect(open[0] + open[1] == 3_000)
        #expect(abs(open[0] - open[1]) < 300)
        clients = []
        for loop in loops { loop.drain(deadlineNanoseconds: Clock.monotonicNanoseconds() + 10_000_000_000) }
        for thread in threads { thread.join() }
        #expect(services.map(\.closed.count).reduce(0, +) == 3_000)
    }

    @Test func postsFromManyThreadsAllArrive() throws {
        let service = EchoService()
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        var configuration = LoopConfiguration()
        configuration.busyPollMicroseconds = 50
        let loop = try EventLoop(index: 0, configuration: configuration, service: service)
        loop.listen(on: listener)
        let thread = WorkerThread(name: "loop") { loop.run() }
        let client = Client.connect(port: listener.port!)!
        client.send(frame([1]))
        #expect(client.receive(6) == frame([1]))
        let id = ConnectionID(loop: 0, slot: 0, generation: 1)
        let posters = (0..<4).map { number in
            WorkerThread(name: "poster") {
                for _ in 0..<2_000 { _ = loop.post(id, [UInt8(number), UInt8(number), UInt8(number)]) }
            }
        }
        let bytes = client.receive(4 * 2_000 * 3)
        for poster in posters { poster.join() }
        // Whole posts only, none lost.
        let triples = stride(from: 0, to: bytes.count, by: 3).map { Array(bytes[$0..<$0 + 3]) }
        #expect(triples.allSatisfy { $0[0] == $0[1] && $0[1] == $0[2] })
        for number in 0..<4 { #expect(triples.filter { $0[0] == UInt8(number) }.count == 2_000) }
        #expect(loop.counters[.lettersReceived] >= 8_001)
        loop.stop()
        thread.join()
        #expect(service.closed[id] == .stopped)
    }

    @Test func aDrainUnderLoadAnswersEverythingThatItRead() throws {
        let service = EchoService()
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        let loop = try EventLoop(index: 0, service: service)
        loop.listen(on: listener)
        let thread = WorkerThread(name: "loop") { loop.run() }
        let answered = Atomic<Int>(0)
        let port = listener.port!
        let callers = (0..<8).map { _ in
            WorkerThread(name: "caller") {
                guard let client = Client.connect(port: port) else { return }
                while client.send(frame([1, 2, 3])), client.receive(8).count == 8 { answered.add(1, ordering: .relaxed) }
            }
        }
        while answered.load(ordering: .relaxed) < 2_000 { sched_yield() }
        loop.drain(deadlineNanoseconds: Clock.monotonicNanoseconds() + 10_000_000_000)
        thread.join()
        for caller in callers { caller.join() }
        #expect(service.frameCount == answered.load(ordering: .relaxed))
        #expect(service.closed.values.allSatisfy { $0 == .drained || $0 == .peerFinished })
    }

    @Test func connectsAndResetsInAStormLeaveNothingBehind() throws {
        let services = [EchoService(), EchoService()]
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        let loops = try (0..<2).map { try EventLoop(index: UInt16($0), service: services[$0]) }
        let threads = loops.map { loop in
            loop.listen(on: listener)
            return WorkerThread(name: "loop") { loop.run() }
        }
        let port = listener.port!
        let callers = (0..<4).map { number in
            WorkerThread(name: "caller") {
                for round in 0..<200 {
                    guard let client = Client.connect(port: port) else { continue }
                    client.send(frame([UInt8(number)]))
                    if round % 3 == 0 { _ = client.receive(6) }
                    if round % 2 == 0 { client.reset() } else { client.close() }
                }
            }
        }
        for caller in callers { caller.join() }
        for loop in loops { loop.drain(deadlineNanoseconds: Clock.monotonicNanoseconds() + 10_000_000_000) }
        for thread in threads { thread.join() }
        for (loop, service) in zip(loops, services) {
            #expect(loop.counters[.connectionsOpen] == 0)
            #expect(service.accepted.count == service.closed.count)
            #expect(loop.counters[.connectionsAccepted] == UInt64(service.accepted.count))
        }
    }
}
