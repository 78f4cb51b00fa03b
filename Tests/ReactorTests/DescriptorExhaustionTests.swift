import Glibc
import Testing

@testable import Reactor

/// In a process of its own, because the limit is the whole process's.
@Suite struct DescriptorExhaustionTests {
    @Test func aServerWithoutDescriptorsRefusesAndRecovers() async {
        await #expect(processExitsWith: .success) {
            let stand = try Stand()
            let kept = stand.connect()
            // Sockets of the clients exist before the limit falls.
            let sockets = (0..<8).map { _ in socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
            let next = dup(0)
            close(next)
            var limit = rlimit(rlim_cur: rlim_t(next), rlim_max: 0)
            var old = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &old)
            limit.rlim_max = old.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            let clients = sockets.map { connectLater($0, stand.listener.port!) }
            precondition(stand.pump { stand.loop.counters[.connectionsRefused] == 8 }, "not all were refused")
            precondition(stand.loop.counters[.acceptsWithoutDescriptor] >= 8, "no shortage was met")
            precondition(clients.allSatisfy(\.isAtEnd), "a refused client was left waiting")
            kept.send(frame([1]))
            precondition(stand.collect(kept, 6) == frame([1]), "the connected one suffered")
            // No spinning: an idle loop sleeps.
            let turns = stand.loop.counters[.turns]
            _ = stand.loop.turn(waitMilliseconds: 20)
            precondition(stand.loop.counters[.turns] == turns + 1)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &old)
            stand.pass(milliseconds: 200)
            let late = stand.connect()
            late.send(frame([2]))
            precondition(stand.collect(late, 6) == frame([2]), "the server did not recover")
        }
    }

    @Test func aServerThatHasLostItsReserveRestsInsteadOfSpinning() async {
        await #expect(processExitsWith: .success) {
            let stand = try Stand()
            let waiting = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var old = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &old)
            // Below every open descriptor: the reserve is closed and cannot be had again.
            var limit = rlimit(rlim_cur: 3, rlim_max: old.rlim_max)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            let client = connectLater(waiting, stand.listener.port!)
            for _ in 0..<50 { _ = stand.loop.turn(waitMilliseconds: 0) }
            precondition(stand.loop.counters[.acceptsWithoutDescriptor] == 1, "it went on trying")
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &old)
            stand.pass(milliseconds: 200)
            precondition(stand.pump { stand.service.accepted.count == 1 }, "it never accepted again")
            client.send(frame([2]))
            precondition(stand.collect(client, 6) == frame([2]))
        }
    }
}

/// Connects a socket that exists already.
private func connectLater(_ descriptor: Int32, _ port: Int) -> Client {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let code = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    precondition(code == 0, "connect failed with \(errno)")
    return Client(descriptor: descriptor)
}
