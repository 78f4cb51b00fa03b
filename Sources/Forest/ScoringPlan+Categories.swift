/// For each category of a feature, which decisions it flips.
struct CategoryMasks {
    private(set) var features: [Feature] = []
    /// For each feature and category the line of masks.
    private(set) var rows: [UInt16] = []
    /// `[lines of all features, maskCount]`
    private(set) var masks: [UInt64] = []

    struct Feature {
        let index: Int
        /// Its categories' among `rows`; a count of 0 if they are searched for.
        let firstRow: Int
        let rowCount: Int
        /// Among the lines of masks.
        let firstLine: Int
    }

    /// So that row numbers have 16 bits: 128 KiB a feature.
    static let tabledCategoryCount = 1 << 16 - 2
    /// Bits looked at: some hundred milliseconds.
    static let workMax = 1 << 26

    /// Nil if there are more masks or more work than a plan may have.
    init?(_ view: ForestView, _ decisions: [ByteTrees.CategoryDecision], maskCount: Int) {
        var lineCount = 0
        for index in 0..<view.shape.categoryFeatureCount {
            let feature = view.categoryFeature(index)
            let categories = view.categories(of: feature)
            let first = rows.count
            // Few categories are large numbers; those are searched for.
            let largest = categories.last.map { Int($0) } ?? 0
            let rowCount = largest < Self.tabledCategoryCount ? largest + 1 : 0
            rows += repeatElement(UInt16(PackedCategoryFeature.unknownRow), count: rowCount)
            features.append(Feature(index: Int(feature.feature), firstRow: first, rowCount: rowCount, firstLine: lineCount))
            for (row, category) in categories.enumerated() where rowCount > 0 {
                rows[first + Int(category)] = UInt16(PackedCategoryFeature.firstCategoryRow + row)
            }
            lineCount += feature.rowCount
        }
        let (count, overflow) = lineCount.multipliedReportingOverflow(by: maskCount)
        let (work, workOverflow) = lineCount.multipliedReportingOverflow(by: decisions.count)
        guard !overflow, count <= ByteTrees.byteCountMax / 8, !workOverflow, work <= Self.workMax else { return nil }
        masks = Array(repeating: 0, count: count)
        fill(view, decisions, maskCount: maskCount)
    }

    private mutating func fill(_ view: ForestView, _ decisions: [ByteTrees.CategoryDecision], maskCount: Int) {
        var featureOfSlot = [Int](repeating: 0, count: view.shape.categorySlotCount)
        let firstSlot = Slot.firstCategorySlot(featureCount: view.shape.featureCount)
        for index in 0..<view.shape.categoryFeatureCount {
            let feature = view.categoryFeature(index)
            for slot in 0..<Int(feature.slotCount) { featureOfSlot[Int(feature.firstSlot) - firstSlot + slot] = index }
        }
        for decision in decisions {
            let index = featureOfSlot[decision.slot - firstSlot]
            let feature = view.categoryFeature(index)
            for row in 0..<feature.rowCount where view.isMember(row: row, slot: decision.slot, feature) {
                masks[(features[index].firstLine + row) * maskCount + decision.word] |= 1 << UInt64(decision.bit)
            }
        }
    }
}

extension ForestView {
    func categoryFeature(_ index: Int) -> PackedCategoryFeature { unsafe categoryFeatures[index] }

    /// The categories that any of the feature's sets has, ascending.
    func categories(of feature: PackedCategoryFeature) -> [UInt32] {
        unsafe Array(UnsafeBufferPointer(start: categories + Int(feature.firstCategory), count: Int(feature.categoryCount)))
    }

    /// Whether the key of a category slot is 1 in a row of the feature's bits.
    func isMember(row: Int, slot: Int, _ feature: PackedCategoryFeature) -> Bool {
        let index = slot - Int(feature.firstSlot)
        let word = unsafe categoryWords[Int(feature.firstWord) + row * Int(feature.wordCount) + index / 32]
        return word >> UInt32(index % 32) & 1 != 0
    }
}
