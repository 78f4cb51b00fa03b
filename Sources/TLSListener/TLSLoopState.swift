import NIOCore
import Platform
import Reactor

/// Everything that only the loop's own thread touches.
final class TLSLoopState {
    let configuration: LoopConfiguration
    let counters: LoopCounters
    let service: any ConnectionService
    var slots: ConnectionSlots
    /// Where the service writes; empty between two calls of it.
    private var output: SendBuffer
    /// Replies on their way to TLS, which copies them: the memory is used again.
    private var replies = ByteBuffer()
    /// The time of the last beat: timeouts are counted in beats.
    private(set) var nowNanoseconds = Clock.monotonicNanoseconds()
    private(set) var drainDeadlineNanoseconds: UInt64?
    /// Told once, when the loop drains or stops and the last connection is gone.
    private var whenEmpty: (() -> Void)?

    init(index: UInt16, configuration: LoopConfiguration, counters: LoopCounters, service: any ConnectionService) {
        self.configuration = configuration
        self.counters = counters
        self.service = service
        slots = ConnectionSlots(loop: index, countMax: configuration.connectionCountMax)
        output = SendBuffer(flushByteCount: configuration.receiveByteCount)
    }

    var isDraining: Bool { drainDeadlineNanoseconds != nil }

    // MARK: Calls of the service

    /// Gives the service what has arrived; what it answers waits in `takeReplies`.
    func present(_ id: ConnectionID, _ input: ByteBuffer) -> ReceiveResult {
        // NIO doesn't tell how long it lay in the socket.
        let arrival = Clock.monotonicNanoseconds()
        let result = unsafe input.withUnsafeReadableBytes { unsafe service.received(id, $0, waitingSince: arrival, &output) }
        precondition(
            result.consumed >= 0 && result.consumed <= input.readableBytes,
            "the service consumed \(result.consumed) of \(input.readableBytes) bytes")
        return result
    }

    func present(_ id: ConnectionID, posted bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe service.posted(id, $0, &output) }
    }

    func resume(_ id: ConnectionID) { service.resumed(id, &output) }

    var repliesByteCount: Int { output.pendingByteCount }

    /// What the service has written.
    func takeReplies() -> ByteBuffer {
        if replies.capacity > Limits.keptByteCountMax { replies = ByteBuffer() }
        replies.clear()
        unsafe replies.writeBytes(output.bytes)
        output.clear()
        return replies
    }

    // MARK: Life

    func connectionEnded(_ id: ConnectionID) {
        slots.release(id)
        counters.add(.connectionsOpen, -1)
        endIfEmpty()
    }

    func beginDrain(deadlineNanoseconds: UInt64, whenEmpty: @escaping () -> Void) {
        drainDeadlineNanoseconds = min(deadlineNanoseconds, drainDeadlineNanoseconds ?? .max)
        self.whenEmpty = self.whenEmpty ?? whenEmpty
        endIfEmpty()
    }

    private func endIfEmpty() {
        guard slots.count == 0, let whenEmpty else { return }
        self.whenEmpty = nil
        whenEmpty()
    }

    /// The beat.
    func tick() {
        nowNanoseconds = Clock.monotonicNanoseconds()
        for connection in slots.takeExpired(now: nowNanoseconds) { connection.checkTime() }
        service.tick(nowNanoseconds: nowNanoseconds)
        guard let deadline = drainDeadlineNanoseconds else { return }
        let isOver = nowNanoseconds >= deadline
        for connection in slots.all { if isOver { connection.abort(.drainDeadline) } else { connection.endIfIdle() } }
    }

    func resume() {
        for id in service.connectionsToResume() { slots[id]?.resume() }
    }
}
