/// What an operator may set on an event loop. Times are nanoseconds; 0 switches a timeout off.
public struct LoopConfiguration: Sendable {
    /// Connections of this loop at once, 1 ... 16,777,216; more are accepted and closed at once. Slot numbers of
    /// `ConnectionID` stay below it. A slot takes 144 bytes, touched at its first use.
    public var connectionCountMax = 16_384
    /// Size of the receive buffer that all connections share, 4 KiB ... 16 MiB: the most that one read takes.
    public var receiveByteCount = 256 << 10
    /// How long the loop polls after a turn with events before it sleeps, while that pays (`BusyPoll`); takes its processor as long
    /// as callers come back within that time. 0: never.
    public var busyPollMicroseconds: UInt64 = 0
    /// Closes a connection on which nothing has been received or sent for so long.
    public var idleTimeoutNanoseconds: UInt64 = 300_000_000_000
    /// Closes a connection whose incomplete frame has been waiting for its rest for so long.
    public var partialFrameTimeoutNanoseconds: UInt64 = 10_000_000_000
    /// Closes a connection that has taken none of its pending output for so long.
    public var writeStallTimeoutNanoseconds: UInt64 = 10_000_000_000
    /// Pending output of one connection above which nothing more is read from it, until half of that is sent.
    public var pendingOutputByteCountMax = 1 << 20
    /// Pending output of one connection at which it is closed; only posted bytes and single huge answers get there.
    public var outputByteCountMax = 64 << 20
    /// The most that a service may ask for as `ReceiveResult.needed`; a connection that wants more is closed.
    public var inputByteCountMax = 64 << 20

    public init() {}

    /// The first value that is out of its range, if any.
    var problem: ReactorError? {
        func outside(_ name: String, _ value: Int, _ range: ClosedRange<Int>) -> ReactorError? {
            range.contains(value)
                ? nil : .configurationOutOfRange(name: name, value: value, min: range.lowerBound, max: range.upperBound)
        }
        return outside("connectionCountMax", connectionCountMax, 1...Limits.connectionCountMax)
            ?? outside("receiveByteCount", receiveByteCount, 4 << 10...16 << 20)
            ?? outside("pendingOutputByteCountMax", pendingOutputByteCountMax, 1...outputByteCountMax)
            ?? outside("outputByteCountMax", outputByteCountMax, 1...1 << 30)
            ?? outside("inputByteCountMax", inputByteCountMax, 1...1 << 30)
    }
}
