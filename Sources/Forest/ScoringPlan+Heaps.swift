import CForestKernels

/// Trees as complete heaps.
extension ByteTrees {
    /// Trees of `levelCount` levels; a leaf above the last level lies where the padding, which always goes left, leads to.
    mutating func appendHeaps(_ range: Range<Int>, levelCount: Int) {
        let topLevelCount = min(levelCount, Self.topLevelCountMax)
        let treesPerWord = 64 >> topLevelCount
        let leafCount = 1 << levelCount
        let unit = HeapUnit(levelCount: levelCount - topLevelCount, view.shape.sumPrecision)
        for (index, tree) in range.enumerated() {
            if index % treesPerWord == 0 { _ = appendWord() }
            let firstBit = (index % treesPerWord) << topLevelCount
            let firstUnit = units.count
            if levelCount > topLevelCount { appendUnits(unit) }
            let firstLeaf = ordinals.count - leafCount
            ordinals += repeatElement(UInt32(view.shape.leafCount), count: leafCount)
            append(tree, levelCount: levelCount, firstBit: firstBit, firstLeaf: firstLeaf, unit, firstUnit)
        }
        if levelCount > topLevelCount {
            fillWordsUp(range.count, unit, leafCount: leafCount)
        } else {
            // The trees that are missing in the last word add the padding leaf, minus zero.
            let missingCount = (treesPerWord - range.count % treesPerWord) % treesPerWord
            ordinals += repeatElement(UInt32(view.shape.leafCount), count: missingCount * leafCount)
        }
    }

    private mutating func append(
        _ tree: Int, levelCount: Int, firstBit: Int, firstLeaf: Int, _ unit: HeapUnit, _ firstUnit: Int
    ) {
        let topLevelCount = min(levelCount, Self.topLevelCountMax)
        var pending = [(node: view.nodeRange(ofTree: tree).lowerBound, place: 1, level: 0)]
        while let (index, place, level) = pending.popLast() {
            let node = view.node(index)
            let distance = view.distance(of: node)
            guard distance > 0 else {
                let leaf = place << (levelCount - level)
                ordinals[firstLeaf + leaf] = node.key
                if levelCount > topLevelCount, view.shape.leafWidth == 1 {
                    setLeaf(leaf - (1 << levelCount), to: node.key, unit, firstUnit)
                }
                continue
            }
            if level < topLevelCount {
                let bit = Self.bit(of: place, level: level, levelCount: topLevelCount)
                decide(node, word: flips.count - 1, bit: firstBit + bit, isFlipped: false)
            } else if let decision = slots.decision(of: node, view) {
                setPair(place, level: level, decision, unit, firstUnit)
            }
            pending.append((index + distance, 2 * place, level + 1))
            pending.append((index + distance + 1, 2 * place + 1, level + 1))
        }
    }

    /// Deep heaps go abreast; those that are missing add minus zero.
    private mutating func fillWordsUp(_ count: Int, _ unit: HeapUnit, leafCount: Int) {
        for _ in 0..<((8 - count % 8) % 8) {
            _ = appendWord()
            let firstUnit = units.count
            appendUnits(unit)
            setLeaf(0, to: UInt32(view.shape.leafCount), unit, firstUnit)
            ordinals += repeatElement(UInt32(view.shape.leafCount), count: leafCount)
        }
    }

    static let topLevelCountMax = 6

    /// The bit of a node in its tree's part of a word: first those of three levels, then those of each of the eight trees below.
    static func bit(of place: Int, level: Int, levelCount: Int) -> Int {
        guard level >= 3 else { return place - 1 }
        let width = 1 << (level - 3)
        let above = place >> (level - 3) & 7
        return 7 + above * (1 << (levelCount - 3) - 1) + place % width + width - 1
    }

    /// The units of a tree, with splits that always go left.
    private mutating func appendUnits(_ unit: HeapUnit) {
        let empty = unsafe [UInt8](unsafeUninitializedCapacity: unit.byteCount) { bytes, count in
            for index in 0..<unit.byteCount {
                unsafe bytes.initializeElement(at: index, to: index < unit.firstLeaf && index % 2 == 1 ? 255 : 0)
            }
            count = unit.byteCount
        }
        for _ in 0..<64 { units += empty }
    }

    private mutating func setPair(
        _ place: Int, level: Int, _ decision: (slot: UInt8, rank: UInt8), _ unit: HeapUnit, _ firstUnit: Int
    ) {
        let depth = level - Self.topLevelCountMax
        let local = place % (1 << depth) + 1 << depth
        let offset = firstUnit + (place >> depth - 64) * unit.byteCount + 2 * local
        units[offset] = decision.slot
        units[offset + 1] = decision.rank
    }

    private mutating func setLeaf(_ leaf: Int, to ordinal: UInt32, _ unit: HeapUnit, _ firstUnit: Int) {
        let offset =
            firstUnit + leaf / unit.leafCount * unit.byteCount + unit.firstLeaf + leaf % unit.leafCount * unit.valueByteCount
        let value = view.leafValue(Int(ordinal), 0)
        let bits = unit.valueByteCount == 4 ? UInt64(Float(value).bitPattern) : value.bitPattern
        for byte in 0..<unit.valueByteCount { units[offset + byte] = UInt8(truncatingIfNeeded: bits >> UInt64(8 * byte)) }
    }
}

/// What lies below one end of the six levels of a deep heap: pairs of slot and rank from index 1, then the leaves' values.
struct HeapUnit {
    let leafCount: Int
    let valueByteCount: Int
    /// In bytes.
    let firstLeaf: Int
    let byteCount: Int

    init(levelCount: Int, _ precision: Precision) {
        leafCount = 1 << levelCount
        valueByteCount = precision.byteCount
        firstLeaf = max(2 * leafCount, valueByteCount)
        byteCount = firstLeaf + leafCount * valueByteCount
    }
}
