import CLinux
import Glibc
import Platform

extension Listener {
    /// Listens on a TCP port.
    /// - Parameters:
    ///   - host: a name, an IPv4 or IPv6 address (also in brackets), or `*` for every address. A name that has both kinds of
    ///     address is taken at its first IPv4 one.
    ///   - port: 0 ... 65535; 0 lets the kernel choose, see `port`.
    ///   - backlog: connects that may wait to be accepted; the kernel caps it at net.core.somaxconn.
    public static func tcp(host: String, port: Int, backlog: Int = 4_096) throws(ReactorError) -> Listener {
        guard (0...65_535).contains(port) else { throw .portOutOfRange(port) }
        var name = host
        if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
        if name != "*" { return try listen(host: name, port: port, backlog: backlog) }
        do { return try listen(host: "::", port: port, backlog: backlog) } catch {
            // A kernel without IPv6.
            guard case .system(let failure) = error, failure.code == EAFNOSUPPORT || failure.code == EADDRNOTAVAIL else {
                throw error
            }
            return try listen(host: "0.0.0.0", port: port, backlog: backlog)
        }
    }

    private static func listen(host: String, port: Int, backlog: Int) throws(ReactorError) -> Listener {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        // Safety: the list is freed below, after its last use.
        var list: UnsafeMutablePointer<addrinfo>? = nil
        let code = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard code == 0, let first = unsafe list else { throw .hostUnknown(code: code) }
        defer { unsafe freeaddrinfo(first) }
        var chosen = unsafe first
        var next: UnsafeMutablePointer<addrinfo>? = unsafe first
        while let address = unsafe next {
            if unsafe address.pointee.ai_family == AF_INET {
                unsafe chosen = address
                break
            }
            unsafe next = address.pointee.ai_next
        }
        let descriptor = unsafe assay_listen_tcp(chosen, Int32(clamping: backlog))
        guard descriptor >= 0 else { throw .negative(descriptor, "listen", path: "\(host) port \(port)") }
        return Listener(descriptor: descriptor, port: Int(assay_bound_port(descriptor)), unixFile: nil)
    }
}
