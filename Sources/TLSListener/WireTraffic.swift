import NIOCore
import Reactor

/// Counts the bytes of one connection as they are on the wire, encrypted. Stands between the socket and TLS.
final class WireTraffic: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private(set) var receivedByteCount = 0
    /// Handed to the socket; it may not have taken all of them yet.
    private(set) var writtenByteCount = 0
    private let counters: LoopCounters
    private var context: ChannelHandlerContext?

    init(counters: LoopCounters) {
        self.counters = counters
    }

    /// Bytes that the peer has not taken yet.
    var pendingByteCount: Int {
        guard let context, let options = context.channel.syncOptions else { return 0 }
        return (try? options.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// Closes the connection at once, without TLS's farewell; bytes not sent are lost.
    func abort() { context?.close(promise: nil) }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let byteCount = unwrapInboundIn(data).readableBytes
        receivedByteCount += byteCount
        counters.add(.reads)
        counters.add(.bytesReceived, byteCount)
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let byteCount = unwrapOutboundIn(data).readableBytes
        writtenByteCount += byteCount
        counters.add(.writes)
        counters.add(.bytesSent, byteCount)
        context.write(data, promise: promise)
    }
}
