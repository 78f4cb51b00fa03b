import ModelBundle
import Wire

/// Fills a feature vector from a typed transaction, in the order of the bundle's schema.
///
/// Pure: the same transaction gives the same bits on every machine. Allocates nothing. Formulas are computed in Float64 from exact
/// integers and rounded once to the vector's type; NaN is "missing".
public enum FeatureDeriver {
    /// `sources` and `missingAllowed` are the schema's, `features` has room for as many values. On an error `features` is unspecified.
    public static func derive<Value: BinaryFloatingPoint>(
        _ transaction: BitcoinTransactionView, sources: Span<DerivedFeature?>, missingAllowed: Span<Bool>,
        into features: UnsafeMutablePointer<Value>
    ) throws(TransactionError) {
        let facts = try BitcoinFacts(transaction)
        unsafe try fill(features, sources, missingAllowed, .bitcoin) { facts.value($0, transaction) }
    }

    /// As for Bitcoin.
    public static func derive<Value: BinaryFloatingPoint>(
        _ transaction: CardTransactionView, sources: Span<DerivedFeature?>, missingAllowed: Span<Bool>,
        into features: UnsafeMutablePointer<Value>
    ) throws(TransactionError) {
        let facts = try CardFacts(transaction)
        unsafe try fill(features, sources, missingAllowed, .card) { facts.value($0, transaction) }
    }

    @inline(__always)
    private static func fill<Value: BinaryFloatingPoint>(
        _ features: UnsafeMutablePointer<Value>, _ sources: Span<DerivedFeature?>, _ missingAllowed: Span<Bool>,
        _ kind: DerivedFeature.Kind, _ value: (DerivedFeature) -> Double?
    ) throws(TransactionError) {
        precondition(sources.count == missingAllowed.count, "\(sources.count) sources, \(missingAllowed.count) flags")
        var derivedAny = false
        for index in sources.indices {
            let source = sources[index]
            let fits = source?.kind == kind
            derivedAny = derivedAny || fits
            if fits, let source, let value = value(source) {
                // Safety: index < sources.count, the room that the caller promised.
                unsafe features[index] = Value(value)
            } else {
                guard missingAllowed[index] else { throw refusal(of: index, fits, sources, kind) }
                unsafe features[index] = .nan
            }
        }
        guard derivedAny else { throw .kindMismatch }
    }

    /// Why the feature at `index` can't stay missing; `fits`: it has a source in this kind of transaction.
    private static func refusal(
        of index: Int, _ fits: Bool, _ sources: Span<DerivedFeature?>, _ kind: DerivedFeature.Kind
    ) -> TransactionError {
        if fits { return .featureMissing(feature: index) }
        for other in sources.indices where sources[other]?.kind == kind { return .featureNotDerivable(feature: index) }
        return .kindMismatch
    }
}
