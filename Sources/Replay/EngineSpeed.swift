import Platform

/// What the engine alone takes for a row, to compare a backtest with.
enum EngineSpeed {
    /// The batch that `bench/engines` measures with, too.
    private static let batchRowCount = 1000
    private static let sliceCount = 9
    private static let sliceNanoseconds: UInt64 = 50_000_000

    /// Nanoseconds a row, the median of nine slices, by one thread on the first `rowCount` rows of the memory again and again.
    static func measure(_ memory: BatchMemory, rowCount: Int) -> Double? {
        guard rowCount > 0 else { return nil }
        let rowCount = min(rowCount, batchRowCount)
        memory.score(rowCount)
        let slices = (0..<sliceCount).map { _ in
            let begin = Clock.monotonicNanoseconds()
            var rows = 0
            var elapsed: UInt64 = 0
            repeat {
                for _ in 0..<16 { memory.score(rowCount) }
                rows += 16 * rowCount
                elapsed = Clock.monotonicNanoseconds() - begin
            } while elapsed < sliceNanoseconds
            return Double(elapsed) / Double(rows)
        }
        return slices.sorted()[sliceCount / 2]
    }
}
