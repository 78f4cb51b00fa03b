extension ForestView {
    /// Turns one row into the keys that the walk compares.
    ///
    /// - Parameters:
    ///   - row: `[featureCount]`, NaN where missing.
    ///   - keys: `[slotCount]`, filled.
    public func fillKeys(_ keys: UnsafeMutablePointer<UInt32>, from row: UnsafePointer<Float>) {
        if shape.featurePrecision == .float32 {
            unsafe fill(keys, row, thresholds.assumingMemoryBound(to: Float.self)) { $0 }
        } else {
            unsafe fill(keys, row, thresholds.assumingMemoryBound(to: Double.self)) { Double($0) }
        }
    }

    /// As for Float; values are rounded to the feature precision.
    public func fillKeys(_ keys: UnsafeMutablePointer<UInt32>, from row: UnsafePointer<Double>) {
        if shape.featurePrecision == .float32 {
            unsafe fill(keys, row, thresholds.assumingMemoryBound(to: Float.self)) { Float($0) }
        } else {
            unsafe fill(keys, row, thresholds.assumingMemoryBound(to: Double.self)) { $0 }
        }
    }

    @inline(__always)
    private func fill<Input: BinaryFloatingPoint, Value: BinaryFloatingPoint>(
        _ keys: UnsafeMutablePointer<UInt32>, _ row: UnsafePointer<Input>, _ thresholds: UnsafePointer<Value>,
        _ rounded: (Input) -> Value
    ) {
        unsafe keys[0] = RowKey.least
        var start = 0
        for feature in 0..<shape.featureCount {
            let value = unsafe rounded(row[feature])
            let end = unsafe Int(features[feature].thresholdEnd)
            let isTiny = value.magnitude <= Value(Self.tiny)
            let isMissing = unsafe value.isNaN || (isTiny && features[feature].flags & PackedFeature.zeroIsMissing != 0)
            let rank = unsafe Self.rank(of: shape.flushesTiny && isTiny ? 0 : value, in: thresholds + start, count: end - start)
            unsafe keys[1 &+ 2 &* feature] = isMissing ? RowKey.least : rank
            unsafe keys[2 &+ 2 &* feature] = isMissing ? RowKey.greatest : rank
            start = end
        }
        for index in 0..<shape.categoryFeatureCount {
            let feature = unsafe categoryFeatures[index]
            let bits = unsafe categoryBits(of: Double(rounded(row[Int(feature.feature)])), feature)
            let slots = unsafe keys + Int(feature.firstSlot)
            for slot in 0..<Int(feature.slotCount) { unsafe slots[slot] = bits[slot >> 5] >> UInt32(slot & 31) & 1 }
        }
    }

    /// LightGBM's kZeroThreshold, 1e-35 as a float32.
    static let tiny: Float = 1e-35

    /// How many of `count` ascending thresholds are not above the value; of no meaning for NaN.
    @inline(__always)
    private static func rank<Value: BinaryFloatingPoint>(
        of value: Value, in thresholds: UnsafePointer<Value>, count: Int
    ) -> UInt32 {
        var low = 0
        var high = count
        while low < high {
            let middle = (low &+ high) &>> 1
            if unsafe thresholds[middle] <= value { low = middle &+ 1 } else { high = middle }
        }
        return UInt32(truncatingIfNeeded: low)
    }

    /// The row of bits of a category feature that belongs to a value.
    func categoryBits(of value: Double, _ feature: PackedCategoryFeature) -> UnsafePointer<UInt32> {
        unsafe categoryWords + Int(feature.firstWord) + categoryRow(of: value, feature) * Int(feature.wordCount)
    }

    /// Which row of a category feature's bits belongs to a value.
    public func categoryRow(of value: Double, _ feature: PackedCategoryFeature) -> Int {
        guard !value.isNaN else { return PackedCategoryFeature.missingRow }
        let value = shape.flushesTiny && value.magnitude <= Double(Self.tiny) ? 0 : value
        let isCategory =
            shape.categoryRule == .nonNegative ? value >= 0 && value < Double(1 << 24) : value > -1 && value < Double(1 << 31)
        guard isCategory else { return PackedCategoryFeature.unknownRow }
        let category = UInt32(value)
        var low = Int(feature.firstCategory)
        let end = low + Int(feature.categoryCount)
        var high = end
        while low < high {
            let middle = (low + high) / 2
            if unsafe categories[middle] < category { low = middle + 1 } else { high = middle }
        }
        guard low < end, unsafe categories[low] == category else { return PackedCategoryFeature.unknownRow }
        return PackedCategoryFeature.firstCategoryRow + low - Int(feature.firstCategory)
    }
}
