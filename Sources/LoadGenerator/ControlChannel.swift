import CLinux
import Glibc
import Platform
import Wire

/// A connection beside the measured ones, for what a run has to ask: one request at a time, each with a time limit.
final class ControlChannel {
    private let address: ResolvedAddress
    private let timeoutSeconds: Double
    private let connectTimeoutSeconds: Double
    /// -1: not connected; the next call connects.
    private var descriptor: Int32 = -1
    private var lastID: UInt64 = 0
    private var stream = ReplyStream()
    private var buffer = ReceiveBuffer(byteCount: 64 << 10)

    init(address: ResolvedAddress, timeoutSeconds: Double, connectTimeoutSeconds: Double) {
        self.address = address
        self.timeoutSeconds = timeoutSeconds
        self.connectTimeoutSeconds = connectTimeoutSeconds
    }

    deinit {
        disconnect()
    }

    /// The result of a request; an error reply is thrown.
    func call(_ body: RequestBody) throws(LoadError) -> ReplyBody {
        let reply = try exchangeFreshly(body)
        guard reply.status == .ok, let result = reply.body else {
            throw .refused(
                method: body.method.name, status: reply.status.name, reason: reply.error?.reason ?? "",
                text: reply.error?.text ?? "")
        }
        return result
    }

    /// A server closes connections that were idle for long: what fails on an old one is asked once more on a new one. All that is
    /// asked here only reads.
    private func exchangeFreshly(_ body: RequestBody) throws(LoadError) -> Reply {
        let isOld = descriptor >= 0
        do throws(LoadError) {
            return try exchange(body)
        } catch {
            // What may still arrive belongs to a request that nobody waits for any more.
            disconnect()
            if case .noAnswer = error { throw error }
            guard isOld else { throw error }
        }
        do throws(LoadError) {
            return try exchange(body)
        } catch {
            disconnect()
            throw error
        }
    }

    private func exchange(_ body: RequestBody) throws(LoadError) -> Reply {
        if descriptor < 0 {
            descriptor = try address.connected(timeoutSeconds: connectTimeoutSeconds).release()
        }
        let deadline = Clock.monotonicNanoseconds() + nanoseconds(timeoutSeconds)
        lastID += 1
        try send(Request(id: lastID, body: body).frame(), body.method, deadline)
        while true {
            let reply = try receive(body.method, deadline)
            if reply.id == lastID || reply.id == 0 { return reply }
        }
    }

    private func send(_ frame: [UInt8], _ method: Method, _ deadline: UInt64) throws(LoadError) {
        var offset = 0
        while offset < frame.count {
            // Safety: offset < count, so what is left lies inside the array.
            let sent = unsafe frame.withUnsafeBytes { unsafe assay_send(descriptor, $0.baseAddress! + offset, $0.count - offset) }
            if sent == -Int(EAGAIN) {
                try wait(POLLOUT, method, deadline)
            } else if sent < 0 {
                throw .system(SystemError(operation: "send", code: Int32(-sent)))
            } else {
                offset += sent
            }
        }
    }

    private func receive(_ method: Method, _ deadline: UInt64) throws(LoadError) -> Reply {
        while true {
            try wait(POLLIN, method, deadline)
            let kept = stream.prepare(&buffer)
            // Safety: prepare left room behind the kept bytes; the socket fills no more than that.
            let got = unsafe assay_receive(descriptor, buffer.bytes.baseAddress! + kept, buffer.bytes.count - kept)
            if got == -Int(EAGAIN) { continue }
            if got < 0 { throw .system(SystemError(operation: "recv", code: Int32(-got))) }
            if got == 0 { throw .badReply("the server closed the connection before it answered \(method.name)") }
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer.bytes[0..<(kept + got)])
            var offset = 0
            var reply: Reply?
            do throws(ReplyFault) {
                if let payload = try unsafe stream.next(in: bytes, at: &offset) {
                    reply = unsafe Reply.decode(payload)
                    if reply == nil { throw .malformed(offset: 0) }
                }
            } catch {
                throw .badReply("the answer to \(method.name) can't be read: \(error)")
            }
            unsafe stream.keep(bytes, from: offset)
            if let reply { return reply }
        }
    }

    private func wait(_ event: Int32, _ method: Method, _ deadline: UInt64) throws(LoadError) {
        var entry = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        while unsafe poll(&entry, 1, 20) <= 0 {
            guard Clock.monotonicNanoseconds() < deadline else {
                throw .noAnswer(method: method.name, seconds: timeoutSeconds)
            }
        }
    }

    private func disconnect() {
        if descriptor >= 0 { _ = close(descriptor) }
        descriptor = -1
        stream.reset()
    }
}
