// The event loop with nothing behind it: frames echoed. Compared with `echo.c`, it shows what the loop itself costs.
//   reactor-echo PORT [BUSY_POLL_MICROSECONDS]

import Platform
import Reactor

/// Echoes whole frames: 1 flag byte, 4 bytes of big-endian length, so many bytes.
final class EchoService: ConnectionService {
    static let headerByteCount = 5

    func accepted(_ id: ConnectionID, _ peer: PeerAddress) -> Bool { true }

    func closed(_ id: ConnectionID, _ cause: CloseCause) {}

    func received(
        _ id: ConnectionID, _ bytes: UnsafeRawBufferPointer, waitingSince: UInt64, _ output: inout SendBuffer
    ) -> ReceiveResult {
        var offset = 0
        while bytes.count - offset >= Self.headerByteCount {
            let length = unsafe UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 1, as: UInt32.self))
            let frameByteCount = Self.headerByteCount + Int(length)
            guard bytes.count - offset >= frameByteCount else {
                return ReceiveResult(consumed: offset, needed: frameByteCount)
            }
            unsafe output.append(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + frameByteCount]))
            offset += frameByteCount
        }
        return ReceiveResult(consumed: offset, needed: Self.headerByteCount)
    }
}

let arguments = CommandLine.arguments
guard arguments.count > 1, let port = Int(arguments[1]) else {
    print("usage: reactor-echo PORT [BUSY_POLL_MICROSECONDS]")
    throw ReactorError.portOutOfRange(-1)
}
var configuration = LoopConfiguration()
if arguments.count > 2, let microseconds = UInt64(arguments[2]) { configuration.busyPollMicroseconds = microseconds }
let loop = try EventLoop(index: 0, configuration: configuration, service: EchoService())
loop.listen(on: try Listener.tcp(host: "127.0.0.1", port: port))
loop.run()
