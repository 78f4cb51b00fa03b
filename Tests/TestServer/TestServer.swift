import CLinux
import Glibc
import Platform
import Synchronization
import Wire

/// A server that says what a test tells it to say: one thread, blocking, on a Unix socket of its own.
///
/// The protocol is real (frames of `Wire`), the decisions are the test's.
public final class TestServer: Sendable {
    /// What to do after a request.
    public enum Answer: Sendable {
        case reply(Reply)
        /// Sent as they are.
        case bytes([UInt8])
        case nothing
        /// The bytes are sent, then the connection ends.
        case close(after: [UInt8])
    }

    /// A request as the test sees it.
    public struct Seen: Sendable {
        public let id: UInt64
        public let deadlineMicroseconds: Int64
        public let body: RequestBody?
        /// Number of the connection, in order of acceptance, and of the request on it.
        public let connection: Int
        public let number: Int
    }

    public typealias Handler = @Sendable (Seen) -> [Answer]

    public let path: String
    public var address: String { "unix:\(path)" }

    private let listener: Int32
    private let handler: Handler
    /// Replies are written in pieces of at most this many bytes.
    private let pieceByteCount: Int
    private let isStopped = Atomic<Bool>(false)
    private let accepted = Atomic<Int>(0)
    private let thread = Mutex<WorkerThread?>(nil)

    private struct Connection {
        var descriptor: Int32
        var index: Int
        var count = 0
        var input: [UInt8] = []
    }

    public init(pieceByteCount: Int = .max, _ handler: @escaping Handler) throws {
        self.handler = handler
        self.pieceByteCount = pieceByteCount
        path = "/tmp/assay-test-\(getpid())-\(Clock.monotonicNanoseconds()).sock"
        listener = assay_listen_unix(path, 1024)
        guard listener >= 0 else { throw SystemError(operation: "listen", path: path, code: -listener) }
        thread.withLock { $0 = WorkerThread(name: "test-server") { [self] in serve() } }
    }

    /// Connections accepted so far.
    public var acceptedCount: Int { accepted.load(ordering: .acquiring) }

    /// Ends the server; its connections are closed.
    public func stop() {
        isStopped.store(true, ordering: .releasing)
        let running = thread.withLock { thread -> WorkerThread? in
            defer { thread = nil }
            return thread
        }
        running?.join()
    }

    private func serve() {
        var connections: [Connection] = []
        while !isStopped.load(ordering: .acquiring) {
            var entries = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
            entries += connections.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            guard poll(&entries, nfds_t(entries.count), 5) > 0 else { continue }
            var closed: Set<Int> = []
            for index in connections.indices where entries[index + 1].revents != 0 {
                if !read(&connections[index]) { closed.insert(index) }
            }
            for index in closed.sorted(by: >) {
                close(connections[index].descriptor)
                connections.remove(at: index)
            }
            if entries[0].revents != 0 {
                var peer: Int32 = 0
                while case let descriptor = assay_accept(listener, &peer), descriptor >= 0 {
                    connections.append(Connection(descriptor: descriptor, index: accepted.load(ordering: .relaxed)))
                    accepted.add(1, ordering: .releasing)
                }
            }
        }
        for connection in connections { close(connection.descriptor) }
        close(listener)
        unlink(path)
    }

    /// false: the connection is over.
    private func read(_ connection: inout Connection) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = assay_receive(connection.descriptor, &bytes, bytes.count)
        if count == -Int(EAGAIN) { return true }
        guard count > 0 else { return false }
        connection.input.append(contentsOf: bytes[0..<count])
        while let seen = take(&connection) {
            for answer in handler(seen) {
                switch answer {
                case .reply(let reply): if !send(connection, reply.frame()) { return false }
                case .bytes(let bytes): if !send(connection, bytes) { return false }
                case .nothing: break
                case .close(let bytes):
                    _ = send(connection, bytes)
                    return false
                }
            }
        }
        return true
    }

    private func take(_ connection: inout Connection) -> Seen? {
        let header = Frame.headerByteCount
        guard connection.input.count >= header else { return nil }
        let length = connection.input[1..<5].reduce(0) { $0 << 8 | Int($1) }
        guard connection.input.count >= header + length else { return nil }
        let payload = Array(connection.input[header..<(header + length)])
        connection.input.removeFirst(header + length)
        let arena = MessageArena(byteCount: 64 << 10)
        let view = payload.withUnsafeBytes { RequestView.decode($0, arena: arena) }
        defer { connection.count += 1 }
        guard let view else {
            return Seen(id: 0, deadlineMicroseconds: 0, body: nil, connection: connection.index, number: connection.count)
        }
        return Seen(
            id: view.id, deadlineMicroseconds: view.deadlineMicroseconds, body: Self.body(view), connection: connection.index,
            number: connection.count)
    }

    private static func body(_ view: RequestView) -> RequestBody? {
        switch view.body {
        case .score(let score):
            let model = ModelReference(bundle: score.bundle.string, alias: score.alias.string, version: score.version)
            var request = ScoreRequest(model: model, input: .features32(Array(score.features32)))
            request.transactionID = score.transactionID.string
            request.caller = score.caller.string
            request.explain = score.explain
            request.includesRaw = score.includesRaw
            return .score(request)
        case .scoreBatch(let batch):
            let model = ModelReference(bundle: batch.bundle.string, alias: batch.alias.string, version: batch.version)
            return .scoreBatch(
                ScoreBatchRequest(model: model, features32: Array(batch.features32), rowCount: UInt32(batch.rowCount)))
        case .other(let other): return other.body
        }
    }

    private func send(_ connection: Connection, _ bytes: [UInt8]) -> Bool {
        var offset = 0
        while offset < bytes.count, !isStopped.load(ordering: .acquiring) {
            let count = bytes.withUnsafeBytes {
                assay_send(connection.descriptor, $0.baseAddress! + offset, min(pieceByteCount, $0.count - offset))
            }
            if count == -Int(EAGAIN) {
                var entry = pollfd(fd: connection.descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&entry, 1, 5)
                continue
            }
            guard count > 0 else { return false }
            offset += count
        }
        return true
    }
}
