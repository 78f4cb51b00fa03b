import Testing

@testable import Reactor

/// Connections that wait for something which all of them hear of at once.
@Suite struct ResumeTests {
    /// A frame that makes the service owe an answer.
    private let question: [UInt8] = [7, 0, 0, 0, 0]

    private func waitingClient(_ stand: Stand) -> Client {
        let client = stand.connect()
        let before = stand.service.frameCount
        client.send(question)
        #expect(stand.pump { stand.service.frameCount > before })
        return client
    }

    @Test func everyConnectionThatWaitsIsAskedAndAnsweredInOneWrite() throws {
        let stand = try Stand()
        let clients = (0..<3).map { _ in waitingClient(stand) }
        stand.service.news = stand.service.accepted.map { ($0, [1, 2, 3]) }
        #expect(stand.loop.resume())
        for client in clients { #expect(stand.collect(client, 9) == [1, 2, 3, 1, 2, 3, 1, 2, 3]) }
        #expect(stand.loop.counters[.writes] == 3)
        #expect(stand.service.resumeCount == 1)
    }

    @Test func callsBeforeTheLoopLooksAreOne() throws {
        let stand = try Stand()
        for _ in 0..<1_000 { #expect(stand.loop.resume()) }
        stand.settle()
        #expect(stand.service.resumeCount == 1)
        stand.loop.resume()
        stand.settle()
        #expect(stand.service.resumeCount == 2)
    }

    @Test func aConnectionThatIsGoneOrClosingIsNotAsked() throws {
        let stand = try Stand()
        let gone = waitingClient(stand)
        gone.close()
        #expect(stand.pump { stand.loop.counters[.connectionsOpen] == 0 || stand.service.owing.count == 1 })
        let stale = ConnectionID(loop: 3, slot: 9_999, generation: 1)
        stand.service.news = [(stale, [9])]
        stand.service.owing.insert(stale)
        stand.loop.resume()
        stand.settle()
        #expect(stand.service.owing.contains(stale), "nobody asked")
    }

    @Test func aDrainWaitsForWhatIsOwedAndEndsWhenItWasSaid() throws {
        let stand = try Stand()
        let client = waitingClient(stand)
        stand.loop.drain(deadlineNanoseconds: .max)
        stand.settle()
        #expect(stand.loop.counters[.connectionsOpen] == 1)
        stand.service.news = [(stand.lastID, [5])]
        stand.loop.resume()
        #expect(stand.collect(client, 1) == [5])
        #expect(stand.pump { stand.cause(stand.lastID) == .drained })
    }

    @Test func aLoopThatHasEndedCannotBeResumed() throws {
        let stand = try Stand()
        stand.loop.stop()
        #expect(stand.loop.run() == .stopped)
        #expect(!stand.loop.resume())
    }
}
