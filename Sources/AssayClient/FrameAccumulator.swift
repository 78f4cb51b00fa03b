import NIOCore
import Wire

/// Cuts a connection's bytes into frames, wherever reads happen to split them. A pure value.
struct FrameAccumulator {
    private var bytes = ByteBuffer()
    private let byteCountMax: Int

    init(byteCountMax: Int = ClientLimits.replyByteCountMax) {
        self.byteCountMax = byteCountMax
    }

    mutating func append(_ more: inout ByteBuffer) {
        if bytes.readableBytes == 0 {
            // The usual case: nothing was left over, so nothing is copied.
            bytes = more
        } else {
            bytes.discardReadBytes()
            bytes.writeBuffer(&more)
        }
    }

    /// The next whole reply; nil when more bytes are needed.
    mutating func next() throws(FrameError) -> Reply? {
        let byteCountMax = self.byteCountMax
        let result: Result<(reply: Reply, byteCount: Int)?, FrameError> = unsafe bytes.withUnsafeReadableBytes { readable in
            Result { () throws(FrameError) in
                guard case .frame(let byteCount, _) = try unsafe Frame.prefix(of: readable, byteCountMax: byteCountMax) else {
                    return nil
                }
                // Safety: prefix says .frame only when all of it is there; decode copies what it keeps.
                let frame = unsafe UnsafeRawBufferPointer(rebasing: readable[..<(Frame.headerByteCount + byteCount)])
                return (try unsafe Reply.decode(frame: frame, byteCountMax: byteCountMax), frame.count)
            }
        }
        guard let next = try result.get() else { return nil }
        bytes.moveReaderIndex(forwardBy: next.byteCount)
        return next.reply
    }
}
