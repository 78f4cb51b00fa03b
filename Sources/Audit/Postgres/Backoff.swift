/// Pauses between attempts: doubling from the smallest to the largest, each cut by up to a half by chance, so that servers which lost
/// the same PostgreSQL don't come back in step.
struct Backoff {
    private var milliseconds = AuditLimits.reconnectMillisecondsMin

    mutating func next(using generator: inout some RandomNumberGenerator) -> Int {
        defer { milliseconds = min(milliseconds * 2, AuditLimits.reconnectMillisecondsMax) }
        return milliseconds - Int.random(in: 0...milliseconds / 2, using: &generator)
    }

    mutating func reset() { milliseconds = AuditLimits.reconnectMillisecondsMin }
}
