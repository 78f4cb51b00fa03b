/// The value of `--features`: numbers separated by commas; empty, `nan` and `null` are missing values.
struct FeatureList: Equatable {
    let values: [Double]

    /// Features of the widest bundle that is allowed; a longer list is a mistake.
    static let countMax = 65_536

    enum Problem: Error, Equatable, CustomStringConvertible {
        case notANumber(index: Int)
        case infinite(index: Int)
        case tooMany(count: Int)

        var description: String {
            switch self {
            case .notANumber(let index): "feature \(index) of --features is not a number (empty or nan: missing)"
            case .infinite(let index): "feature \(index) of --features is infinite or beyond what a float holds"
            case .tooMany(let count): "--features has \(count) values, more than any bundle takes (\(FeatureList.countMax))"
            }
        }
    }

    init(_ text: String) throws(Problem) {
        let fields = text.split(separator: ",", omittingEmptySubsequences: false)
        guard fields.count <= Self.countMax else { throw .tooMany(count: fields.count) }
        var values: [Double] = []
        for (index, field) in fields.enumerated() { values.append(try Self.value(field, index)) }
        self.values = values
    }

    /// The values as float32, rounded once from the text.
    static func floats(_ text: String) throws(Problem) -> [Float] {
        let list = try FeatureList(text)
        var floats: [Float] = []
        for (index, field) in text.split(separator: ",", omittingEmptySubsequences: false).enumerated() {
            let trimmed = trimmed(field)
            let value = list.values[index].isNaN ? Float.nan : Float(trimmed) ?? Float(list.values[index])
            guard !value.isInfinite else { throw .infinite(index: index) }
            floats.append(value)
        }
        return floats
    }

    private static func value(_ field: Substring, _ index: Int) throws(Problem) -> Double {
        let text = trimmed(field)
        if text.isEmpty || ["nan", "null"].contains(text.lowercased()) { return .nan }
        guard let value = Double(text) else { throw .notANumber(index: index) }
        guard value.isFinite else { throw .infinite(index: index) }
        return value
    }

    private static func trimmed(_ field: Substring) -> Substring {
        var field = field.drop { $0.isWhitespace }
        while field.last?.isWhitespace == true { field.removeLast() }
        return field
    }
}
