import ModelBundle
import Wire

/// Fills a feature vector from a typed transaction, in the order of the bundle's schema.
///
/// Pure: the same transaction gives the same bits on every machine. Allocates nothing. Formulas are computed in Float64 from exact
/// integers and rounded once to the vector's type; NaN is "missing".
public enum FeatureDeriver {
    /// `features` has room for the schema's features. On an error its contents are unspecified.
    public static func derive(
        _ transaction: BitcoinTransactionView, schema: borrowing FeatureSchema, into features: UnsafeMutablePointer<Float>
    ) throws(TransactionError) {
        let facts = try BitcoinFacts(transaction)
        unsafe try fill(features, schema.sources.span, schema.missingAllowed.span, .bitcoin) { facts.value($0, transaction) }
    }

    /// As for Float.
    public static func derive(
        _ transaction: BitcoinTransactionView, schema: borrowing FeatureSchema, into features: UnsafeMutablePointer<Double>
    ) throws(TransactionError) {
        let facts = try BitcoinFacts(transaction)
        unsafe try fill(features, schema.sources.span, schema.missingAllowed.span, .bitcoin) { facts.value($0, transaction) }
    }

    /// As for Bitcoin.
    public static func derive(
        _ transaction: CardTransactionView, schema: borrowing FeatureSchema, into features: UnsafeMutablePointer<Float>
    ) throws(TransactionError) {
        let facts = try CardFacts(transaction)
        unsafe try fill(features, schema.sources.span, schema.missingAllowed.span, .card) { facts.value($0, transaction) }
    }

    /// As for Bitcoin.
    public static func derive(
        _ transaction: CardTransactionView, schema: borrowing FeatureSchema, into features: UnsafeMutablePointer<Double>
    ) throws(TransactionError) {
        let facts = try CardFacts(transaction)
        unsafe try fill(features, schema.sources.span, schema.missingAllowed.span, .card) { facts.value($0, transaction) }
    }

    // A generic public function would not be specialised for its callers in other modules, and run through witness tables.
    /// `sources`: raw values of `DerivedFeature`, 0 for none; `missingAllowed`: a bit a feature.
    @inline(__always)
    private static func fill<Value: BinaryFloatingPoint>(
        _ features: UnsafeMutablePointer<Value>, _ sources: Span<UInt16>, _ missingAllowed: Span<UInt64>,
        _ kind: DerivedFeature.Kind, _ value: (DerivedFeature) -> Double?
    ) throws(TransactionError) {
        var derivedAny = false
        for index in sources.indices {
            let source = DerivedFeature(rawValue: sources[index])
            let fits = source?.kind == kind
            derivedAny = derivedAny || fits
            if fits, let source, let value = value(source) {
                // Safety: index < sources.count, the room that the caller promised.
                unsafe features[index] = Value(value)
            } else {
                guard missingAllowed[index / 64] >> UInt64(index % 64) & 1 == 1 else {
                    throw refusal(of: index, fits, sources, kind)
                }
                unsafe features[index] = .nan
            }
        }
        guard derivedAny else { throw .kindMismatch }
    }

    /// Why the feature at `index` can't stay missing; `fits`: it has a source in this kind of transaction.
    private static func refusal(
        of index: Int, _ fits: Bool, _ sources: Span<UInt16>, _ kind: DerivedFeature.Kind
    ) -> TransactionError {
        if fits { return .featureMissing(feature: index) }
        for other in sources.indices where DerivedFeature(rawValue: sources[other])?.kind == kind {
            return .featureNotDerivable(feature: index)
        }
        return .kindMismatch
    }
}
