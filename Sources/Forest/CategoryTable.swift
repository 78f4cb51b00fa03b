/// The sets of categories that splits test, a slot for each distinct one.
struct CategoryTable {
    private(set) var features: [PackedCategoryFeature] = []
    private(set) var categories: [UInt32] = []
    private(set) var words: [UInt32] = []
    private(set) var slotCount = 0
    private var slots: [Key: Int] = [:]

    private struct Key: Hashable {
        let feature: Int
        let missingGoesLeft: Bool
        let categories: [UInt32]
    }

    /// Whether categories ascend strictly and are in range.
    static func isValid(_ categories: [UInt32]) -> Bool {
        for index in categories.indices.dropFirst() where categories[index - 1] >= categories[index] { return false }
        return (categories.last ?? 0) <= ForestLimits.categoryMax
    }

    init(_ splits: [ForestPacker.PendingSplit], featureCount: Int) throws(ForestError) {
        var setsOfFeature: [Int: [Key]] = [:]
        for split in splits {
            guard case .categories(let set) = split.test else { continue }
            let key = Key(feature: split.feature, missingGoesLeft: split.missingGoesLeft, categories: set)
            guard slots.updateValue(0, forKey: key) == nil else { continue }
            setsOfFeature[split.feature, default: []].append(key)
        }
        slotCount = slots.count
        try ForestShape.check(
            .slots, Slot.firstCategorySlot(featureCount: featureCount) + slotCount, 1...ForestLimits.slotCountMax)
        var nextSlot = Slot.firstCategorySlot(featureCount: featureCount)
        for feature in setsOfFeature.keys.sorted() {
            try append(feature, setsOfFeature[feature] ?? [], firstSlot: nextSlot)
            nextSlot += setsOfFeature[feature]?.count ?? 0
        }
    }

    private mutating func append(_ feature: Int, _ sets: [Key], firstSlot: Int) throws(ForestError) {
        let known = Set(sets.flatMap(\.categories)).sorted()
        let wordCount = (sets.count + 31) / 32
        let rowCount = PackedCategoryFeature.firstCategoryRow + known.count
        let (bits, overflow) = wordCount.multipliedReportingOverflow(by: rowCount)
        let limit = ForestLimits.categoryWordCountMax
        guard !overflow, words.count + bits <= limit else {
            throw .countOutOfRange(.categoryWords, count: overflow ? .max : words.count + bits, limit: limit)
        }
        features.append(
            PackedCategoryFeature(
                feature: UInt32(feature), firstSlot: UInt32(firstSlot), slotCount: UInt32(sets.count),
                firstCategory: UInt32(categories.count), categoryCount: UInt32(known.count), firstWord: UInt32(words.count),
                wordCount: UInt32(wordCount)))
        var rows = [UInt32](repeating: 0, count: bits)
        let rowOfCategory = Dictionary(uniqueKeysWithValues: known.enumerated().map { ($1, $0) })
        for (index, set) in sets.enumerated() {
            slots[set] = firstSlot + index
            let bit = UInt32(1) << UInt32(index % 32)
            if !set.missingGoesLeft { rows[PackedCategoryFeature.missingRow * wordCount + index / 32] |= bit }
            for category in set.categories {
                let row = PackedCategoryFeature.firstCategoryRow + (rowOfCategory[category] ?? 0)
                rows[row * wordCount + index / 32] |= bit
            }
        }
        categories += known
        words += rows
    }

    func slot(of set: [UInt32], feature: Int, missingGoesLeft: Bool) -> Int {
        guard let slot = slots[Key(feature: feature, missingGoesLeft: missingGoesLeft, categories: set)] else {
            preconditionFailure("a category set that no split has")
        }
        return slot
    }
}
