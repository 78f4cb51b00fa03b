import Glibc
import Platform
import Wire

/// Asks a server one thing, and waits for the answer: what a command line needs, with no event loop started for it.
///
/// Programs that ask more than once use the AssayClient module.
enum ServerCall {
    /// Where a server listens: `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`.
    enum Address: Equatable, CustomStringConvertible {
        case tcp(HostPort)
        case unix(String)

        init?(_ text: String) {
            if text.hasPrefix("unix:") {
                let path = String(text.dropFirst(5))
                guard !path.isEmpty, path.utf8.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else { return nil }
                self = .unix(path)
            } else {
                guard let address = HostPort(text), address.port > 0 else { return nil }
                self = .tcp(address)
            }
        }

        var description: String {
            switch self {
            case .tcp(let address): address.description
            case .unix(let path): "unix:\(path)"
            }
        }
    }

    /// Largest answer taken: the largest frame a server may be configured with.
    static let replyByteCountMax = 64 << 20

    /// The server's reply to `body`; a reply with an error status is a `refused` failure with its reason and text.
    static func send(_ body: RequestBody, to address: Address, timeoutMilliseconds: Int) throws(CommandFailure) -> ReplyBody {
        let reply: Reply
        do {
            let descriptor = try connect(address, timeoutMilliseconds)
            let frame = Request(id: 1, body: body).frame()
            try File.write(descriptor, frame)
            reply = try receive(descriptor)
        } catch let error as CommandFailure {
            throw error
        } catch let error as SystemError where [EAGAIN, EINPROGRESS, ETIMEDOUT].contains(error.code) {
            throw CommandFailure(.unavailable, "\(address) did not answer within \(timeoutMilliseconds) ms")
        } catch let error as SystemError {
            // Safety: strerror's text is copied at once.
            let text = unsafe String(cString: strerror(error.code))
            throw CommandFailure(.unavailable, "\(address) cannot be asked: \(error.operation): \(text)")
        } catch {
            throw CommandFailure(.unavailable, "\(address) answered what is no reply: \(error)")
        }
        guard reply.status == .ok, let body = reply.body else {
            let detail = reply.error.map { "\($0.reason): \($0.text)" } ?? "no more was said"
            throw CommandFailure(.refused, "\(address) answered \(reply.status.name): \(detail)")
        }
        return body
    }

    private static func receive(_ descriptor: borrowing FileDescriptor) throws -> Reply {
        var bytes: [UInt8] = []
        var wanted = Frame.headerByteCount
        while true {
            if bytes.count >= wanted {
                // Safety: the view is used inside the closure only.
                let prefix = try unsafe bytes.withUnsafeBytes { try unsafe Frame.prefix(of: $0, byteCountMax: replyByteCountMax) }
                switch prefix {
                case .incomplete(let byteCount): wanted = byteCount
                case .frame:
                    return try unsafe bytes.withUnsafeBytes {
                        try unsafe Reply.decode(frame: $0, byteCountMax: replyByteCountMax)
                    }
                }
            }
            guard bytes.count < wanted else { continue }
            let part = try read(descriptor, byteCountMax: min(wanted - bytes.count, 1 << 20))
            guard !part.isEmpty else { throw CommandFailure(.unavailable, "the server closed the connection without an answer") }
            bytes += part
        }
    }

    private static func read(_ descriptor: borrowing FileDescriptor, byteCountMax: Int) throws(SystemError) -> [UInt8] {
        let socket = descriptor.rawValue
        var code: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: byteCountMax) { buffer, count in
            // Safety: recv writes at most `byteCountMax` bytes, the buffer's capacity.
            let received = unsafe recv(socket, buffer.baseAddress, byteCountMax, 0)
            if received < 0 { code = errno }
            count = max(0, received)
        }
        guard code == 0 else { throw SystemError(operation: "receive", code: code) }
        return bytes
    }

    // MARK: Connecting

    private static func connect(_ address: Address, _ timeoutMilliseconds: Int) throws -> FileDescriptor {
        switch address {
        case .unix(let path): return try connectUnix(path, timeoutMilliseconds)
        case .tcp(let place): return try connectTCP(place, timeoutMilliseconds)
        }
    }

    private static func connectUnix(_ path: String, _ timeoutMilliseconds: Int) throws -> FileDescriptor {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        // Safety: `Address` holds paths that fit with their terminator; connect reads exactly the struct.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let descriptor = try open(AF_UNIX, timeoutMilliseconds)
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                unsafe Glibc.connect(descriptor.rawValue, raw, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0 else { throw SystemError(operation: "connect", code: errno) }
        return descriptor
    }

    /// Every address of the name in the resolver's order, until one answers.
    private static func connectTCP(_ place: HostPort, _ timeoutMilliseconds: Int) throws -> FileDescriptor {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(place.host, String(place.port), &hints, &list)
        guard code == 0, let first = unsafe list else {
            throw CommandFailure(.unavailable, "\(place.host) does not resolve to an address")
        }
        // Safety: the list is getaddrinfo's, used and freed in this function alone.
        defer { unsafe freeaddrinfo(first) }
        var failure = SystemError(operation: "connect", code: ECONNREFUSED)
        var next: UnsafeMutablePointer<addrinfo>? = unsafe first
        while let candidate = unsafe next {
            let descriptor = try unsafe open(candidate.pointee.ai_family, timeoutMilliseconds)
            if unsafe Glibc.connect(descriptor.rawValue, candidate.pointee.ai_addr, candidate.pointee.ai_addrlen) == 0 {
                return descriptor
            }
            failure = SystemError(operation: "connect", code: errno)
            unsafe next = candidate.pointee.ai_next
        }
        throw failure
    }

    /// A socket whose connecting, sending and receiving each end after the timeout.
    private static func open(_ family: Int32, _ timeoutMilliseconds: Int) throws(SystemError) -> FileDescriptor {
        let number = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw SystemError(operation: "socket", code: errno) }
        let descriptor = FileDescriptor(owning: number)
        var limit = timeval(tv_sec: timeoutMilliseconds / 1000, tv_usec: timeoutMilliseconds % 1000 * 1000)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            // Safety: setsockopt reads exactly the struct.
            unsafe setsockopt(number, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        return descriptor
    }
}
