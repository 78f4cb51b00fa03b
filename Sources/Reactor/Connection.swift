/// What a loop knows of one connection.
struct Connection: ~Copyable {
    struct Flags: OptionSet {
        let rawValue: UInt8
        /// Close when the pending output is sent.
        static let closing = Flags(rawValue: 1)
        /// The peer has sent its last byte.
        static let peerFinished = Flags(rawValue: 2)
        /// Not read from until its output has drained.
        static let paused = Flags(rawValue: 4)
        /// We have said our last byte and wait for the peer to close; the service knows nothing of it any more.
        static let lingering = Flags(rawValue: 8)
        /// Edges may have passed unseen (a full read, a pause): read again in the next turn, until the socket is dry.
        static let moreToRead = Flags(rawValue: 16)
    }

    /// -1: the slot is free.
    var descriptor: Int32 = -1
    /// Of the connection that lives here now or comes next.
    var generation: UInt32 = 1
    /// The mask that epoll has.
    var interest: UInt32 = 0
    var flags: Flags = []
    /// Counted when a closing connection is finished.
    var cause: CloseCause = .service
    /// Bytes of `input` that make the next call of the service worth while.
    var needed = 0
    /// Bytes thrown away while lingering.
    var discardedByteCount = 0
    /// Last byte received or sent.
    var activeNanoseconds: UInt64 = 0
    /// Since when `input` waits for the rest of a frame; 0: it does not.
    var partialSinceNanoseconds: UInt64 = 0
    /// Since when the peer has taken nothing of `output`.
    var stalledSinceNanoseconds: UInt64 = 0
    /// How long what is unread has been waiting.
    var backlog = Backlog()
    /// Bytes received and not consumed.
    var input = ByteRest()
    /// Bytes that the socket has not taken yet.
    var output = ByteRest()

    var isOpen: Bool { descriptor >= 0 }
    /// The service could go on with what is held.
    var holdsWholeFrame: Bool { !input.isEmpty && input.count >= needed }
}
