import Wire

/// Which decisions are looked at.
public struct JournalWindow: Sendable, Equatable {
    /// Unix nanoseconds of the decisions.
    public var from = Int64.min
    public var to = Int64.max
    /// Only decisions on this transaction.
    public var transactionID: [UInt8]?

    public init() {}

    /// The end is not part of the window.
    @inline(__always)
    func contains(_ record: borrowing AuditRecordView) -> Bool {
        guard record.timeNanoseconds >= from, record.timeNanoseconds < to else { return false }
        guard let transactionID else { return true }
        return unsafe record.transactionID.elementsEqual(transactionID)
    }

    /// Blocks written earlier hold nothing of the window.
    var writtenFrom: Int64 {
        from > .min + ReplayLimits.clockSlackNanoseconds ? from - ReplayLimits.clockSlackNanoseconds : .min
    }

    /// Where decisions were made at this moment or later, nothing of the window follows.
    var decidedBefore: Int64 {
        to < .max - ReplayLimits.clockSlackNanoseconds ? to + ReplayLimits.clockSlackNanoseconds : .max
    }
}
