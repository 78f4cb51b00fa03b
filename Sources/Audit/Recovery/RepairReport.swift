import Wire

/// What `JournalRepair` did, or would do.
public struct RepairReport: Sendable, Equatable {
    /// Records that are recorded as damaged now.
    public var damaged: [ClosedRange<UInt64>] = []
    /// Segments that were written anew from what is good.
    public var rewritten: [String] = []
    /// Segments that hold nothing good and are gone from the journal.
    public var removed: [String] = []
    /// Copies of everything that was changed, in the journal's directory.
    public var quarantined: [String] = []
    /// Entries of the proof that are recorded as damaged now.
    public var proofGapCount = 0
    /// Repairs that were made by an earlier run and are in the proof now.
    public var recordedCount = 0
    public var isMarkerRewritten = false

    /// There was nothing to repair.
    public var isEmpty: Bool { self == RepairReport() }
}
