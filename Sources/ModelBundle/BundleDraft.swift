import Forest
import Platform

/// Everything a bundle is made of, before it is a file.
public struct BundleDraft: Sendable {
    /// 1-64 of `a-z`, `0-9`, `_` and `-`.
    public var name: String
    /// The objective the model was trained for, by its framework's name.
    public var objective: String
    public var schema: FeatureSchema
    public var policy: OutcomePolicy
    public var provenance: Provenance
    /// What features travel in.
    public var precision: Precision
    /// Its base margins are the intercepts where there are weights, and then it has no trees.
    public var ensemble: TreeEnsemble
    public var linear: LinearModel?
    public var scaler: StandardScaler?
    public var golden: GoldenRows

    /// - Parameter precision: nil: that of the model's features, float64 where a scaler comes first.
    public init(
        name: String, objective: String, schema: FeatureSchema, policy: OutcomePolicy, provenance: Provenance = [],
        precision: Precision? = nil, ensemble: TreeEnsemble, linear: LinearModel? = nil, scaler: StandardScaler? = nil,
        golden: GoldenRows = .none
    ) {
        self.name = name
        self.objective = objective
        self.schema = schema
        self.policy = policy
        self.provenance = provenance
        self.precision = precision ?? (scaler == nil ? ensemble.featurePrecision : .float64)
        self.ensemble = ensemble
        self.linear = linear
        self.scaler = scaler
        self.golden = golden
    }

    /// The bundle file: the same draft gives the same bytes.
    ///
    /// - Throws: What admission would refuse, golden rows that the forest does not reproduce among it.
    public func serialized() throws(BundleError) -> [UInt8] {
        let forest = try packed()
        let identity = BundleIdentity(
            name: name, objective: objective, precision: precision, shape: forest.shape, hasLinear: linear != nil,
            hasScaler: scaler != nil)
        try identity.check()
        try schema.check()
        guard schema.features.count == ensemble.featureCount else {
            throw .featureCountWrong(schema: schema.features.count, forest: ensemble.featureCount)
        }
        try policy.check(outputCount: forest.shape.outputCount)
        try ProvenanceSection.check(provenance)
        try checkLinearParts(forest.shape)
        var sections: [(SectionID, [UInt8])] = [
            (.identity, identity.serialized()), (.schema, schema.serialized()), (.policy, policy.serialized()),
            (.provenance, ProvenanceSection.serialized(provenance)),
        ]
        for part in ForestPart.allCases { sections.append((SectionID(part), forest.bytes(of: part))) }
        sections.append((.linearWeights, ByteWriter.bytes(of: weights)))
        sections.append((.scaler, ByteWriter.bytes(of: (scaler?.means ?? []) + (scaler?.scales ?? []))))
        sections.append((.goldenRows, try goldenBytes(forest)))
        return try Self.file(sections)
    }

    private func checkLinearParts(_ shape: ForestShape) throws(BundleError) {
        if let linear {
            guard linear.weights.count == shape.rawCount * shape.featureCount, weights.allSatisfy(\.isFinite) else {
                throw .linearWeightsInvalid
            }
        }
        if let scaler {
            guard scaler.means.count == shape.featureCount, scaler.scales.count == shape.featureCount,
                (scaler.means + scaler.scales).allSatisfy(\.isFinite), scaler.scales.allSatisfy({ $0 != 0 })
            else { throw .scalerInvalid }
        }
    }

    /// What products are computed with, `[rawCount, featureCount]` or empty.
    private var weights: [Double] { (linear?.weights ?? []).map { $0.rounded(to: ensemble.sumPrecision) } }

    private func packed() throws(BundleError) -> PackedForest {
        do { return try PackedForest(ensemble) } catch { throw .forest(error) }
    }

    /// Row count, zero, tolerances, then features, raw scores and outputs, after they were reproduced.
    private func goldenBytes(_ forest: PackedForest) throws(BundleError) -> [UInt8] {
        let shape = forest.shape
        for (values, width) in [(golden.features, shape.featureCount), (golden.outputs, shape.outputCount)]
        where values.count != golden.rowCount * width {
            throw .goldenCountWrong(rows: golden.rowCount, values: values.count, expected: golden.rowCount * width)
        }
        if let raw = golden.raw, raw.count != golden.rowCount * shape.rawCount {
            throw .goldenCountWrong(rows: golden.rowCount, values: raw.count, expected: golden.rowCount * shape.rawCount)
        }
        try golden.tolerance.check()
        let raw = try reproducedRaw(forest)
        var writer = ByteWriter()
        writer.append(UInt32(golden.rowCount))
        writer.append(UInt32(0))
        writer.append(golden.tolerance.raw)
        writer.append(golden.tolerance.outputs)
        writer.append(try featureBytes(shape.featureCount))
        writer.pad(toMultipleOf: 8)
        writer.append(ByteWriter.bytes(of: raw))
        writer.append(ByteWriter.bytes(of: golden.outputs))
        return writer.bytes
    }

    /// The golden rows in the bundle's precision.
    private func featureBytes(_ featureCount: Int) throws(BundleError) -> [UInt8] {
        guard precision == .float32 else { return ByteWriter.bytes(of: golden.features) }
        for (index, value) in golden.features.enumerated() where !value.isNaN && Double(Float(value)) != value {
            throw .goldenNotRepresentable(row: index / featureCount, feature: index % featureCount)
        }
        return ByteWriter.bytes(of: golden.features.map(Float.init))
    }

    private func reproducedRaw(_ forest: PackedForest) throws(BundleError) -> [Double] {
        let scores = try reproduced(forest)
        let shape = forest.shape
        if let raw = golden.raw {
            try GoldenCheck.compare(scores.raw, raw, width: shape.rawCount, tolerance: golden.tolerance.raw, .raw)
        }
        try GoldenCheck.compare(
            scores.outputs, golden.outputs, width: shape.outputCount, tolerance: golden.tolerance.outputs, .transformed)
        return golden.raw ?? scores.raw
    }

    private func reproduced(_ forest: PackedForest) throws(BundleError) -> (raw: [Double], outputs: [Double]) {
        let scaling = (scaler?.means ?? []) + (scaler?.scales ?? [])
        let weights = weights
        // The closures of the standard library carry no typed errors through, a Result does.
        let result = unsafe golden.features.withUnsafeBufferPointer { rows in
            unsafe weights.withUnsafeBufferPointer { weights in
                unsafe scaling.withUnsafeBufferPointer { scaling in
                    forest.withView { view in
                        Result { () throws(BundleError) in
                            let scoring = unsafe BundleScoring(
                                ForestScorer(view), weights: linear == nil ? nil : weights.baseAddress,
                                scaler: scaler == nil ? nil : scaling.baseAddress)
                            let check = GoldenCheck(scoring: scoring)
                            try check.checkCost(rowCount: golden.rowCount)
                            return try unsafe check.score(rows, rowCount: golden.rowCount)
                        }
                    }
                }
            }
        }
        return try result.get()
    }

    /// Header, section table, sections, SHA-256.
    private static func file(_ sections: [(SectionID, [UInt8])]) throws(BundleError) -> [UInt8] {
        let tableEnd = BundleFormat.headerByteCount + sections.count * BundleFormat.sectionEntryByteCount
        var offset = BundleFormat.aligned(tableEnd)
        var table = ByteWriter()
        for (section, bytes) in sections {
            table.append(section.rawValue)
            table.append(UInt32(0))
            table.append(UInt64(offset))
            table.append(UInt64(bytes.count))
            offset += BundleFormat.aligned(bytes.count)
        }
        let byteCount = offset + BundleFormat.trailerByteCount
        guard byteCount <= BundleLimits.fileByteCountMax else {
            throw .fileTooLong(byteCount: byteCount, limit: BundleLimits.fileByteCountMax)
        }
        var writer = ByteWriter()
        writer.append(BundleFormat.magic)
        writer.append(BundleFormat.version)
        writer.append(UInt32(sections.count))
        writer.append(UInt64(byteCount))
        writer.pad(toMultipleOf: BundleFormat.headerByteCount)
        writer.append(table.bytes)
        writer.pad(toMultipleOf: BundleFormat.alignment)
        for (_, bytes) in sections {
            writer.append(bytes)
            writer.pad(toMultipleOf: BundleFormat.alignment)
        }
        writer.append(SHA256Hasher.hash(writer.bytes).bytes)
        return writer.bytes
    }
}
