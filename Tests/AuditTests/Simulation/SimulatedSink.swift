/// What a sink (PostgreSQL) has of a journal: for ever, whatever becomes of the journal's machine.
final class SimulatedSink: @unchecked Sendable {
    /// The last number that it has.
    private(set) var confirmed: UInt64 = 0
    /// A new process doesn't know how far the sink is until it has asked.
    var isKnown = false

    func take(through sequence: UInt64) {
        confirmed = max(confirmed, sequence)
        isKnown = true
    }
}
