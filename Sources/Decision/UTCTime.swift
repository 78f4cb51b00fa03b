/// The parts of a moment that features are made of.
struct UTCTime: Equatable {
    /// 0 … 23
    let hour: Int
    /// 0 (Monday) … 6 (Sunday)
    let weekday: Int

    /// Unix microseconds, 1970 to 9999.
    init(microseconds: Int64) throws(TransactionError) {
        guard microseconds >= 0, microseconds < DecisionLimits.timeMicrosecondsMax else {
            throw .timeOutOfRange(microseconds: microseconds)
        }
        let hours = microseconds / 3_600_000_000
        hour = Int(hours % 24)
        // 1970-01-01 was a Thursday.
        weekday = Int((hours / 24 + 3) % 7)
    }
}
