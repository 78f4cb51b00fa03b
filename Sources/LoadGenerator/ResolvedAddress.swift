import CLinux
import Glibc
import Platform

/// An address that needs no further look-up: each connection of a run starts from it.
struct ResolvedAddress: Sendable {
    let address: ServerAddress
    /// The bytes of a `sockaddr`; empty for a Unix socket.
    private let bytes: [UInt8]
    private let family: Int32

    private init(address: ServerAddress, family: Int32, bytes: [UInt8]) {
        self.address = address
        self.family = family
        self.bytes = bytes
    }

    /// All addresses of a name, in the resolver's order of preference (`localhost` may be ::1 and 127.0.0.1).
    static func resolve(_ address: ServerAddress) throws(LoadError) -> [ResolvedAddress] {
        guard case .tcp(let host, let port) = address else {
            return [ResolvedAddress(address: address, family: AF_UNIX, bytes: [])]
        }
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard code == 0, let first = unsafe list else {
            throw unsafe .cannotResolve(host: host, text: String(cString: gai_strerror(code)))
        }
        defer { unsafe freeaddrinfo(first) }
        var resolved: [ResolvedAddress] = []
        var next: UnsafeMutablePointer<addrinfo>? = unsafe first
        while let entry = unsafe next {
            // Safety: getaddrinfo states the size of each address it allocated; it is copied before the list is freed.
            let bytes = unsafe [UInt8](
                UnsafeRawBufferPointer(start: entry.pointee.ai_addr, count: Int(entry.pointee.ai_addrlen)))
            unsafe resolved.append(ResolvedAddress(address: address, family: entry.pointee.ai_family, bytes: bytes))
            unsafe next = entry.pointee.ai_next
        }
        return resolved
    }

    /// Starts a non-blocking connection. Whether it succeeds shows when the descriptor becomes writable (``pendingError``).
    func start() throws(SystemError) -> FileDescriptor {
        if case .unix(let path) = address {
            let descriptor = unsafe assay_connect_unix(path)
            guard descriptor >= 0 else { throw SystemError(operation: "connect", code: -descriptor) }
            return FileDescriptor(owning: descriptor)
        }
        let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let raw = socket(family, flags, 0)
        guard raw >= 0 else { throw SystemError(operation: "socket", code: errno) }
        let descriptor = FileDescriptor(owning: raw)
        var on: Int32 = 1
        unsafe setsockopt(raw, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        let code = unsafe bytes.withUnsafeBytes { buffer in
            // Safety: the bytes are a sockaddr as getaddrinfo made it; connect copies them.
            unsafe connect(raw, buffer.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(buffer.count))
        }
        guard code == 0 || errno == EINPROGRESS else { throw SystemError(operation: "connect", code: errno) }
        return descriptor
    }

    /// Connects and waits for it, at most `timeoutSeconds`.
    func connected(timeoutSeconds: Double) throws(LoadError) -> FileDescriptor {
        let deadline = Clock.monotonicNanoseconds() + UInt64(timeoutSeconds * 1e9)
        do throws(SystemError) {
            let descriptor = try startPatiently(deadline)
            var entry = pollfd(fd: descriptor.rawValue, events: Int16(POLLOUT), revents: 0)
            while unsafe poll(&entry, 1, 20) <= 0 {
                guard Clock.monotonicNanoseconds() < deadline else { throw SystemError(operation: "connect", code: ETIMEDOUT) }
            }
            let code = Self.pendingError(descriptor.rawValue)
            guard code == 0 else { throw SystemError(operation: "connect", code: code) }
            return descriptor
        } catch {
            throw .cannotConnect(address: address.description, text: error.description)
        }
    }

    /// A Unix socket whose queue of waiting connections is full says EAGAIN: more have to be accepted first.
    private func startPatiently(_ deadline: UInt64) throws(SystemError) -> FileDescriptor {
        while true {
            do throws(SystemError) {
                return try start()
            } catch {
                guard error.code == EAGAIN, Clock.monotonicNanoseconds() < deadline else { throw error }
                usleep(1_000)
            }
        }
    }

    /// How a started connection ended: 0, or an errno.
    static func pendingError(_ descriptor: Int32) -> Int32 {
        var code: Int32 = 0
        var byteCount = socklen_t(MemoryLayout<Int32>.size)
        let result = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &byteCount)
        return result == 0 ? code : errno
    }
}
