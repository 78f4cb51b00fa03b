import ModelBundle

/// Why a feature vector is not one of the bundle's schema.
public enum FeatureVectorError: Error, Equatable, Sendable {
    /// `got` values where rows of `expected` are wanted.
    case count(got: Int, expected: Int)
    case infinite(feature: Int)
    /// NaN, and the feature may not be missing.
    case missing(feature: Int)

    /// What a caller's program switches over.
    public var reason: String {
        switch self {
        case .count: "FEATURE_COUNT"
        case .infinite: "FEATURE_INFINITE"
        case .missing: "FEATURE_MISSING"
        }
    }
}

extension FeatureVectorError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .count(let got, let expected): "\(got) features instead of \(expected)"
        case .infinite(let feature): "feature \(feature) is infinite"
        case .missing(let feature): "feature \(feature) is NaN and may not be missing"
        }
    }
}

/// Holds feature vectors to the bundle's schema, before anything is scored.
///
/// A feature's type is not enforced: frameworks define what every finite number does, a fractional count and an unseen, negative or
/// fractional category too, and bundles reproduce it.
public enum FeatureValidation {
    /// `features`: [schema.features.count]. The first offence is reported.
    ///
    /// One pass without branches tells whether every value is finite, which is the rule; only else each is looked at. Infinities and NaN
    /// have all bits of the exponent set, so that one more carries into the sign's place.
    public static func check(_ features: UnsafePointer<Float>, schema: borrowing FeatureSchema) throws(FeatureVectorError) {
        let count = schema.sources.count
        var carries: UInt32 = 0
        for index in 0..<count {
            // Safety: the caller promises that many values.
            carries |= unsafe (features[index].bitPattern & 0x7fff_ffff) &+ 0x0080_0000
        }
        if carries >> 31 != 0 { unsafe try report(features, count, schema.missingAllowed.span) }
    }

    /// As for Float.
    public static func check(_ features: UnsafePointer<Double>, schema: borrowing FeatureSchema) throws(FeatureVectorError) {
        let count = schema.sources.count
        var carries: UInt64 = 0
        for index in 0..<count {
            // Safety: the caller promises that many values.
            carries |= unsafe (features[index].bitPattern & 0x7fff_ffff_ffff_ffff) &+ 0x0010_0000_0000_0000
        }
        if carries >> 63 != 0 { unsafe try report(features, count, schema.missingAllowed.span) }
    }

    private static func report<Value: BinaryFloatingPoint>(
        _ features: UnsafePointer<Value>, _ count: Int, _ missingAllowed: Span<UInt64>
    ) throws(FeatureVectorError) {
        for index in 0..<count {
            let value = unsafe features[index]
            if value.isInfinite { throw .infinite(feature: index) }
            if value.isNaN, missingAllowed[index / 64] >> UInt64(index % 64) & 1 == 0 { throw .missing(feature: index) }
        }
    }
}
