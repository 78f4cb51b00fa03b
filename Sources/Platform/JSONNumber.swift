/// A JSON number that remembers what it was made from, so that an integer stays exact over the full 64 bits, and a Float is rounded
/// from the text directly: rounding to Double first and to Float after is off by one bit for some texts.
public struct JSONNumber: Sendable {
    private enum Kind: UInt8 { case signed, unsigned, double, float }

    /// The bits of an Int64, a UInt64 or a Double, as `kind` says; a Float is held as the Double of the same value.
    private let bits: UInt64
    private let nearestFloat: Float
    private let kind: Kind

    /// An integer, exact when it fits 64 bits and else the nearest Double.
    public init(_ value: some BinaryInteger) {
        if let signed = Int64(exactly: value) {
            self.init(bits: UInt64(bitPattern: signed), nearestFloat: Float(signed), kind: .signed)
        } else if let unsigned = UInt64(exactly: value) {
            self.init(bits: unsigned, nearestFloat: Float(unsigned), kind: .unsigned)
        } else {
            self.init(Double(value))
        }
    }

    public init(_ value: Double) { self.init(double: value, nearestFloat: Float(value)) }

    /// A Float, written with as few digits as a Float needs.
    public init(_ value: Float) {
        self.init(bits: Double(value).bitPattern, nearestFloat: value, kind: .float)
    }

    /// A number whose text was rounded to both precisions.
    init(double: Double, nearestFloat: Float) {
        self.init(bits: double.bitPattern, nearestFloat: nearestFloat, kind: .double)
    }

    private init(bits: UInt64, nearestFloat: Float, kind: Kind) {
        self.bits = bits
        self.nearestFloat = nearestFloat
        self.kind = kind
    }

    /// The nearest Double.
    public var double: Double {
        switch kind {
        case .signed: Double(Int64(bitPattern: bits))
        case .unsigned: Double(bits)
        case .double, .float: Double(bitPattern: bits)
        }
    }

    /// The nearest Float, nil when a finite number lies beyond Float's range.
    public var float: Float? { nearestFloat.isInfinite && double.isFinite ? nil : nearestFloat }

    /// The same integer, nil when it is none or does not fit.
    public var integer: Int64? {
        switch kind {
        case .signed: Int64(bitPattern: bits)
        case .unsigned: Int64(exactly: bits)
        case .double, .float: Int64(exactly: double)
        }
    }

    /// The same unsigned integer, nil when it is none or does not fit.
    public var unsignedInteger: UInt64? {
        switch kind {
        case .signed: UInt64(exactly: Int64(bitPattern: bits))
        case .unsigned: bits
        case .double, .float: UInt64(exactly: double)
        }
    }

    /// The shortest text that reads back as the same number; `null` for NaN and the infinities, which JSON does not have.
    public var text: String {
        switch kind {
        case .signed: String(Int64(bitPattern: bits))
        case .unsigned: String(bits)
        case .double: double.isFinite ? double.description : "null"
        case .float: nearestFloat.isFinite ? nearestFloat.description : "null"
        }
    }
}

extension JSONNumber: Equatable {
    /// Whether both are the same number: `1` equals `1.0`, NaN equals nothing.
    public static func == (left: JSONNumber, right: JSONNumber) -> Bool {
        if let a = left.integer, let b = right.integer { return a == b }
        if let a = left.unsignedInteger, let b = right.unsignedInteger { return a == b }
        return left.double == right.double
    }
}
