extension ForestView {
    /// Scores one row.
    ///
    /// - Parameters:
    ///   - features: `[featureCount]`, NaN where missing.
    ///   - raw: `[rawCount]`, receives the sums.
    ///   - outputs: `[outputCount]`, receives the transformed sums; another buffer than `raw`.
    public func score(
        _ features: UnsafePointer<Float>, raw: UnsafeMutablePointer<Float>, outputs: UnsafeMutablePointer<Float>
    ) {
        unsafe scoreBatch(features, rowCount: 1, raw: raw, outputs: outputs)
    }

    /// Scores `rowCount` rows, `[rowCount, featureCount]` row-major into `[rowCount, rawCount]` and `[rowCount, outputCount]`.
    public func scoreBatch(
        _ rows: UnsafePointer<Float>, rowCount: Int, raw: UnsafeMutablePointer<Float>, outputs: UnsafeMutablePointer<Float>
    ) {
        // The keys of a row live on the stack, in the smallest of three sizes: filling them costs less than computing them, and
        // nothing is allocated. Each size is a function of its own, so that a short row does not reserve the frame of the longest.
        switch shape.featureCount {
        case ...64: unsafe scoreNarrow(rows, rowCount, raw, outputs)
        case ...512: unsafe scoreMiddling(rows, rowCount, raw, outputs)
        default: unsafe scoreWide(rows, rowCount, raw, outputs)
        }
    }

    @inline(never)
    private func scoreNarrow(
        _ rows: UnsafePointer<Float>, _ rowCount: Int, _ raw: UnsafeMutablePointer<Float>, _ outputs: UnsafeMutablePointer<Float>
    ) {
        var keys = InlineArray<129, UInt32>(repeating: OrderKey.least)
        var span = keys.mutableSpan
        unsafe span.withUnsafeMutableBufferPointer { unsafe scoreRows(rows, rowCount, raw, outputs, $0.baseAddress!) }
    }

    @inline(never)
    private func scoreMiddling(
        _ rows: UnsafePointer<Float>, _ rowCount: Int, _ raw: UnsafeMutablePointer<Float>, _ outputs: UnsafeMutablePointer<Float>
    ) {
        var keys = InlineArray<1025, UInt32>(repeating: OrderKey.least)
        var span = keys.mutableSpan
        unsafe span.withUnsafeMutableBufferPointer { unsafe scoreRows(rows, rowCount, raw, outputs, $0.baseAddress!) }
    }

    @inline(never)
    private func scoreWide(
        _ rows: UnsafePointer<Float>, _ rowCount: Int, _ raw: UnsafeMutablePointer<Float>, _ outputs: UnsafeMutablePointer<Float>
    ) {
        precondition(shape.featureCount <= ForestLimits.featureCountMax, "\(shape.featureCount) features were never checked")
        var keys = InlineArray<16385, UInt32>(repeating: OrderKey.least)
        var span = keys.mutableSpan
        unsafe span.withUnsafeMutableBufferPointer { unsafe scoreRows(rows, rowCount, raw, outputs, $0.baseAddress!) }
    }

    @inline(__always)
    private func scoreRows(
        _ rows: UnsafePointer<Float>, _ rowCount: Int, _ raw: UnsafeMutablePointer<Float>, _ outputs: UnsafeMutablePointer<Float>,
        _ keys: UnsafeMutablePointer<UInt32>
    ) {
        let outputCount = shape.outputCount
        for row in 0..<rowCount {
            unsafe fill(keys, from: rows + row &* shape.featureCount)
            let rowRaw = unsafe raw + row &* shape.rawCount
            unsafe sum(keys, into: rowRaw)
            unsafe shape.transform.apply(rowRaw, rawCount: shape.rawCount, outputs + row &* outputCount)
        }
    }

    /// Writes the two keys of each feature; slot 0 stays the least key.
    @inline(__always)
    private func fill(_ keys: UnsafeMutablePointer<UInt32>, from features: UnsafePointer<Float>) {
        for feature in 0..<shape.featureCount {
            let value = unsafe features[feature]
            let key = OrderKey.of(value)
            let isMissing = value.isNaN
            unsafe keys[1 &+ 2 &* feature] = isMissing ? OrderKey.least : key
            unsafe keys[2 &+ 2 &* feature] = isMissing ? OrderKey.greatest : key
        }
    }

    @inline(__always)
    private func sum(_ keys: UnsafePointer<UInt32>, into raw: UnsafeMutablePointer<Float>) {
        let common = UInt32(ForestShape.commonSlotBitCount)
        if shape.slotBitCount == ForestShape.commonSlotBitCount {
            // The constant becomes an immediate of the shift and the mask.
            unsafe shape.rawCount == 1 ? sumOne(keys, raw, common) : sumMany(keys, raw, common)
        } else {
            unsafe sumMany(keys, raw, UInt32(shape.slotBitCount))
        }
    }

    @inline(__always)
    private func sumOne(_ keys: UnsafePointer<UInt32>, _ raw: UnsafeMutablePointer<Float>, _ slotBitCount: UInt32) {
        var sum = unsafe baseMargins[0]
        for group in 0..<groupCount {
            let leaf = unsafe walk(group, keys, slotBitCount)
            sum += leaf.0
            sum += leaf.1
            sum += leaf.2
            sum += leaf.3
            sum += leaf.4
            sum += leaf.5
            sum += leaf.6
            sum += leaf.7
        }
        unsafe raw[0] = sum
    }

    @inline(__always)
    private func sumMany(_ keys: UnsafePointer<UInt32>, _ raw: UnsafeMutablePointer<Float>, _ slotBitCount: UInt32) {
        for output in 0..<shape.rawCount { unsafe raw[output] = baseMargins[output] }
        for group in 0..<groupCount {
            let leaf = unsafe walk(group, keys, slotBitCount)
            let output = unsafe treeOutputs + group &* ForestShape.groupTreeCount
            unsafe raw[Int(output[0])] += leaf.0
            unsafe raw[Int(output[1])] += leaf.1
            unsafe raw[Int(output[2])] += leaf.2
            unsafe raw[Int(output[3])] += leaf.3
            unsafe raw[Int(output[4])] += leaf.4
            unsafe raw[Int(output[5])] += leaf.5
            unsafe raw[Int(output[6])] += leaf.6
            unsafe raw[Int(output[7])] += leaf.7
        }
    }

    private typealias Leaves = (Float, Float, Float, Float, Float, Float, Float, Float)

    /// Walks eight trees at once, so that eight chains of loads are under way instead of one, as many steps as the deepest needs.
    @inline(__always)
    private func walk(_ group: Int, _ keys: UnsafePointer<UInt32>, _ slotBitCount: UInt32) -> Leaves {
        let root = unsafe roots + group &* ForestShape.groupTreeCount
        var a = unsafe UInt(root[0])
        var b = unsafe UInt(root[1])
        var c = unsafe UInt(root[2])
        var d = unsafe UInt(root[3])
        var e = unsafe UInt(root[4])
        var f = unsafe UInt(root[5])
        var g = unsafe UInt(root[6])
        var h = unsafe UInt(root[7])
        for _ in 0..<(unsafe groupDepths[group]) {
            a = unsafe step(a, keys, slotBitCount)
            b = unsafe step(b, keys, slotBitCount)
            c = unsafe step(c, keys, slotBitCount)
            d = unsafe step(d, keys, slotBitCount)
            e = unsafe step(e, keys, slotBitCount)
            f = unsafe step(f, keys, slotBitCount)
            g = unsafe step(g, keys, slotBitCount)
            h = unsafe step(h, keys, slotBitCount)
        }
        return unsafe (
            nodes[Int(bitPattern: a)].value, nodes[Int(bitPattern: b)].value, nodes[Int(bitPattern: c)].value,
            nodes[Int(bitPattern: d)].value, nodes[Int(bitPattern: e)].value,
            nodes[Int(bitPattern: f)].value, nodes[Int(bitPattern: g)].value, nodes[Int(bitPattern: h)].value
        )
    }

    /// One step down; a leaf steps onto itself. Right is one further than left, and the borrow of a subtraction tells it: there is no
    /// branch here that the compiler could bring back.
    @inline(__always)
    private func step(_ index: UInt, _ keys: UnsafePointer<UInt32>, _ slotBitCount: UInt32) -> UInt {
        let node = unsafe nodes[Int(bitPattern: index)]
        let slot = Int(node.link & ((1 &<< slotBitCount) &- 1))
        let goesRight = unsafe (UInt64(node.key) &- UInt64(keys[slot])) &>> 63
        return index &+ UInt(node.link &>> slotBitCount) &+ UInt(goesRight)
    }
}
