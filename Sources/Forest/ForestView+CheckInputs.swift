extension ForestView {
    /// The thresholds of each feature lie one feature after another, finite and ascending.
    func checkFeatures() throws(ForestError) {
        var start = 0
        for feature in 0..<shape.featureCount {
            let end = unsafe Int(features[feature].thresholdEnd)
            guard unsafe features[feature].flags & ~PackedFeature.zeroIsMissing == 0, end >= start, end <= shape.thresholdCount
            else { throw .thresholdsInvalid(feature: feature) }
            var last = -Double.infinity
            for index in start..<end {
                let threshold = threshold(index)
                // Minus zero would be above nothing that is below zero.
                guard threshold.isFinite, threshold > last, threshold != 0 || threshold.sign == .plus else {
                    throw .thresholdsInvalid(feature: feature)
                }
                last = threshold
            }
            start = end
        }
        guard start == shape.thresholdCount else { throw .thresholdsInvalid(feature: shape.featureCount - 1) }
    }

    /// A threshold by its index in the table of all.
    public func threshold(_ index: Int) -> Double {
        shape.featurePrecision == .float32
            ? unsafe Double(thresholds.assumingMemoryBound(to: Float.self)[index])
            : unsafe thresholds.assumingMemoryBound(to: Double.self)[index]
    }

    /// Category features ascend; their slots, categories and bits follow one another without gaps.
    func checkCategoryFeatures() throws(ForestError) {
        var previous = -1
        var slot = Slot.firstCategorySlot(featureCount: shape.featureCount)
        var category = 0
        var word = 0
        for index in 0..<shape.categoryFeatureCount {
            let feature = unsafe categoryFeatures[index]
            let wordCount = (Int(feature.slotCount) + 31) / 32
            let (words, overflow) = feature.rowCount.multipliedReportingOverflow(by: wordCount)
            guard Int(feature.feature) > previous, Int(feature.feature) < shape.featureCount, Int(feature.firstSlot) == slot,
                feature.slotCount > 0, Int(feature.firstCategory) == category, Int(feature.firstWord) == word,
                Int(feature.wordCount) == wordCount, feature.zero == 0, !overflow,
                slot + Int(feature.slotCount) <= shape.slotCount, category + Int(feature.categoryCount) <= shape.categoryCount,
                word + words <= shape.categoryWordCount, unsafe categoriesAscend(feature), unsafe unusedBitsAreZero(feature)
            else { throw .categoryFeatureInvalid(index) }
            previous = Int(feature.feature)
            slot += Int(feature.slotCount)
            category += Int(feature.categoryCount)
            word += words
        }
        guard slot == shape.slotCount, category == shape.categoryCount, word == shape.categoryWordCount else {
            throw .categoryFeatureInvalid(shape.categoryFeatureCount)
        }
    }

    /// Safety: the feature's range of categories was checked.
    @unsafe private func categoriesAscend(_ feature: PackedCategoryFeature) -> Bool {
        let first = Int(feature.firstCategory)
        for index in first..<(first + Int(feature.categoryCount)) {
            guard unsafe categories[index] <= ForestLimits.categoryMax else { return false }
            guard index == first || (unsafe categories[index - 1] < categories[index]) else { return false }
        }
        return true
    }

    /// The row of unknown values and the bits after the last slot. Safety: the feature's range of words was checked.
    @unsafe private func unusedBitsAreZero(_ feature: PackedCategoryFeature) -> Bool {
        let words = unsafe categoryWords + Int(feature.firstWord)
        let wordCount = Int(feature.wordCount)
        for word in 0..<wordCount where unsafe words[word] != 0 { return false }
        let usedBitCount = UInt32(feature.slotCount % 32)
        guard usedBitCount > 0 else { return true }
        for row in 1..<feature.rowCount where unsafe words[(row + 1) * wordCount - 1] >> usedBitCount != 0 { return false }
        return true
    }
}
