/// What the engine alone takes for a row, to compare a backtest with.
enum EngineSpeed {
    /// The batch that `bench/engines` measures with, too.
    private static let batchRowCount = 1000
    private static let sliceCount = 9
    private static let sliceNanoseconds: UInt64 = 50_000_000

    /// Nanoseconds a row by the clock and of the processor, medians of nine slices each, by the calling thread on the first `rowCount` rows
    /// of the memory again and again.
    static func measure(_ memory: BatchMemory, rowCount: Int) -> (wall: Double, processor: Double)? {
        guard rowCount > 0 else { return nil }
        let rowCount = min(rowCount, batchRowCount)
        memory.score(rowCount)
        var walls: [Double] = []
        var processors: [Double] = []
        for _ in 0..<sliceCount {
            let stopwatch = Stopwatch()
            var rows = 0
            var elapsed = stopwatch.elapsed
            while elapsed.wall < sliceNanoseconds {
                for _ in 0..<16 { memory.score(rowCount) }
                rows += 16 * rowCount
                elapsed = stopwatch.elapsed
            }
            walls.append(Double(elapsed.wall) / Double(rows))
            processors.append(Double(elapsed.processor) / Double(rows))
        }
        return (walls.sorted()[sliceCount / 2], processors.sorted()[sliceCount / 2])
    }
}
