import Platform

/// The answer of `/readyz`: whether the server may get traffic, and every cause for worry.
public struct ReadinessReport: Sendable, Equatable {
    /// One cause; the same as `HealthReason` on the wire.
    public struct Reason: Sendable, Equatable {
        /// UPPER_SNAKE_CASE: DRAINING, NO_BUNDLE, AUDIT_FAILED, AUDIT_BACKLOG, BUNDLE_REFUSED, POSTGRES_DOWN …
        public var code: String
        /// For people.
        public var text: String
        /// The server is not ready because of this one; others are warnings.
        public var blocking: Bool

        public init(code: String, text: String, blocking: Bool) {
            self.code = code
            self.text = text
            self.blocking = blocking
        }
    }

    /// In the order in which they are shown.
    public var reasons: [Reason]

    public init(reasons: [Reason] = []) {
        self.reasons = reasons
    }

    /// No reason blocks.
    public var isReady: Bool { !reasons.contains(where: \.blocking) }

    var json: JSON {
        JSON.object([
            "ready": .bool(isReady),
            "reasons": .array(
                reasons.map { JSON.object(["code": .string($0.code), "text": .string($0.text), "blocking": .bool($0.blocking)]) }),
        ])
    }
}
