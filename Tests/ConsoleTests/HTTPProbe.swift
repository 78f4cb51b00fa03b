import Foundation

/// A bare HTTP client over a socket: it sends what it is told, byte for byte, so that tests can also send what no client would.
enum HTTPProbe {
    struct Reply: Equatable {
        var status: Int
        /// Lower-case names.
        var headers: [String: String]
        var body: String
    }

    struct Failure: Error {
        var operation: String
        var code: Int32
    }

    /// GET with `Connection: close`, the whole reply.
    static func get(_ path: String, port: Int, method: String = "GET") async throws -> Reply {
        let raw = try await exchange("\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", port: port)
        return try parse(raw)
    }

    /// Sends `text` and returns everything until the server closes; "" when it closes without a word.
    static func exchange(_ text: String, port: Int) async throws -> String {
        // On a thread of its own: blocking one of Swift's few would starve the server under test.
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try exchangeBlocking(text, port: port) }) }
        }
    }

    private static func exchangeBlocking(_ text: String, port: Int) throws -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        // Only for a test that fails: on a busy machine others may hold the processors for long.
        var limit = timeval(tv_sec: 180, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failure(operation: "connect", code: errno) }
        let bytes = Array(text.utf8)
        guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Failure(operation: "send", code: errno)
        }
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count == 0 || (count < 0 && errno == ECONNRESET) { break }
            guard count > 0 else { throw Failure(operation: "recv", code: errno) }
            received += buffer[..<count]
        }
        return String(decoding: received, as: UTF8.self)
    }

    private static func parse(_ raw: String) throws -> Reply {
        let parts = raw.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let lines = parts[0].split(separator: "\r\n")
        guard parts.count == 2, let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw Failure(operation: "parse: \(raw)", code: 0)
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let field = line.split(separator: ":", maxSplits: 1)
            headers[field[0].lowercased()] = field.count == 2 ? field[1].trimmingCharacters(in: .whitespaces) : ""
        }
        return Reply(status: status, headers: headers, body: String(parts[1]))
    }
}
