import NIOCore
import Platform
import Synchronization
import Wire

/// A call from outside the event loop: its answer, and whether its task was cancelled before it began.
final class CallTicket: Sendable {
    private let continuation: Mutex<CheckedContinuation<Result<Reply, AssayError>, Never>?>
    private let timer = Mutex<Scheduled<Void>?>(nil)

    init(_ continuation: CheckedContinuation<Result<Reply, AssayError>, Never>) {
        self.continuation = Mutex(continuation)
    }

    func setTimer(_ scheduled: Scheduled<Void>) { timer.withLock { $0 = scheduled } }

    /// Answers the caller, once; later answers are dropped.
    func finish(_ result: Result<Reply, AssayError>) {
        timer.withLock { timer in
            timer?.cancel()
            timer = nil
        }
        let waiting = continuation.withLock { continuation -> CheckedContinuation<Result<Reply, AssayError>, Never>? in
            defer { continuation = nil }
            return continuation
        }
        waiting?.resume(returning: result)
    }
}

/// Whether a connection still takes calls; known outside its event loop as soon as its last callers are.
final class ConnectionLife: Sendable {
    private let hasEnded = Atomic<Bool>(false)

    /// Release and acquire: who was told of the end by a failed call sees it here.
    func end() { hasEnded.store(true, ordering: .releasing) }
    var isOver: Bool { hasEnded.load(ordering: .acquiring) }
}

/// Drives a `Conversation` on a channel's event loop: bytes become replies, calls become bytes.
///
/// Frames are cut by hand instead of by NIO's `ByteToMessageDecoder`, which costs twice the time a frame; one flush a turn of the
/// loop writes everything that was asked meanwhile.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var conversation = Conversation<CallTicket>(inFlightMax: ClientLimits.inFlightDefault)
    private var accumulator = FrameAccumulator()
    private var context: ChannelHandlerContext?
    private var hasScheduledFlush = false
    /// Why no call can be made any more.
    private var failure: AssayError?
    private let life: ConnectionLife

    init(life: ConnectionLife) {
        self.life = life
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(.connectionLost(cause: "the channel was removed"))
        self.context = nil
    }

    func setInFlightMax(_ count: Int) {
        conversation.setInFlightMax(count)
        sendWaiting()
    }

    /// Sends a request, or keeps it until there is room.
    func begin(id: UInt64, frame: [UInt8], ticket: CallTicket) {
        if let failure { return ticket.finish(.failure(failure)) }
        switch conversation.begin(.init(id: id, frame: frame, ticket: ticket)) {
        case .send: write(frame)
        case .wait: break
        case .refuse(let error): ticket.finish(.failure(error))
        }
    }

    /// Gives a request up, unless its reply has come.
    func abandon(id: UInt64, _ error: AssayError) {
        let ticket = conversation.abandon(id: id)
        // First the end, then the answer: the caller's next call must not find this connection again.
        if conversation.isStuck { end(.connectionLost(cause: "the server answers no longer")) }
        ticket?.finish(.failure(error))
    }

    /// Fails everything and closes.
    func end(_ error: AssayError) {
        failure = failure ?? error
        // Before anybody is told: who is told and calls again finds another connection.
        life.end()
        for ticket in conversation.abandonAll() { ticket.finish(.failure(error)) }
        context?.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        accumulator.append(&bytes)
        do throws(FrameError) {
            while failure == nil, let reply = try accumulator.next() { take(reply) }
        } catch {
            end(.badReply(cause: error.description))
        }
        sendWaiting()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(.connectionLost(cause: "the server closed it"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(.connectionLost(cause: "\(error)"))
    }

    private func take(_ reply: Reply) {
        switch conversation.arrived(id: reply.id) {
        case .deliver(let ticket): ticket.finish(.success(reply))
        case .drop: break
        case .unexpected where reply.status != .ok:
            // Id 0: the server could not read a frame, and closes the connection.
            end(.refused(status: reply.status, reply.error ?? ReplyError(reason: "", text: "")))
        case .unexpected: end(.badReply(cause: "a reply to nothing that was asked"))
        }
    }

    private func sendWaiting() {
        while failure == nil, let frame = conversation.nextToSend() { write(frame) }
    }

    private func write(_ frame: [UInt8]) {
        guard let context else { return }
        context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: frame)), promise: nil)
        guard !hasScheduledFlush else { return }
        hasScheduledFlush = true
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            handler.value.hasScheduledFlush = false
            handler.value.context?.flush()
        }
    }
}
