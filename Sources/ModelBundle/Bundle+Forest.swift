import Forest

/// What tests hold a bundle's scores against.
extension Bundle {
    /// The checked forest in the bundle's mapping, valid as long as the bundle.
    package var forest: ForestView { scoring.forest }

    /// Whether rows go through a scaler, or weights stand in the trees' place.
    package var preparesRows: Bool { unsafe scoring.weights != nil || scoring.scaler != nil }
}
