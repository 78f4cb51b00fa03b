import CLinux
import Glibc
import Platform

@testable import Reactor

/// A blocking client socket; its calls give up after five seconds.
final class Client: @unchecked Sendable {
    private(set) var descriptor: Int32

    init(descriptor: Int32) {
        self.descriptor = descriptor
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Connects to 127.0.0.1; nil when nobody takes the connect.
    static func connect(port: Int, receiveBufferByteCount: Int? = nil) -> Client? {
        let client = Client(descriptor: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        if var size = receiveBufferByteCount.map(Int32.init) {
            setsockopt(client.descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(client.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return code == 0 ? client : nil
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Closes with a reset instead of a FIN.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Sends all of it; false when the connection is broken.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + offset, bytes.count - offset, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            offset += count
        }
        return true
    }

    /// Sends as much as the socket takes now.
    func sendWithoutWaiting(_ bytes: ArraySlice<UInt8>) -> Int {
        max(0, bytes.withUnsafeBytes { assay_send(descriptor, $0.baseAddress, $0.count) })
    }

    /// What has arrived, up to `countMax` bytes; nil: nothing yet; empty: the server has finished.
    func receiveWithoutWaiting(_ countMax: Int = 1 << 16) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: countMax)
        let count = bytes.withUnsafeMutableBytes { assay_receive(descriptor, $0.baseAddress, $0.count) }
        return count >= 0 ? Array(bytes[..<count]) : nil
    }

    /// Exactly so many bytes, fewer when the connection ends before.
    func receive(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var offset = 0
        while offset < count {
            let got = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress! + offset, count - offset, 0) }
            guard got > 0 else { break }
            offset += got
        }
        return Array(bytes[..<offset])
    }

    /// Whether the next read finds the orderly end of the connection.
    var isAtEnd: Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, 0) == 0
    }
}

/// A frame of the wire: flag byte, length, payload.
func frame(_ payload: [UInt8]) -> [UInt8] {
    [0] + withUnsafeBytes(of: UInt32(payload.count).bigEndian) { Array($0) } + payload
}

func frame(byteCount: Int, seed: UInt64 = 1) -> [UInt8] {
    var random = SeededGenerator(seed: seed)
    return frame((0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &random) })
}

struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    // splitmix64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
