/// Why a connection ended; each cause is counted.
public enum CloseCause: UInt8, CaseIterable, Sendable {
    /// The peer finished sending, and everything that it had asked is answered.
    case peerFinished
    /// The peer reset the connection or went away with answers unread.
    case reset
    case idleTimeout
    /// An incomplete frame waited too long for its rest.
    case partialFrameTimeout
    /// The peer did not speak TLS, had no certificate that is trusted, or went away during the handshake (TLS only).
    case handshakeFailed
    /// The handshake took too long (TLS only).
    case handshakeTimeout
    /// The peer took none of its pending output for too long.
    case writeStallTimeout
    /// The service asked for it.
    case service
    /// `EventLoop.close` asked for it.
    case requested
    /// Pending output went above `outputByteCountMax`.
    case outputOverflow
    /// The service needed more bytes at once than `inputByteCountMax`.
    case inputOverflow
    /// The loop drains and the connection had nothing under way.
    case drained
    /// The deadline of the drain came before the connection's last answers were sent.
    case drainDeadline
    /// The loop was stopped.
    case stopped

    /// The label of the metric, in snake case.
    public var label: String {
        switch self {
        case .peerFinished: "peer_finished"
        case .reset: "reset"
        case .idleTimeout: "idle_timeout"
        case .partialFrameTimeout: "partial_frame_timeout"
        case .handshakeFailed: "handshake_failed"
        case .handshakeTimeout: "handshake_timeout"
        case .writeStallTimeout: "write_stall_timeout"
        case .service: "service"
        case .requested: "requested"
        case .outputOverflow: "output_overflow"
        case .inputOverflow: "input_overflow"
        case .drained: "drained"
        case .drainDeadline: "drain_deadline"
        case .stopped: "stopped"
        }
    }
}
