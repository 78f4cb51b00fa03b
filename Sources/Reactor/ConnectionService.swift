import Platform

/// What is served on the connections of one event loop. One instance a loop; every method is called on the loop's thread
/// and must not block it.
public protocol ConnectionService: AnyObject {
    /// A connection came in. False refuses it: it is closed at once and never mentioned again.
    func accepted(_ id: ConnectionID, _ peer: PeerAddress) -> Bool

    /// Takes what has arrived and not been consumed yet, and appends the answers to `output`.
    ///
    /// One call may bring many frames; what all of them answer leaves in one write. A service stops early, and returns
    /// `needed` <= the bytes left, when `output.wantsFlush`: the call comes again once the output is on its way.
    /// - Parameters:
    ///   - bytes: valid during the call only.
    ///   - waitingSince: none of them arrived before, on the loop's clock; what they have waited for at most.
    func received(
        _ id: ConnectionID, _ bytes: UnsafeRawBufferPointer, waitingSince: UInt64, _ output: inout SendBuffer
    ) -> ReceiveResult

    /// Appends to `output` what somebody posted with `EventLoop.post`. By default, the very bytes.
    func posted(_ id: ConnectionID, _ bytes: UnsafeRawBufferPointer, _ output: inout SendBuffer)

    /// After `EventLoop.resume`: the connections that have something to say now. None by default.
    func connectionsToResume() -> [ConnectionID]

    /// Appends to `output` what a connection named by `connectionsToResume` has to say. It is not called for one that is gone or closing.
    func resumed(_ id: ConnectionID, _ output: inout SendBuffer)

    /// False while an answer is still to be posted: the connection outlives its peer's half-close, the idle timeout and, up
    /// to the deadline, a drain. True by default.
    func isIdle(_ id: ConnectionID) -> Bool

    /// The connection is gone; the last call for this id, once for every accepted one.
    func closed(_ id: ConnectionID, _ cause: CloseCause)

    /// Comes every 100 ms, later when a turn takes longer. Does nothing by default.
    func tick(nowNanoseconds: UInt64)
}

extension ConnectionService {
    public func posted(_ id: ConnectionID, _ bytes: UnsafeRawBufferPointer, _ output: inout SendBuffer) {
        unsafe output.append(bytes)
    }

    public func connectionsToResume() -> [ConnectionID] { [] }

    public func resumed(_ id: ConnectionID, _ output: inout SendBuffer) {}

    public func isIdle(_ id: ConnectionID) -> Bool { true }

    public func tick(nowNanoseconds: UInt64) {}
}

/// What a service made of the bytes it was given.
@frozen
public struct ReceiveResult: Sendable {
    /// Bytes taken from the front, 0 ... count; the others are presented again.
    public var consumed: Int
    /// Bytes, counted from the first one not consumed, that must be there before the next call is worth while. A value up
    /// to the bytes left means that the service could go on but wants its output flushed first.
    public var needed: Int
    /// Close the connection after everything in `output` is sent.
    public var close: Bool

    @inlinable
    public init(consumed: Int, needed: Int, close: Bool = false) {
        self.consumed = consumed
        self.needed = needed
        self.close = close
    }
}
