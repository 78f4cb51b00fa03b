import NIOCore
import NIOSSL
import NIOTLS
import Reactor

/// One connection behind TLS: hands decrypted bytes to the service, and its replies to TLS. The last handler of the channel's pipeline.
///
/// As a plain connection it is not read from while its peer doesn't take what is pending, and it is ended when that, a handshake, the
/// rest of a frame or anything at all is waited for too long.
final class TLSConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase: Equatable {
        case handshaking, open
        /// The last reply is on its way, nothing is read any more.
        case closing
        /// TLS says farewell, and waits a while for the peer's.
        case leaving
        case closed
    }

    private let id: ConnectionID
    private let state: TLSLoopState
    private let traffic: WireTraffic
    private var context: ChannelHandlerContext?
    private var phase = Phase.handshaking
    /// Why it ends, as soon as that is known.
    private var cause: CloseCause?
    /// Bytes received and not consumed, and how many of them make the next call of the service worth while.
    private var input = ByteBuffer()
    private var needed = 0
    /// The last reply is written.
    private var hasFinished = false
    /// The channel has asked to be read from while it was not to be.
    private var hasHeldRead = false
    private var activeNanoseconds: UInt64
    /// Since when `input` waits for the rest of a frame; 0: it does not.
    private var partialSinceNanoseconds: UInt64 = 0
    /// What the peer had taken at the last beat with pending output, and since when that has been so.
    private var takenByteCount = -1
    private var stalledSinceNanoseconds: UInt64 = 0

    init(id: ConnectionID, state: TLSLoopState, traffic: WireTraffic) {
        self.id = id
        self.state = state
        self.traffic = traffic
        activeNanoseconds = state.nowNanoseconds
        lookAgain(at: activeNanoseconds + state.configuration.partialFrameTimeoutNanoseconds)
    }

    private var holdsWholeFrame: Bool { input.readableBytes > 0 && input.readableBytes >= needed }

    private var isPaused: Bool {
        switch phase {
        case .handshaking, .leaving, .closed: false
        case .open: holdsWholeFrame || context?.channel.isWritable == false
        case .closing: true
        }
    }

    // MARK: What the channel says

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent, phase == .handshaking else { return }
        phase = .open
        let timeout = state.configuration.idleTimeoutNanoseconds
        if timeout > 0 { lookAgain(at: activeNanoseconds + timeout) }
        endIfIdle()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase == .open else { return }
        var bytes = unwrapInboundIn(data)
        activeNanoseconds = state.nowNanoseconds
        if input.readableBytes == 0 { input = bytes } else { input.writeBuffer(&bytes) }
    }

    func channelReadComplete(context: ChannelHandlerContext) { deliver(context) }

    /// What autoRead asks for, once the last bytes are dealt with.
    func read(context: ChannelHandlerContext) {
        guard isPaused else { return context.read() }
        if !hasHeldRead { state.counters.add(.readPauses) }
        hasHeldRead = true
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        deliver(context)
        guard hasHeldRead, !isPaused else { return }
        hasHeldRead = false
        // The peer could not have sent the rest of its frame.
        if partialSinceNanoseconds != 0 { partialSinceNanoseconds = state.nowNanoseconds }
        context.read()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if phase == .handshaking {
            // Who only looks whether the port is open has failed at nothing.
            note(traffic.receivedByteCount == 0 ? .peerFinished : .handshakeFailed)
        } else if let failure = error as? NIOSSLError, failure == .uncleanShutdown {
            // Without TLS's farewell, as many a client does; a frame that was cut off shows itself.
            note(.peerFinished)
        } else {
            note(.reset)
        }
        traffic.abort()
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard phase != .closed else { return }
        note(phase == .handshaking ? .handshakeFailed : .peerFinished)
        phase = .closed
        let cause = cause ?? .reset
        state.counters.add(closed: cause)
        state.service.closed(id, cause)
        state.connectionEnded(id)
        context.fireChannelInactive()
    }

    // MARK: Requests and replies

    /// Presents what has arrived, as long as the peer takes the replies.
    private func deliver(_ context: ChannelHandlerContext) {
        var consumed = 0
        while phase == .open, holdsWholeFrame, context.channel.isWritable {
            let result = state.present(id, input)
            input.moveReaderIndex(forwardBy: result.consumed)
            consumed += result.consumed
            // A service that did nothing and could do more would be called for ever.
            let isStuck = result.consumed == 0 && state.repliesByteCount == 0
            needed = isStuck ? max(result.needed, input.readableBytes + 1) : result.needed
            if result.close {
                beginClosing(.service)
            } else if needed > state.configuration.inputByteCountMax {
                beginClosing(.inputOverflow)
            }
            send(context)
        }
        keepRest(consumed: consumed)
        finishIfDone(context)
    }

    /// Starts the clock for the rest of an incomplete frame; holds no memory for nothing.
    private func keepRest(consumed: Int) {
        if phase != .open { input = ByteBuffer() }
        if input.readableBytes == 0 {
            input = ByteBuffer()
            needed = 0
            partialSinceNanoseconds = 0
        } else if holdsWholeFrame {
            partialSinceNanoseconds = 0
        } else if partialSinceNanoseconds == 0 || consumed > 0 {
            if consumed > 0 { input.discardReadBytes() }
            partialSinceNanoseconds = state.nowNanoseconds
            lookAgain(at: partialSinceNanoseconds + state.configuration.partialFrameTimeoutNanoseconds)
        }
    }

    private func send(_ context: ChannelHandlerContext) {
        guard state.repliesByteCount > 0 else { return }
        activeNanoseconds = state.nowNanoseconds
        context.writeAndFlush(wrapOutboundOut(state.takeReplies()), promise: nil)
        guard phase != .closed, !context.channel.isWritable else { return }
        watchStall()
        if traffic.pendingByteCount > state.configuration.outputByteCountMax { abort(.outputOverflow) }
    }

    /// An answer from another thread.
    func post(_ bytes: [UInt8]) {
        guard phase == .open, let context else { return state.counters.add(.lettersStale) }
        state.present(id, posted: bytes)
        send(context)
        endIfIdle()
    }

    /// What waited for the disk waits no longer.
    func resume() {
        guard phase == .open, let context else { return }
        state.resume(id)
        send(context)
        endIfIdle()
    }

    // MARK: The end

    /// While the loop drains: ends a connection that has nothing under way.
    func endIfIdle() {
        guard state.isDraining else { return }
        switch phase {
        case .handshaking: abort(.drained)
        case .open:
            guard input.readableBytes == 0, state.service.isIdle(id), let context else { return }
            beginClosing(.drained)
            finishIfDone(context)
        case .closing, .leaving, .closed: break
        }
    }

    /// At once; bytes not sent are lost.
    func abort(_ cause: CloseCause) {
        note(cause)
        traffic.abort()
    }

    private func note(_ cause: CloseCause) { self.cause = self.cause ?? cause }

    private func beginClosing(_ cause: CloseCause) {
        guard phase == .open else { return }
        note(cause)
        phase = .closing
    }

    /// TLS's farewell goes behind the last reply, when that is on its way.
    private func finishIfDone(_ context: ChannelHandlerContext) {
        guard phase == .closing, !hasFinished else { return }
        hasFinished = true
        watchStall()
        let promise = context.eventLoop.makePromise(of: Void.self)
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { _ in handler.value.leave() }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: promise)
    }

    private func leave() {
        guard phase == .closing, let context else { return }
        phase = .leaving
        // The peer's farewell must be read, whatever comes before it.
        if hasHeldRead { context.read() }
        context.close(promise: nil)
    }

    // MARK: Time

    private func lookAgain(at nanoseconds: UInt64) { state.slots.lookAt(id, noLaterThan: nanoseconds) }

    /// Looks at every beat whether the peer takes what is pending.
    private func watchStall() {
        if takenByteCount < 0 {
            takenByteCount = traffic.writtenByteCount - traffic.pendingByteCount
            stalledSinceNanoseconds = state.nowNanoseconds
        }
        lookAgain(at: state.nowNanoseconds + Limits.tickNanoseconds)
    }

    /// A deadline has come: ends the connection if it is the true one, else sets the next.
    func checkTime() {
        let (now, configuration) = (state.nowNanoseconds, state.configuration)
        let partialTimeout = configuration.partialFrameTimeoutNanoseconds
        if phase == .handshaking {
            if now &- activeNanoseconds >= partialTimeout { return abort(.handshakeTimeout) }
            return lookAgain(at: activeNanoseconds + partialTimeout)
        }
        if checkStall(now) { return abort(.writeStallTimeout) }
        if partialSinceNanoseconds != 0, !isPaused {
            if now &- partialSinceNanoseconds >= partialTimeout { return abort(.partialFrameTimeout) }
            lookAgain(at: partialSinceNanoseconds + partialTimeout)
        }
        let timeout = configuration.idleTimeoutNanoseconds
        guard timeout > 0 else { return }
        if now &- activeNanoseconds >= timeout {
            if state.service.isIdle(id) { return abort(.idleTimeout) }
            activeNanoseconds = now
        }
        lookAgain(at: activeNanoseconds + timeout)
    }

    /// The peer has taken none of what is pending for too long.
    private func checkStall(_ now: UInt64) -> Bool {
        let pending = traffic.pendingByteCount
        guard pending > 0 else {
            takenByteCount = -1
            return false
        }
        let taken = traffic.writtenByteCount - pending
        if taken != takenByteCount {
            takenByteCount = taken
            stalledSinceNanoseconds = now
            activeNanoseconds = now
        }
        lookAgain(at: now + Limits.tickNanoseconds)
        let timeout = state.configuration.writeStallTimeoutNanoseconds
        return timeout > 0 && now &- stalledSinceNanoseconds >= timeout
    }
}
