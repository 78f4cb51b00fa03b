/// When the bytes that a socket has for us arrived, as far as that can be told: nothing says it, but what was unread at a moment came before it,
/// and what is read behind that came after it.
struct Backlog {
    /// Nothing unread arrived before; 0: it is not known that anything is unread.
    private(set) var since: UInt64 = 0
    /// So many unread bytes may be as old as `since`; those behind them came after `later`.
    private var oldByteCount = 0
    private var later: UInt64 = 0

    /// The socket became readable: what it has arrived at `time` or after it.
    mutating func begin(_ time: UInt64) {
        if since == 0 { since = time }
    }

    /// The socket is empty.
    mutating func end() { self = Backlog() }

    /// What is unread waits because of the peer, which takes no answers: it begins anew.
    mutating func restart(_ time: UInt64) {
        end()
        begin(time)
    }

    /// `byteCount` bytes were read at `time`, and the socket may have more: `unread` tells how many.
    mutating func read(_ byteCount: Int, at time: UInt64, unread: () -> Int) {
        oldByteCount -= byteCount
        guard oldByteCount <= 0 else { return }
        if later != 0 { since = later }
        oldByteCount = unread()
        later = time
    }
}
