import Forest
import Platform

/// An admitted bundle: a sealed, mapped, immutable file whose structure and golden rows were checked; safe to use from any thread.
public final class Bundle: Sendable {
    public let name: String
    /// The objective the model was trained for, by its framework's name.
    public let objective: String
    /// SHA-256 of the whole file.
    public let digest: SHA256Digest
    public let byteCount: Int
    /// What scores are computed in.
    public var sumPrecision: Precision { scoring.shape.sumPrecision }
    /// What features travel in.
    public let precision: Precision
    public let schema: FeatureSchema
    public let policy: OutcomePolicy
    public let provenance: Provenance
    public let featureCount: Int
    /// How many raw scores a row has.
    public let rawCount: Int
    /// How many outputs a row has: `rawCount`, but 1 where the output is the index of the best class.
    public let outputCount: Int
    public let treeCount: Int
    /// Without the padding.
    public let nodeCount: Int
    public let goldenRowCount: Int

    /// What computes the scores of trees on this machine.
    public var kernel: Kernel { scoring.scorer.kernel }
    /// How far golden results may be from their references.
    public var goldenTolerance: GoldenTolerance { golden.tolerance }
    let scoring: BundleScoring
    /// Of trees whose covers are known.
    let explainer: Explainer?
    // Safety: everything above that points anywhere points into this mapping, which lives as long as the bundle.
    private let memory: MappedMemory
    private let golden: GoldenSection

    /// Whether no golden rows vouch for the bundle.
    public var isUnproven: Bool { goldenRowCount == 0 }

    /// The whole sealed file, valid as long as the bundle.
    public var fileBytes: UnsafeRawBufferPointer { unsafe memory.bytes }

    /// Copies a file into sealed memory and admits it.
    ///
    /// - Throws: The exact reason why it is refused.
    public static func admit(file path: String) throws(BundleError) -> Bundle {
        do {
            return try Bundle(MappedMemory.sealedCopy(ofFile: path, byteCountMax: BundleLimits.fileByteCountMax))
        } catch let error as SystemError {
            throw .system(error)
        } catch let error as BundleError {
            throw error
        } catch {
            preconditionFailure("an error of neither type: \(error)")
        }
    }

    /// Copies bytes into sealed memory and admits them.
    public static func admit(bytes: [UInt8]) throws(BundleError) -> Bundle {
        guard !bytes.isEmpty else { throw .fileTooShort(byteCount: 0) }
        guard bytes.count <= BundleLimits.fileByteCountMax else {
            throw .fileTooLong(byteCount: bytes.count, limit: BundleLimits.fileByteCountMax)
        }
        let memory: Result<MappedMemory, SystemError> = unsafe bytes.withUnsafeBytes { bytes in
            Result { () throws(SystemError) in try unsafe MappedMemory.sealedCopy(of: bytes) }
        }
        switch memory {
        case .success(let memory): return try Bundle(memory)
        case .failure(let error): throw .system(error)
        }
    }

    private init(_ memory: MappedMemory) throws(BundleError) {
        let table = try unsafe SectionTable(memory.bytes)
        let identity = try BundleIdentity(table.reader(of: .identity))
        schema = try FeatureSchema(table.reader(of: .schema))
        policy = try OutcomePolicy(table.reader(of: .policy))
        provenance = try ProvenanceSection.parse(table.reader(of: .provenance))
        let shape = identity.shape
        guard schema.features.count == shape.featureCount else {
            throw .featureCountWrong(schema: schema.features.count, forest: shape.featureCount)
        }
        try policy.check(outputCount: shape.outputCount)
        let goldenSection = try GoldenSection(table, identity: identity)
        scoring = unsafe BundleScoring(
            ForestScorer(try Self.checkedForest(shape, table)), weights: try unsafe Self.checkedWeights(identity, table),
            scaler: try unsafe Self.checkedScaler(identity, table))
        try goldenSection.check(scoring)
        golden = goldenSection
        // A model without covers, or one too large to explain, still scores.
        explainer = shape.treeCount > 0 ? try? Explainer(scoring.forest) : nil
        self.memory = memory
        name = identity.name
        objective = identity.objective
        precision = identity.precision
        digest = table.digest
        byteCount = memory.byteCount
        featureCount = shape.featureCount
        rawCount = shape.rawCount
        outputCount = shape.outputCount
        treeCount = shape.treeCount
        nodeCount = shape.nodeCount - 1
        goldenRowCount = goldenSection.rowCount
    }

    /// The golden rows' features, `[goldenRowCount, featureCount]`, widened.
    public var goldenFeatures: [Double] { golden.features }

    /// The raw scores the golden rows must have, `[goldenRowCount, rawCount]`.
    public var goldenRaw: [Double] { unsafe Array(golden.raw) }

    /// The outputs the golden rows must have, `[goldenRowCount, outputCount]`.
    public var goldenOutputs: [Double] { unsafe Array(golden.outputs) }

    private static func checkedForest(_ shape: ForestShape, _ table: SectionTable) throws(BundleError) -> ForestView {
        var parts = try unsafe ForestParts<UnsafeRawPointer>(
            repeating: table.elements(of: .forestNodes, count: shape.nodeCount, width: 8))
        for part in ForestPart.allCases {
            // Safety: each section is checked to have exactly as many bytes as the shape says.
            unsafe parts[part] = try table.elements(of: SectionID(part), count: part.byteCount(in: shape), width: 1)
        }
        let view = unsafe ForestView(shape: shape, parts: parts)
        do { try view.check() } catch { throw .forest(error) }
        return view
    }

    private static func checkedWeights(_ identity: BundleIdentity, _ table: SectionTable) throws(BundleError) -> UnsafePointer<
        Double
    >? {
        let count = identity.hasLinear ? identity.shape.rawCount * identity.shape.featureCount : 0
        let values = try unsafe table.doubles(of: .linearWeights, count: count)
        let precision = identity.shape.sumPrecision
        guard unsafe values.allSatisfy({ $0.isFinite && $0.rounded(to: precision) == $0 }) else { throw .linearWeightsInvalid }
        return identity.hasLinear ? values.baseAddress : nil
    }

    private static func checkedScaler(_ identity: BundleIdentity, _ table: SectionTable) throws(BundleError) -> UnsafePointer<
        Double
    >? {
        let featureCount = identity.shape.featureCount
        let values = try unsafe table.doubles(of: .scaler, count: identity.hasScaler ? 2 * featureCount : 0)
        guard unsafe values.allSatisfy(\.isFinite), unsafe values.dropFirst(featureCount).allSatisfy({ $0 != 0 }) else {
            throw .scalerInvalid
        }
        return identity.hasScaler ? values.baseAddress : nil
    }

    /// Scores rows of float32; no allocation, no reference counting.
    ///
    /// - Parameters:
    ///   - rows: `[rowCount, featureCount]` row-major, NaN where missing, already validated.
    ///   - raw: `[rowCount, rawCount]`, receives the raw scores.
    ///   - outputs: `[rowCount, outputCount]`, receives the outputs; another buffer than `raw`.
    public func score(
        _ rows: UnsafePointer<Float>, rowCount: Int, raw: UnsafeMutablePointer<Double>, outputs: UnsafeMutablePointer<Double>
    ) {
        unsafe scoring.score(rows, rowCount: rowCount, raw: raw, outputs: outputs)
    }

    /// Scores rows of float64; they are rounded where the model takes float32.
    public func score(
        _ rows: UnsafePointer<Double>, rowCount: Int, raw: UnsafeMutablePointer<Double>, outputs: UnsafeMutablePointer<Double>
    ) {
        unsafe scoring.score(rows, rowCount: rowCount, raw: raw, outputs: outputs)
    }
}
