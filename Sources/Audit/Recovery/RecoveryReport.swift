import Wire

/// What opening a journal found and did.
public struct RecoveryReport: Sendable, Equatable {
    /// The journal had been closed cleanly (or is new).
    public var wasClean = false
    /// Records that a dead process left in its rings and that are in the journal now.
    public var drainedCount = 0
    /// Numbers that belong to no decision, as the journal says now.
    public var voids: [VoidRange] = []
    /// Bytes cut off the last segment because its writing was not finished; they are in `quarantine`.
    public var cutByteCount = 0
    /// Places in the last segment that can't be read; they were left as they are.
    public var damageCount = 0
    /// The journal ended before its newest checkpoint: its end was cut off after it had been on disk.
    public var isBehindCheckpoint = false
    /// Files made in the journal's quarantine directory.
    public var quarantined: [String] = []
}
