import Forest

/// A branch as ranges of its feature: below the first cut lies the first target, from each cut on the next one.
struct ONNXRanges {
    let feature: Int
    /// Finite, ascending.
    private(set) var cuts: [Double] = []
    /// One more than there are cuts; neighbours differ.
    private(set) var targets: [ONNXBranches.Target] = []
    let missing: ONNXBranches.Target
    /// How many branches, and members of sets, were read to find them.
    let readCount: Int

    init(
        _ source: ONNXBranches, branch: Int, features: [ONNXFeature], precision: Precision, place: ONNXPlace
    ) throws(ONNXError) {
        let node = source.branches[branch]
        guard features.indices.contains(node.feature) else {
            throw .attributeFault(place, .featureIDs, .outOfRange(index: source.branchNodes[branch]))
        }
        let feature = features[node.feature]
        self.feature = feature.index
        let reading = try Reading(source, branch: branch, precision: precision, place: place)
        missing = reading.missing
        readCount = reading.readCount
        take(reading, feature)
    }

    /// Turns cuts of what the tree tests into cuts of the feature, and drops the ranges that no finite value is in.
    private mutating func take(_ reading: Reading, _ feature: ONNXFeature) {
        let isReversed = feature.reversesOrder
        let ordered = isReversed ? reading.cuts.reversed() : reading.cuts
        let targets = isReversed ? reading.targets.reversed() : reading.targets
        self.targets = [targets[0]]
        for (cut, target) in zip(ordered, targets.dropFirst()) {
            switch feature.boundary(cut) {
            case .beyondAll: return
            case .beforeAll: self.targets[self.targets.count - 1] = target
            case .value(let value):
                if cuts.last == value {
                    self.targets[self.targets.count - 1] = target
                } else {
                    cuts.append(value)
                    self.targets.append(target)
                }
                // Two cuts with nothing between them may have brought equal neighbours together.
                let count = self.targets.count
                if count > 1, self.targets[count - 1] == self.targets[count - 2] {
                    self.targets.removeLast()
                    cuts.removeLast()
                }
            }
        }
    }

    /// The branch in the terms of what the tree tests.
    private struct Reading {
        var cuts: [Double] = []
        var targets: [ONNXBranches.Target] = []
        var missing: ONNXBranches.Target
        var readCount = 1

        init(_ source: ONNXBranches, branch index: Int, precision: Precision, place: ONNXPlace) throws(ONNXError) {
            let branch = source.branches[index]
            guard !branch.value.isNaN || branch.mode == .member else {
                throw .treeFault(place, .valueNotFinite(node: source.branchNodes[index]))
            }
            missing = branch.missingTracksTrue ? branch.whenTrue : branch.whenFalse
            switch branch.mode {
            case .less: (cuts, targets) = ([branch.value], [branch.whenTrue, branch.whenFalse])
            case .lessOrEqual: (cuts, targets) = ([branch.value.next(precision)], [branch.whenTrue, branch.whenFalse])
            case .greaterOrEqual: (cuts, targets) = ([branch.value], [branch.whenFalse, branch.whenTrue])
            case .greater: (cuts, targets) = ([branch.value.next(precision)], [branch.whenFalse, branch.whenTrue])
            case .notEqual:
                guard branch.missingTracksTrue else { throw .useUnsupported(place, .missingDirection) }
                setPoints([branch.value: branch.whenFalse], others: branch.whenTrue, precision)
            case .equal, .member: readPoints(source, branch: index, precision)
            }
        }

        /// Follows a chain of tests of one feature for equality, as exporters write a test for a set of categories.
        private mutating func readPoints(_ source: ONNXBranches, branch index: Int, _ precision: Precision) {
            var points: [Double: ONNXBranches.Target] = [:]
            var index = index
            var missing: ONNXBranches.Target?
            while true {
                let branch = source.branches[index]
                readCount += branch.members.count
                for value in branch.mode == .member ? branch.members : [branch.value] where value.isFinite && points[value] == nil
                {
                    points[value] = branch.whenTrue
                }
                if branch.missingTracksTrue && missing == nil { missing = branch.whenTrue }
                guard case .branch(let next) = branch.whenFalse, source.branches[next].feature == branch.feature,
                    source.branches[next].mode == .equal || source.branches[next].mode == .member,
                    !source.branches[next].value.isNaN || source.branches[next].mode == .member
                else {
                    self.missing = missing ?? branch.whenFalse
                    setPoints(points, others: branch.whenFalse, precision)
                    return
                }
                index = next
                readCount += 1
            }
        }

        private mutating func setPoints(
            _ points: [Double: ONNXBranches.Target], others: ONNXBranches.Target, _ precision: Precision
        ) {
            targets = [others]
            for (value, target) in points.sorted(by: { $0.key < $1.key }) where value.isFinite {
                if cuts.last == value {
                    targets[targets.count - 1] = target
                } else {
                    cuts.append(value)
                    targets.append(target)
                }
                cuts.append(value.next(precision))
                targets.append(others)
            }
        }
    }
}

extension Double {
    /// The least number above it, +infinity after the greatest.
    fileprivate func next(_ precision: Precision) -> Double {
        precision == .float32 ? Double(Float(self).nextUp) : nextUp
    }
}
