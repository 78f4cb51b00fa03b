import ModelBundle

/// Why a feature vector is not one of the bundle's schema.
public enum FeatureVectorError: Error, Equatable, Sendable {
    /// `got` values where rows of `expected` are wanted.
    case count(got: Int, expected: Int)
    case infinite(feature: Int)
    /// NaN, and the feature may not be missing.
    case missing(feature: Int)
    /// The schema says integer, the value has a fraction.
    case notInteger(feature: Int)
    /// The schema says boolean, the value is neither 0 nor 1.
    case notBoolean(feature: Int)

    /// What a caller's program switches over.
    public var reason: String {
        switch self {
        case .count: "FEATURE_COUNT"
        case .infinite: "FEATURE_INFINITE"
        case .missing: "FEATURE_MISSING"
        case .notInteger: "FEATURE_NOT_INTEGER"
        case .notBoolean: "FEATURE_NOT_BOOLEAN"
        }
    }
}

extension FeatureVectorError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .count(let got, let expected): "\(got) features instead of \(expected)"
        case .infinite(let feature): "feature \(feature) is infinite"
        case .missing(let feature): "feature \(feature) is NaN and may not be missing"
        case .notInteger(let feature): "feature \(feature) is an integer by the schema and has a fraction"
        case .notBoolean(let feature): "feature \(feature) is a boolean by the schema and neither 0 nor 1"
        }
    }
}

/// Holds feature vectors to the bundle's schema, before anything is scored.
///
/// Categories are not checked further: frameworks define what an unseen, negative or fractional category does, and bundles reproduce it.
public enum FeatureValidation {
    /// `features`: one row of `missingAllowed.count` values. The first offence is reported.
    ///
    /// One pass without branches over the row says whether anything may be wrong; only then is it looked for.
    public static func check(
        _ features: UnsafePointer<Float>, missingAllowed: Span<Bool>, types: Span<FeatureType>
    ) throws(FeatureVectorError) {
        let infinity = Float.infinity.bitPattern
        // Safety: the caller promises missingAllowed.count values, and both buffers are read below that.
        let isSuspicious = unsafe missingAllowed.withUnsafeBufferPointer { allowed in
            var suspicion: UInt32 = 0
            for index in 0..<allowed.count {
                let magnitude = unsafe features[index].bitPattern & 0x7fff_ffff
                let isInfinite: UInt32 = magnitude == infinity ? 1 : 0
                let isNaN: UInt32 = magnitude > infinity ? 1 : 0
                let isRefused: UInt32 = unsafe allowed[index] ? 0 : 1
                suspicion |= isInfinite | (isNaN & isRefused)
            }
            return suspicion != 0
        }
        if isSuspicious { unsafe try report(features, missingAllowed) }
        for index in types.indices where types[index] != .float { unsafe try check(features[index], types[index], index) }
    }

    /// As for Float.
    public static func check(
        _ features: UnsafePointer<Double>, missingAllowed: Span<Bool>, types: Span<FeatureType>
    ) throws(FeatureVectorError) {
        let infinity = Double.infinity.bitPattern
        // Safety: as for Float.
        let isSuspicious = unsafe missingAllowed.withUnsafeBufferPointer { allowed in
            var suspicion: UInt64 = 0
            for index in 0..<allowed.count {
                let magnitude = unsafe features[index].bitPattern & 0x7fff_ffff_ffff_ffff
                let isInfinite: UInt64 = magnitude == infinity ? 1 : 0
                let isNaN: UInt64 = magnitude > infinity ? 1 : 0
                let isRefused: UInt64 = unsafe allowed[index] ? 0 : 1
                suspicion |= isInfinite | (isNaN & isRefused)
            }
            return suspicion != 0
        }
        if isSuspicious { unsafe try report(features, missingAllowed) }
        for index in types.indices where types[index] != .float { unsafe try check(features[index], types[index], index) }
    }

    private static func report<Value: BinaryFloatingPoint>(
        _ features: UnsafePointer<Value>, _ missingAllowed: Span<Bool>
    ) throws(FeatureVectorError) {
        for index in missingAllowed.indices {
            let value = unsafe features[index]
            if value.isInfinite { throw .infinite(feature: index) }
            if value.isNaN, !missingAllowed[index] { throw .missing(feature: index) }
        }
    }

    @inline(__always)
    private static func check<Value: BinaryFloatingPoint>(
        _ value: Value, _ type: FeatureType, _ index: Int
    ) throws(FeatureVectorError) {
        switch type {
        case .float, .categorical: break
        case .integer:
            // NaN was dealt with before: here it is an allowed "missing".
            if value != value.rounded(.towardZero), !value.isNaN { throw .notInteger(feature: index) }
        case .boolean:
            if value != 0, value != 1, !value.isNaN { throw .notBoolean(feature: index) }
        }
    }
}
