/// The maxima of an event loop that nobody configures, each with its reason.
enum Limits {
    /// Events taken from epoll at once: enough to pay for the system call, few enough that a turn stays short.
    static let eventCountMax = 256
    /// Bytes read from a connection in a turn, unless it is in the middle of a longer frame: some 200 requests, which pay for the system call.
    static let readByteCount = 32 << 10
    /// A wait for events that takes longer has slept: nothing was there when it began.
    static let sleepNanosecondsMin: UInt64 = 50_000
    /// Connections accepted from one listener in a turn: a storm of connects must not starve the connected.
    static let acceptCountPerTurnMax = 32
    /// The beat of timeouts and of `ConnectionService.tick`; timeouts fire up to one beat late.
    static let tickNanoseconds: UInt64 = 100_000_000
    /// Waits without a spin between two tries of a loop that found polling not worth while: a try of 50 us then costs 0.2 us a wait.
    static let sleepCountPerTry = 256
    /// How long a listener rests when the process has no descriptor or memory left for its connections.
    static let acceptPauseNanoseconds: UInt64 = 100_000_000
    /// How long a connection that we have finished waits for the peer to close, so that a reset does not overtake the
    /// last bytes sent (closing a socket with unread input resets it).
    static let lingerNanoseconds: UInt64 = 1_000_000_000
    /// Input thrown away while lingering; who sends more meets the reset.
    static let lingerByteCountMax = 16 << 20
    /// Letters waiting in a loop's mailbox: every connection of a full table may have several answers under way.
    static let letterCountMax = 1 << 17
    /// Bytes waiting in a loop's mailbox.
    static let letterByteCountMax = 256 << 20
    /// Blocks that hold a connection's rest of input or output come in powers of two from 1 KiB to 64 KiB; larger ones
    /// are not pooled.
    static let pooledBlockByteCountMin = 1 << 10
    static let pooledBlockByteCountMax = 1 << 16
    /// Spare blocks kept of each size: at most 64 x 127 KiB = 8 MiB a loop.
    static let spareBlockCountMax = 64
    /// Far above what descriptors allow; bounds the tables' address space to 2 GiB.
    static let connectionCountMax = 1 << 24
}
