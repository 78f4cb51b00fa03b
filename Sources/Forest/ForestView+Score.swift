/// The plain kernel: one tree after another, one step after another. It is what every faster kernel must agree with, bit for bit.
extension ForestView {
    /// Scores `rowCount` rows.
    ///
    /// - Parameters:
    ///   - rows: `[rowCount, featureCount]` row-major, NaN where missing.
    ///   - raw: `[rowCount, rawCount]`, receives the sums.
    ///   - outputs: `[rowCount, outputCount]`, receives the transformed sums; another buffer than `raw`.
    public func score(
        _ rows: UnsafePointer<Float>, rowCount: Int, raw: UnsafeMutablePointer<Double>, outputs: UnsafeMutablePointer<Double>
    ) {
        unsafe withKeys { keys in
            for row in 0..<rowCount {
                unsafe fillKeys(keys, from: rows + row &* shape.featureCount)
                unsafe sum(keys, raw + row &* shape.rawCount, outputs + row &* shape.outputCount)
            }
        }
    }

    /// As for Float; features are rounded to the feature precision.
    public func score(
        _ rows: UnsafePointer<Double>, rowCount: Int, raw: UnsafeMutablePointer<Double>, outputs: UnsafeMutablePointer<Double>
    ) {
        unsafe withKeys { keys in
            for row in 0..<rowCount {
                unsafe fillKeys(keys, from: rows + row &* shape.featureCount)
                unsafe sum(keys, raw + row &* shape.rawCount, outputs + row &* shape.outputCount)
            }
        }
    }

    /// Finds the leaf of each tree, by the framework's number: `[rowCount, treeCount]`.
    public func leaves(_ rows: UnsafePointer<Float>, rowCount: Int, into leaves: UnsafeMutablePointer<UInt32>) {
        unsafe withKeys { keys in
            for row in 0..<rowCount {
                unsafe fillKeys(keys, from: rows + row &* shape.featureCount)
                unsafe find(keys, leaves + row &* shape.treeCount)
            }
        }
    }

    /// As for Float.
    public func leaves(_ rows: UnsafePointer<Double>, rowCount: Int, into leaves: UnsafeMutablePointer<UInt32>) {
        unsafe withKeys { keys in
            for row in 0..<rowCount {
                unsafe fillKeys(keys, from: rows + row &* shape.featureCount)
                unsafe find(keys, leaves + row &* shape.treeCount)
            }
        }
    }

    /// Memory for one row's keys.
    private func withKeys(_ body: (UnsafeMutablePointer<UInt32>) -> Void) {
        unsafe withUnsafeTemporaryAllocation(of: UInt32.self, capacity: shape.slotCount) { keys in
            // Safety: there is at least slot 0.
            unsafe body(keys.baseAddress!)
        }
    }

    private func find(_ keys: UnsafePointer<UInt32>, _ leaves: UnsafeMutablePointer<UInt32>) {
        for tree in 0..<shape.treeCount { unsafe leaves[tree] = leafNumbers[leaf(ofTree: tree, keys)] }
    }

    private func sum(
        _ keys: UnsafePointer<UInt32>, _ raw: UnsafeMutablePointer<Double>, _ outputs: UnsafeMutablePointer<Double>
    ) {
        for output in 0..<shape.rawCount { unsafe raw[output] = baseMargins[output] }
        for tree in 0..<shape.treeCount {
            let leaf = unsafe leaf(ofTree: tree, keys)
            if shape.leafWidth == 1 {
                unsafe add(leafValue(leaf, 0), to: raw + Int(treeOutputs[tree]))
            } else {
                for column in 0..<shape.leafWidth { unsafe add(leafValue(leaf, column), to: raw + column) }
            }
        }
        unsafe shape.transform.apply(raw, rawCount: shape.rawCount, outputs, precision: shape.sumPrecision)
    }

    @inline(__always)
    private func add(_ value: Double, to sum: UnsafeMutablePointer<Double>) {
        if shape.sumPrecision == .float32 {
            unsafe sum.pointee = Double(Float(sum.pointee) + Float(value))
        } else {
            unsafe sum.pointee += value
        }
    }

    /// The ordinal of the leaf that a row reaches in a tree.
    public func leaf(ofTree tree: Int, _ keys: UnsafePointer<UInt32>) -> Int {
        var index = unsafe Int(roots[tree])
        while true {
            let node = unsafe nodes[index]
            let distance = distance(of: node)
            if distance == 0 { return Int(node.key) }
            index += distance + (unsafe keys[slot(of: node)] > node.key ? 1 : 0)
        }
    }
}
