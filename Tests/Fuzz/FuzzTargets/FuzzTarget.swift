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

    /// libFuzzer's entry; the result says that the input may join the corpus.
    public func run(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        run(Array(UnsafeBufferPointer(start: start, count: count)))
        return 0
    }
}
