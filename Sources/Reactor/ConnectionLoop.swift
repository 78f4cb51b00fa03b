/// What a server asks of an event loop, whatever moves the bytes: epoll alone (`EventLoop`), or TLS before it.
///
/// Every method may be called from any thread.
public protocol ConnectionLoop: AnyObject, Sendable {
    var counters: LoopCounters { get }

    /// Hands `bytes` to the service's `posted` for that connection. False: the loop has ended or too much is waiting; the bytes are dropped.
    @discardableResult
    func post(_ id: ConnectionID, _ bytes: [UInt8]) -> Bool

    /// Has the loop ask its service which connections have something to say. False: the loop has ended.
    @discardableResult
    func resume() -> Bool

    /// Stops accepting, answers what has arrived, closes each connection that has nothing under way, and ends; at the latest when the
    /// monotonic clock shows `deadlineNanoseconds`.
    func drain(deadlineNanoseconds: UInt64)

    /// Closes everything and ends; pending output is lost.
    func stop()
}

extension EventLoop: ConnectionLoop {}
