import Forest

/// A column of the graph's inputs and what is done to it before a tree tests it.
struct ONNXFeature: Sendable, Equatable {
    /// The column, counted over all inputs.
    var index: Int
    /// What the column itself is rounded to.
    var domain: Precision
    var steps: [Step] = []
    /// What the values are now.
    var type: ONNXElementType

    /// An operation with a finite constant, computed in a precision. None of them makes a smaller number of a larger one, but
    /// those by negative constants, which turn the order round.
    struct Step: Sendable, Equatable {
        let operation: Operation
        let constant: Double
        let precision: Precision

        enum Operation: Sendable, Equatable {
            case add
            case multiply
            case divide
            /// To `precision`.
            case round
        }

        var reversesOrder: Bool { (operation == .multiply || operation == .divide) && constant < 0 }

        func apply(_ value: Double) -> Double {
            if precision == .float32 {
                let value = Float(value)
                let constant = Float(constant)
                return switch operation {
                case .add: Double(value + constant)
                case .multiply: Double(value * constant)
                case .divide: Double(value / constant)
                case .round: Double(value)
                }
            }
            return switch operation {
            case .add: value + constant
            case .multiply: value * constant
            case .divide: value / constant
            case .round: value
            }
        }
    }

    var reversesOrder: Bool { steps.count { $0.reversesOrder } % 2 == 1 }

    func apply(_ value: Double) -> Double { steps.reduce(value) { $1.apply($0) } }

    /// Where values of the column itself change sides of a cut.
    enum Boundary: Equatable {
        /// The smallest value that is on the other side.
        case value(Double)
        /// All finite values are on the first side.
        case beyondAll
        /// No finite value is on the first side.
        case beforeAll
    }

    /// The smallest value of the column for which "`cut` or more" holds after all steps; with the order turned round, for which
    /// "below `cut`" holds. Steps that round make this exact where arithmetic on the cut would not be.
    func boundary(_ cut: Double) -> Boundary {
        if steps.isEmpty && cut.isFinite && cut.rounded(toFloat: domain == .float32) == cut { return .value(cut) }
        let reverses = reversesOrder
        let isBeyond = { (value: Double) in reverses ? apply(value) < cut : apply(value) >= cut }
        if domain == .float32 {
            return Self.bisect(Float.greatestFiniteMagnitude, bits: { Int64($0.bitPattern) }) { isBeyond(Double($0)) }
        }
        return Self.bisect(Double.greatestFiniteMagnitude, bits: { Int64($0.bitPattern) }, isBeyond)
    }

    /// Bisects over the numbers in their order, of which there are 2^32 or 2^64: -greatest … greatest as -count … count.
    private static func bisect<Number: BinaryFloatingPoint & SignedFloat>(
        _ greatest: Number, bits: (Number) -> Int64, _ isBeyond: (Number) -> Bool
    ) -> Boundary {
        let limit = bits(greatest)
        let number = { (order: Int64) in order < 0 ? -Number(positiveBits: -order) : Number(positiveBits: order) }
        if isBeyond(number(-limit)) { return .beforeAll }
        guard isBeyond(number(limit)) else { return .beyondAll }
        var low = -limit
        var high = limit
        while low + 1 < high {
            // The middle, where their difference would overflow.
            let middle = (low & high) + (low ^ high) >> 1
            if isBeyond(number(middle)) { high = middle } else { low = middle }
        }
        return .value(Double(number(high)))
    }
}

/// A number that can be made of the bits of its magnitude.
protocol SignedFloat {
    init(positiveBits: Int64)
}

extension Float: SignedFloat {
    init(positiveBits: Int64) { self.init(bitPattern: UInt32(truncatingIfNeeded: positiveBits)) }
}

extension Double: SignedFloat {
    init(positiveBits: Int64) { self.init(bitPattern: UInt64(bitPattern: positiveBits)) }

    func rounded(toFloat: Bool) -> Double { toFloat ? Double(Float(self)) : self }
}
