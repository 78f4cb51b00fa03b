import CLinux
import Glibc
import Platform
import Testing

@testable import Reactor

/// Whether this machine has the loopback address of IPv6.
private let hasIPv6 = access("/proc/net/if_inet6", R_OK) == 0

@Suite struct ListenerTests {
    @Test(arguments: ["127.0.0.1", "localhost", "*", "0.0.0.0"] + (hasIPv6 ? ["[::1]", "::1"] : []))
    func hostsAreUnderstood(host: String) throws {
        let listener = try Listener.tcp(host: host, port: 0)
        #expect((1...65_535).contains(listener.port!))
        if !host.contains("::") {
            let client = Client.connect(port: listener.port!)
            #expect(client != nil)
        }
    }

    @Test func badAddressesAreRefusedWithTheirReason() throws {
        #expect(throws: ReactorError.portOutOfRange(65_536)) { try Listener.tcp(host: "127.0.0.1", port: 65_536) }
        #expect(throws: ReactorError.portOutOfRange(-1)) { try Listener.tcp(host: "127.0.0.1", port: -1) }
        #expect(throws: ReactorError.hostUnknown(code: EAI_NONAME)) { try Listener.tcp(host: "256.1.1.1.", port: 0) }
        let taken = try Listener.tcp(host: "127.0.0.1", port: 0)
        let error = #expect(throws: ReactorError.self) { try Listener.tcp(host: "127.0.0.1", port: taken.port!) }
        guard case .system(let failure) = error else { throw error! }
        #expect(failure.code == EADDRINUSE)
    }

    @Test func aStoppedListenerRefusesConnects() throws {
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        listener.stopListening()
        #expect(Client.connect(port: listener.port!) == nil)
    }

    @Test func configurationsOutOfRangeAreRefused() {
        var configuration = LoopConfiguration()
        configuration.receiveByteCount = 100
        #expect(throws: ReactorError.configurationOutOfRange(name: "receiveByteCount", value: 100, min: 4_096, max: 16 << 20)) {
            try EventLoop(index: 0, configuration: configuration, service: EchoService())
        }
    }

    @Test func unixSocketServes() throws {
        let path = temporaryPath()
        let stand = try Stand()
        let listener = try Listener.unix(path: path)
        stand.loop.listen(on: listener)
        stand.settle()
        let client = Client(descriptor: assay_connect_unix(path))
        #expect(stand.pump { stand.service.accepted.count == 1 })
        #expect(stand.service.peers == [.unix])
        client.send(frame([1]) + frame([2]))
        client.finishSending()
        #expect(stand.collect(client, 12) == frame([1]) + frame([2]))
        #expect(stand.pump { stand.cause(stand.lastID) == .peerFinished })
    }

    @Test func theRequestsOfAUnixPeerThatHasGoneAreStillTaken() throws {
        let path = temporaryPath()
        let stand = try Stand()
        let listener = try Listener.unix(path: path)
        stand.loop.listen(on: listener)
        stand.settle()
        let client = Client(descriptor: assay_connect_unix(path))
        client.send(frame([1]) + frame([2]))
        client.close()
        #expect(stand.pump { stand.service.closed.count == 1 })
        #expect(stand.service.frameCount == 2)
    }

    @Test func unixSocketHasItsModeAndGoesWithTheListener() throws {
        let path = temporaryPath()
        var listener: Listener? = try Listener.unix(path: path)
        #expect(listener?.port == nil)
        #expect(mode(path) == 0o660)
        listener = nil
        #expect(mode(path) == nil)
    }

    @Test func theSocketOfALivingServerIsRefusedAndThatOfADeadOneReplaced() throws {
        let path = temporaryPath()
        let living = assay_listen_unix(path, 5)
        #expect(throws: ReactorError.unixSocketInUse) { try Listener.unix(path: path) }
        close(living)
        // The file is still there, and nobody behind it.
        #expect(mode(path) != nil)
        let listener = try Listener.unix(path: path)
        let client = Client(descriptor: assay_connect_unix(path))
        #expect(client.descriptor >= 0)
        withExtendedLifetime(listener) {}
    }

    @Test func whatIsNoSocketIsLeftAlone() throws {
        let path = temporaryPath()
        close(open(path, O_CREAT | O_WRONLY, 0o600))
        defer { unlink(path) }
        #expect(throws: ReactorError.unixPathOccupied) { try Listener.unix(path: path) }
        #expect(mode(path) == 0o600)
    }

    @Test func aPathTooLongIsRefused() {
        let path = "/tmp/" + String(repeating: "x", count: 120)
        #expect(throws: ReactorError.self) { try Listener.unix(path: path) }
    }

    @Test func aListenerDoesNotRemoveItsSuccessorsFile() throws {
        let path = temporaryPath()
        let old = try Listener.unix(path: path)
        unlink(path)
        let new = try Listener.unix(path: path)
        old.stopListening()
        #expect(mode(path) == 0o660)
        withExtendedLifetime(new) {}
    }

    @Test func twoLoopsShareConnectionsEvenly() throws {
        let services = [EchoService(), EchoService()]
        let listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        let loops = try (0..<2).map { try EventLoop(index: UInt16($0), service: services[$0]) }
        for loop in loops { loop.listen(on: listener) }
        var clients: [Client] = []
        func turnBoth() { for loop in loops { _ = loop.turn(waitMilliseconds: 0) } }
        turnBoth()
        func pump(_ condition: () -> Bool) -> Bool {
            for _ in 0..<20_000 {
                if condition() { return true }
                turnBoth()
                sched_yield()
            }
            return false
        }
        func open() -> [UInt64] { loops.map { $0.counters[.connectionsOpen] } }
        for count in 1...100 {
            clients.append(Client.connect(port: listener.port!)!)
            #expect(pump { open().reduce(0, +) == count })
        }
        #expect(open() == [50, 50])
        // The kernel asks the same idle loop every time; the other half was handed over.
        #expect(loops.map { $0.counters[.connectionsHandedOver] }.reduce(0, +) > 0)
        // The loop that has lost all of its connections gets the next ones.
        for id in services[1].accepted { loops[1].close(id) }
        #expect(pump { services[1].closed.count == 50 })
        for client in clients where client.receiveWithoutWaiting() != nil { client.close() }
        #expect(pump { open() == [50, 0] })
        for count in 1...40 {
            clients.append(Client.connect(port: listener.port!)!)
            #expect(pump { open().reduce(0, +) == 50 + UInt64(count) })
        }
        #expect(open() == [50, 40])
    }

    private func temporaryPath() -> String { "/tmp/reactor-test-\(getpid())-\(UInt64.random(in: 0...UInt64.max))" }

    private func mode(_ path: String) -> UInt32? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
    }
}
