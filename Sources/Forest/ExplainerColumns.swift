/// The features that a forest tests, numbered from 0 ("columns"), and the slots of keys that its splits look at, likewise.
struct ExplainerColumns {
    /// The feature of each column, ascending.
    private(set) var features: [UInt32] = []
    /// The slot of each key that is needed, ascending.
    private(set) var slots: [UInt32] = []
    /// By slot of the view: its column, and its place among the slots needed. Of no meaning where no split looks.
    private(set) var columnOfSlot: [UInt32]
    private(set) var placeOfSlot: [UInt32]

    init(_ view: ForestView) {
        let slotCount = view.shape.slotCount
        var isNeeded = [Bool](repeating: false, count: slotCount)
        for index in 0..<(view.shape.nodeCount - 1) {
            let node = unsafe view.nodes[index]
            if view.distance(of: node) > 0 { isNeeded[view.slot(of: node)] = true }
        }
        let featureOfSlot = Self.featureOfSlot(view)
        var isTested = [Bool](repeating: false, count: view.shape.featureCount)
        for slot in 0..<slotCount where isNeeded[slot] { isTested[Int(featureOfSlot[slot])] = true }
        var columnOfFeature = [UInt32](repeating: 0, count: view.shape.featureCount)
        for feature in 0..<view.shape.featureCount where isTested[feature] {
            columnOfFeature[feature] = UInt32(features.count)
            features.append(UInt32(feature))
        }
        columnOfSlot = Array(repeating: 0, count: slotCount)
        placeOfSlot = Array(repeating: 0, count: slotCount)
        for slot in 0..<slotCount where isNeeded[slot] {
            columnOfSlot[slot] = columnOfFeature[Int(featureOfSlot[slot])]
            placeOfSlot[slot] = UInt32(slots.count)
            slots.append(UInt32(slot))
        }
    }

    private static func featureOfSlot(_ view: ForestView) -> [UInt32] {
        var features = [UInt32](repeating: 0, count: view.shape.slotCount)
        for feature in 0..<view.shape.featureCount {
            features[Slot.of(feature: feature, missingGoesLeft: true)] = UInt32(feature)
            features[Slot.of(feature: feature, missingGoesLeft: false)] = UInt32(feature)
        }
        for index in 0..<view.shape.categoryFeatureCount {
            let feature = unsafe view.categoryFeatures[index]
            for slot in 0..<Int(feature.slotCount) { features[Int(feature.firstSlot) + slot] = feature.feature }
        }
        return features
    }
}
