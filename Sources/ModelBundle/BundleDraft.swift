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
    public var ensemble: TreeEnsemble
    public var golden: GoldenRows

    public init(
        name: String, objective: String, schema: FeatureSchema, policy: OutcomePolicy, provenance: Provenance = [],
        ensemble: TreeEnsemble, golden: GoldenRows = .none
    ) {
        self.name = name
        self.objective = objective
        self.schema = schema
        self.policy = policy
        self.provenance = provenance
        self.ensemble = ensemble
        self.golden = golden
    }

    /// The bundle file: the same draft gives the same bytes.
    ///
    /// - Throws: What admission would refuse, golden rows that the forest does not reproduce among it.
    public func serialized() throws(BundleError) -> [UInt8] {
        let forest = try packed()
        let identity = BundleIdentity(name: name, objective: objective, precision: .float32, shape: forest.shape)
        try identity.check()
        try schema.check()
        guard schema.features.count == ensemble.featureCount else {
            throw .featureCountWrong(schema: schema.features.count, forest: ensemble.featureCount)
        }
        try policy.check(outputCount: forest.shape.outputCount)
        try ProvenanceSection.check(provenance)
        let sections: [(SectionID, [UInt8])] = [
            (.identity, identity.serialized()), (.schema, schema.serialized()), (.policy, policy.serialized()),
            (.provenance, ProvenanceSection.serialized(provenance)), (.forestNodes, ByteWriter.bytes(of: forest.nodes)),
            (.forestRoots, ByteWriter.bytes(of: forest.roots)), (.forestTreeOutputs, ByteWriter.bytes(of: forest.treeOutputs)),
            (.forestGroupDepths, ByteWriter.bytes(of: forest.groupDepths)),
            (.forestBaseMargins, ByteWriter.bytes(of: forest.baseMargins)),
            (.goldenRows, try goldenBytes(forest)),
        ]
        return try Self.file(sections)
    }

    private func packed() throws(BundleError) -> PackedForest {
        do { return try PackedForest(ensemble) } catch { throw .forest(error) }
    }

    /// Row count and zero, then features, raw scores and outputs, after they were reproduced.
    private func goldenBytes(_ forest: PackedForest) throws(BundleError) -> [UInt8] {
        let shape = forest.shape
        for (values, width) in [(golden.features, shape.featureCount), (golden.outputs, shape.outputCount)]
        where values.count != golden.rowCount * width {
            throw .goldenCountWrong(rows: golden.rowCount, values: values.count, expected: golden.rowCount * width)
        }
        if let raw = golden.raw, raw.count != golden.rowCount * shape.rawCount {
            throw .goldenCountWrong(rows: golden.rowCount, values: raw.count, expected: golden.rowCount * shape.rawCount)
        }
        let raw = try reproducedRaw(forest)
        var writer = ByteWriter()
        writer.append(UInt32(golden.rowCount))
        writer.append(UInt32(0))
        for values in [golden.features, raw, golden.outputs] { writer.append(ByteWriter.bytes(of: values)) }
        return writer.bytes
    }

    private func reproducedRaw(_ forest: PackedForest) throws(BundleError) -> [Float] {
        // withUnsafeBufferPointer and withView carry no typed errors through, a Result does.
        let result = unsafe golden.features.withUnsafeBufferPointer { rows in
            forest.withView { view in
                Result { () throws(BundleError) in
                    let check = GoldenCheck(view: view)
                    try check.checkCost(rowCount: golden.rowCount)
                    return try unsafe check.score(rows, rowCount: golden.rowCount)
                }
            }
        }
        let scores = try result.get()
        if let raw = golden.raw { try GoldenCheck.compare(scores.raw, raw, width: forest.shape.rawCount, .raw) }
        try GoldenCheck.compare(scores.outputs, golden.outputs, width: forest.shape.outputCount, .transformed)
        return scores.raw
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
