import Platform
import Synchronization

@testable import Reactor

/// Echoes frames and remembers what it was told. A frame whose flag byte is 9 makes it answer and close, one with 7 makes it
/// owe an answer until `posted` brings it.
final class EchoService: ConnectionService {
    static let headerByteCount = 5
    var acceptsConnections = true
    var accepted: [ConnectionID] = []
    var peers: [PeerAddress] = []
    var closed: [ConnectionID: CloseCause] = [:]
    var callCount = 0
    /// Who was presented, and since when its bytes had waited at most.
    var calls: [(id: ConnectionID, waitingSince: UInt64)] = []
    var frameCount = 0
    var tickCount = 0
    var owing: Set<ConnectionID> = []
    /// What connections have to say when the loop is resumed.
    var news: [(id: ConnectionID, bytes: [UInt8])] = []
    var resumeCount = 0
    /// Answers of this many bytes are appended to every echo.
    var amplification = 0
    /// Asks for so much after everything; nil: for a header.
    var neededAlways: Int?

    func accepted(_ id: ConnectionID, _ peer: PeerAddress) -> Bool {
        guard acceptsConnections else { return false }
        accepted.append(id)
        peers.append(peer)
        return true
    }

    func received(
        _ id: ConnectionID, _ bytes: UnsafeRawBufferPointer, waitingSince: UInt64, _ output: inout SendBuffer
    ) -> ReceiveResult {
        callCount += 1
        calls.append((id, waitingSince))
        var offset = 0
        while bytes.count - offset >= Self.headerByteCount {
            if output.wantsFlush { return ReceiveResult(consumed: offset, needed: Self.headerByteCount) }
            let length = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 1, as: UInt32.self))
            let total = Self.headerByteCount + Int(length)
            guard bytes.count - offset >= total else { return ReceiveResult(consumed: offset, needed: total) }
            let flag = bytes[offset]
            if flag == 7 {
                owing.insert(id)
            } else {
                output.append(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + total]))
                if amplification > 0 {
                    output.reserve(amplification).initializeMemory(as: UInt8.self, repeating: 42, count: amplification)
                    output.commit(amplification)
                }
            }
            offset += total
            frameCount += 1
            if flag == 9 { return ReceiveResult(consumed: offset, needed: Self.headerByteCount, close: true) }
        }
        return ReceiveResult(consumed: offset, needed: neededAlways ?? Self.headerByteCount)
    }

    func posted(_ id: ConnectionID, _ bytes: UnsafeRawBufferPointer, _ output: inout SendBuffer) {
        owing.remove(id)
        output.append(bytes)
    }

    func connectionsToResume() -> [ConnectionID] {
        resumeCount += 1
        return news.map(\.id)
    }

    func resumed(_ id: ConnectionID, _ output: inout SendBuffer) {
        for (_, bytes) in news where owing.contains(id) { bytes.withUnsafeBytes { output.append($0) } }
        owing.remove(id)
    }

    func isIdle(_ id: ConnectionID) -> Bool { !owing.contains(id) }

    func closed(_ id: ConnectionID, _ cause: CloseCause) {
        precondition(closed[id] == nil, "closed twice")
        closed[id] = cause
        owing.remove(id)
    }

    func tick(nowNanoseconds: UInt64) { tickCount += 1 }
}

/// Time that passes when the test says so.
final class ManualClock: Sendable {
    private let nanoseconds = Atomic<UInt64>(1_000_000_000)
    var now: UInt64 { nanoseconds.load(ordering: .relaxed) }

    func advance(milliseconds: UInt64) { nanoseconds.add(milliseconds * 1_000_000, ordering: .relaxed) }
}

/// A loop that the test turns by hand, with a clock of its own and a listener on 127.0.0.1.
final class Stand {
    let clock = ManualClock()
    let service = EchoService()
    let loop: EventLoop
    let listener: Listener

    init(_ configure: (inout LoopConfiguration) -> Void = { _ in }) throws {
        var configuration = LoopConfiguration()
        configure(&configuration)
        let clock = clock
        loop = try EventLoop(index: 3, configuration: configuration, service: service, clock: { clock.now })
        listener = try Listener.tcp(host: "127.0.0.1", port: 0)
        loop.listen(on: listener)
        _ = loop.turn(waitMilliseconds: 1_000)
    }

    /// A client that the loop has accepted.
    func connect(receiveBufferByteCount: Int? = nil) -> Client {
        let before = service.accepted.count
        let client = Client.connect(port: listener.port!, receiveBufferByteCount: receiveBufferByteCount)!
        pump { self.service.accepted.count > before }
        return client
    }

    var lastID: ConnectionID { service.accepted.last! }

    func cause(_ id: ConnectionID) -> CloseCause? { service.closed[id] }

    /// Turns until the condition holds; false when it never does.
    @discardableResult
    func pump(_ condition: () -> Bool) -> Bool {
        for _ in 0..<20_000 {
            if condition() { return true }
            if loop.turn(waitMilliseconds: 1) != nil { return condition() }
        }
        return false
    }

    /// Turns often enough that anything due would have happened.
    func settle() {
        for _ in 0..<20 { if loop.turn(waitMilliseconds: 1) != nil { return } }
    }

    /// Lets time pass in ticks.
    func pass(milliseconds: UInt64) {
        for _ in 0..<milliseconds / 100 {
            clock.advance(milliseconds: 100)
            _ = loop.turn(waitMilliseconds: 0)
        }
    }

    /// Collects what the client gets until it has `count` bytes.
    func collect(_ client: Client, _ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        pump {
            if let more = client.receiveWithoutWaiting(min(count, 1 << 17)) { bytes += more }
            return bytes.count >= count
        }
        return bytes
    }
}
