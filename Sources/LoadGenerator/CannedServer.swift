import CLinux
import Glibc
import Platform
import Synchronization

/// A server on a thread of this process that answers every scoring request with the same reply: one read and one write a turn.
final class CannedServer: Sendable {
    let address: ServerAddress
    private let stopFlag = StopFlag()
    private let thread = Mutex<WorkerThread?>(nil)

    init(reply: CannedReply) throws(LoadError) {
        do throws(SystemError) {
            let (listener, port) = try Self.listen()
            address = .tcp(host: "127.0.0.1", port: UInt16(port))
            let loop = LoopBox(try Loop(listener: listener, reply: reply))
            let flag = stopFlag
            let worker = WorkerThread(name: "assay-canned") { loop.run(until: flag) }
            thread.withLock { $0 = worker }
        } catch {
            throw .system(error)
        }
    }

    func stop() {
        stopFlag.stop()
        thread.withLock { $0 }?.join()
    }

    private static func listen() throws(SystemError) -> (listener: Int32, port: Int32) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_NUMERICHOST
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo("127.0.0.1", "0", &hints, &list) == 0, let first = unsafe list else {
            throw SystemError(operation: "getaddrinfo", code: errno)
        }
        defer { unsafe freeaddrinfo(first) }
        let listener = unsafe assay_listen_tcp(first, 4_096)
        guard listener >= 0 else { throw SystemError(operation: "listen", code: -listener) }
        return (listener, assay_bound_port(listener))
    }

    /// The thread's own state.
    private struct Loop: ~Copyable {
        let listener: Int32
        let reply: CannedReply
        var events: EventSet
        var buffer = ReceiveBuffer()
        var connections: [Connection] = []
        var number: UInt64 = 0

        /// A class, so that a list holds it though its queue can't be copied.
        final class Connection {
            var descriptor: Int32
            var stream = ReplyStream()
            var output = SendQueue()
            var awaitsWritable = false
            init(descriptor: Int32) { self.descriptor = descriptor }
            deinit { if descriptor >= 0 { close(descriptor) } }
        }

        init(listener: Int32, reply: CannedReply) throws(SystemError) {
            let events = try EventSet()
            try events.watch(listener, token: 0, alsoWritable: false, isNew: true)
            self.events = events
            self.listener = listener
            self.reply = reply
        }

        deinit { close(listener) }

        mutating func run(until flag: StopFlag) {
            while !flag.isStopped {
                let count = events.wait(nanoseconds: LoadLimits.tickNanoseconds)
                for index in 0..<count {
                    let event = events[index]
                    if event.token == 0 { acceptAll() } else { serve(connections[event.token - 1], token: event.token) }
                }
            }
        }

        private mutating func acceptAll() {
            var peer: Int32 = 0
            while case let descriptor = unsafe assay_accept(listener, &peer), descriptor >= 0 {
                connections.append(Connection(descriptor: descriptor))
                try? events.watch(descriptor, token: connections.count, alsoWritable: false, isNew: true)
            }
        }

        private mutating func serve(_ connection: Connection, token: Int) {
            guard connection.descriptor >= 0 else { return }
            let kept = connection.stream.prepare(&buffer)
            // Safety: prepare left room behind the kept bytes; the socket fills no more than that.
            let got = unsafe assay_receive(
                connection.descriptor, buffer.bytes.baseAddress! + kept, buffer.bytes.count - kept)
            if got > 0 {
                let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer.bytes[0..<(kept + got)])
                var offset = 0
                while let payload = try? unsafe connection.stream.next(in: bytes, at: &offset) {
                    unsafe answer(payload, connection)
                }
                unsafe connection.stream.keep(bytes, from: offset)
            } else if got != -Int(EAGAIN) {
                return end(connection)
            }
            flush(connection, token)
        }

        /// The generator's scoring requests begin with an id of eight bytes; its Hello does not, and is not waited for.
        private mutating func answer(_ payload: UnsafeRawBufferPointer, _ connection: Connection) {
            // Safety: the size is checked first.
            guard payload.count > 9, unsafe payload[0] == 0x08, unsafe payload[7] & 0x80 != 0 else { return }
            let id = unsafe payload.loadUnaligned(fromByteOffset: 1, as: UInt64.self)
            reply.append(id: id, number: number, to: &connection.output)
            number += 1
        }

        private mutating func flush(_ connection: Connection, _ token: Int) {
            if connection.output.isEmpty { return }
            // Safety: the queue owns its pending bytes until they are consumed.
            let sent = unsafe assay_send(
                connection.descriptor, connection.output.pending.baseAddress!, connection.output.byteCount)
            if sent < 0, sent != -Int(EAGAIN) { return end(connection) }
            connection.output.consume(max(0, sent))
            let awaits = !connection.output.isEmpty
            guard awaits != connection.awaitsWritable else { return }
            connection.awaitsWritable = awaits
            try? events.watch(connection.descriptor, token: token, alsoWritable: awaits, isNew: false)
        }

        private func end(_ connection: Connection) {
            close(connection.descriptor)
            connection.descriptor = -1
        }
    }

    /// Hands the loop to its thread.
    private final class LoopBox: @unchecked Sendable {
        // Safety: made before the thread starts and used by that thread alone.
        private var loop: Loop
        init(_ loop: consuming Loop) { self.loop = loop }
        func run(until flag: StopFlag) { loop.run(until: flag) }
    }
}
