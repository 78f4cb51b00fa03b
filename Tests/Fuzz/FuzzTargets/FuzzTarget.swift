import Glibc

/// What is done with bytes that anybody may have made: everything that reads a file from outside has a target.
///
/// A target must return whatever the bytes are. What else it proves it demands with preconditions, so that the fuzzer keeps the input
/// that breaks them.
public enum FuzzTarget: String, CaseIterable, Sendable {
    case xgboostJSON = "xgboost-json"
    case xgboostUBJSON = "xgboost-ubjson"
    case lightGBM = "lightgbm"
    case onnx
    case bundle
    case rows
    case schema

    /// Reads the bytes as the target does.
    public func run(_ bytes: [UInt8]) {
        switch self {
        case .xgboostJSON, .xgboostUBJSON, .lightGBM, .onnx: ModelCheck.run(bytes)
        case .bundle: BundleCheck.run(bytes)
        case .rows: RowCheck.run(bytes)
        case .schema: SchemaCheck.run(bytes)
        }
    }

    /// The processor time that no input may take, with the sanitizer's checks. libFuzzer's own limit is by the clock, which a busy
    /// machine makes meaningless.
    private static let processorSecondsMax = 2.0

    /// libFuzzer's entry; the result says that the input may join the corpus.
    public func run(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        let started = Self.processorSeconds
        run(Array(UnsafeBufferPointer(start: start, count: count)))
        let taken = Self.processorSeconds - started
        precondition(taken <= Self.processorSecondsMax, "\(self): \(count) bytes took \(taken) s of processor time")
        return 0
    }

    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
