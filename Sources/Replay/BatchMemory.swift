import Decision
import Forest
import ModelBundle

/// Rows of one bundle on their way through its model, and what comes out.
///
/// Safety: all memory is owned by this object, allocated for `rowCountMax` rows, and freed by deinit; rows are zero until written.
@safe
final class BatchMemory {
    let bundle: Bundle
    let rowCountMax: Int
    let rowByteCount: Int
    /// `[rowCountMax, featureCount]` in the bundle's precision.
    let rows: UnsafeMutableRawPointer
    let raw: UnsafeMutablePointer<Double>
    /// `[rowCountMax, outputCount]`
    let outputs: UnsafeMutablePointer<Double>

    init(_ bundle: Bundle, rowCountMax: Int) {
        self.bundle = bundle
        self.rowCountMax = rowCountMax
        rowByteCount = bundle.featureCount * (bundle.precision == .float32 ? 4 : 8)
        unsafe rows = .allocate(byteCount: rowCountMax * rowByteCount, alignment: 64)
        unsafe rows.initializeMemory(as: UInt8.self, repeating: 0, count: rowCountMax * rowByteCount)
        unsafe raw = .allocate(capacity: rowCountMax * bundle.rawCount)
        unsafe outputs = .allocate(capacity: rowCountMax * bundle.outputCount)
    }

    deinit {
        unsafe rows.deallocate()
        unsafe raw.deallocate()
        unsafe outputs.deallocate()
    }

    func row(_ index: Int) -> UnsafeMutableRawPointer {
        unsafe rows + index * rowByteCount
    }

    /// The first `count` rows as the engine takes them.
    func features(_ count: Int) -> FeatureRows {
        let valueCount = count * bundle.featureCount
        // Safety: the memory is bound to the one type that the bundle's precision says, always.
        if bundle.precision == .float32 {
            return unsafe FeatureRows(
                UnsafeBufferPointer(start: rows.assumingMemoryBound(to: Float.self), count: valueCount))
        }
        return unsafe FeatureRows(UnsafeBufferPointer(start: rows.assumingMemoryBound(to: Double.self), count: valueCount))
    }

    /// Scores the first `count` rows as a server does, many at a time: the kernels give the same bits.
    func score(_ count: Int) {
        unsafe features(count).score(with: bundle, rowCount: count, raw: raw, outputs: outputs)
    }
}
