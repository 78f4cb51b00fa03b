import Forest

/// The identity section: what the bundle is and how long the model's sections are.
struct BundleIdentity: Equatable {
    let name: String
    let objective: String
    /// What features travel in.
    let precision: Precision
    let shape: ForestShape
    let hasLinear: Bool
    let hasScaler: Bool

    private struct Flags: OptionSet {
        let rawValue: UInt16
        static let flushesTiny = Flags(rawValue: 1)
        static let covers = Flags(rawValue: 2)
        static let linear = Flags(rawValue: 4)
        static let scaler = Flags(rawValue: 8)
        static let all: Flags = [.flushesTiny, .covers, .linear, .scaler]
    }

    init(name: String, objective: String, precision: Precision, shape: ForestShape, hasLinear: Bool, hasScaler: Bool) {
        self.name = name
        self.objective = objective
        self.precision = precision
        self.shape = shape
        self.hasLinear = hasLinear
        self.hasScaler = hasScaler
    }

    func serialized() -> [UInt8] {
        var flags: Flags = []
        if shape.flushesTiny { flags.insert(.flushesTiny) }
        if shape.hasCovers { flags.insert(.covers) }
        if hasLinear { flags.insert(.linear) }
        if hasScaler { flags.insert(.scaler) }
        var writer = ByteWriter()
        for number in [
            precision.rawValue, shape.featurePrecision.rawValue, shape.sumPrecision.rawValue, shape.categoryRule.rawValue,
            shape.transform.kind.rawValue, flags.rawValue,
        ] {
            writer.append(number)
        }
        for count in [
            shape.featureCount, shape.rawCount, shape.leafWidth, shape.treeCount, shape.nodeCount, shape.leafCount,
            shape.thresholdCount, shape.categoryFeatureCount, shape.categoryCount, shape.categoryWordCount,
            shape.categorySlotCount,
        ] {
            writer.append(UInt32(count))
        }
        for parameter in [shape.transform.divisor, shape.transform.scale, shape.transform.offset] { writer.append(parameter) }
        writer.append(name)
        writer.append(objective)
        return writer.bytes
    }

    init(_ reader: consuming SectionReader) throws(BundleError) {
        let precision = try reader.readCase(Precision.self)
        let featurePrecision = try reader.readCase(Precision.self)
        let sumPrecision = try reader.readCase(Precision.self)
        let categoryRule = try reader.readCase(TreeEnsemble.CategoryRule.self)
        let kind = try reader.readCase(Transform.Kind.self)
        let flagsStart = reader.malformed
        let flags = Flags(rawValue: try reader.read())
        guard flags.isSubset(of: .all) else { throw flagsStart }
        var counts: [Int] = []
        for _ in 0..<11 { counts.append(Int(try reader.read(UInt32.self))) }
        let transform = Transform(
            kind, divisor: try reader.readDouble(), scale: try reader.readDouble(), offset: try reader.readDouble())
        name = try reader.readText(byteCountMax: BundleLimits.nameByteCountMax)
        objective = try reader.readText(byteCountMax: BundleLimits.objectiveByteCountMax)
        try reader.finish()
        self.precision = precision
        hasLinear = flags.contains(.linear)
        hasScaler = flags.contains(.scaler)
        shape = ForestShape(
            featureCount: counts[0], featurePrecision: featurePrecision, sumPrecision: sumPrecision,
            flushesTiny: flags.contains(.flushesTiny), categoryRule: categoryRule, rawCount: counts[1], leafWidth: counts[2],
            transform: transform, treeCount: counts[3], nodeCount: counts[4], leafCount: counts[5], thresholdCount: counts[6],
            categoryFeatureCount: counts[7], categoryCount: counts[8], categoryWordCount: counts[9],
            categorySlotCount: counts[10],
            hasCovers: flags.contains(.covers))
        try check()
    }

    func check() throws(BundleError) {
        guard Text.isBundleName(name) else { throw .nameInvalid }
        guard Text.isPrintable(objective, byteCounts: 1...BundleLimits.objectiveByteCountMax) else { throw .objectiveInvalid }
        do { try shape.check() } catch { throw .forest(error) }
        // Weights and trees would have to agree on an order of summation that no framework has.
        guard !hasLinear || shape.treeCount == 0 else { throw .linearWithTrees }
    }
}
