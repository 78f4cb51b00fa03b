extension Explainer {
    /// Picks the features that moved one raw score most, whichever way, the strongest first; of equals, the lower index first.
    ///
    /// - Parameters:
    ///   - contributions: `[featureCount]` or more: of one row and one raw score, without the base.
    ///   - reasons: As many as are wanted; receives feature indices.
    /// - Returns: How many were picked: features that contribute nothing are no reasons.
    public static func topReasons(_ contributions: Span<Double>, into reasons: inout MutableSpan<UInt32>) -> Int {
        var count = 0
        guard !reasons.isEmpty else { return 0 }
        for feature in contributions.indices {
            let strength = contributions[feature].magnitude
            guard strength > 0 else { continue }
            if count == reasons.count {
                guard strength > contributions[Int(reasons[count - 1])].magnitude else { continue }
            } else {
                count += 1
            }
            var place = count - 1
            while place > 0, strength > contributions[Int(reasons[place - 1])].magnitude {
                reasons[place] = reasons[place - 1]
                place -= 1
            }
            reasons[place] = UInt32(feature)
        }
        return count
    }
}
