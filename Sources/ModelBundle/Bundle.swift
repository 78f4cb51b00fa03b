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

    private let forest: ForestView
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
        forest = try Self.checkedForest(shape, table)
        let golden = try GoldenSection(table, shape: shape)
        try golden.check(forest)
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
        goldenRowCount = golden.rowCount
        self.golden = golden
    }

    /// The golden rows' features, `[goldenRowCount][featureCount]`.
    public func goldenRows32() -> [[Float]] { unsafe Self.rows(golden.features, width: featureCount) }

    /// The raw scores the golden rows must have, `[goldenRowCount][rawCount]`.
    public func goldenRaw32() -> [[Float]] { unsafe Self.rows(golden.raw, width: rawCount) }

    /// The outputs the golden rows must have, `[goldenRowCount][outputCount]`.
    public func goldenOutputs32() -> [[Float]] { unsafe Self.rows(golden.outputs, width: outputCount) }

    private static func rows(_ values: UnsafeBufferPointer<Float>, width: Int) -> [[Float]] {
        stride(from: 0, to: values.count, by: width).map { unsafe Array(values[$0..<($0 + width)]) }
    }

    private static func checkedForest(_ shape: ForestShape, _ table: SectionTable) throws(BundleError) -> ForestView {
        // Safety: each section was checked to have exactly as many elements as the shape says.
        let view = try unsafe ForestView(
            shape: shape, nodes: table.elements(of: .forestNodes, count: shape.nodeCount, width: 8),
            roots: table.elements(of: .forestRoots, count: shape.paddedTreeCount, width: 4),
            treeOutputs: table.elements(of: .forestTreeOutputs, count: shape.paddedTreeCount, width: 4),
            groupDepths: table.elements(of: .forestGroupDepths, count: shape.groupCount, width: 4),
            baseMargins: table.elements(of: .forestBaseMargins, count: shape.rawCount, width: 4))
        do { try view.check() } catch { throw .forest(error) }
        return view
    }

    /// Scores one row; no allocation, no reference counting.
    ///
    /// - Parameters:
    ///   - features: `[featureCount]`, NaN where missing, already validated.
    ///   - raw: `[rawCount]`, receives the raw scores.
    ///   - outputs: `[outputCount]`, receives the outputs; another buffer than `raw`.
    public func score32(
        _ features: UnsafePointer<Float>, raw: UnsafeMutablePointer<Float>, outputs: UnsafeMutablePointer<Float>
    ) {
        unsafe forest.score(features, raw: raw, outputs: outputs)
    }

    /// Scores `rowCount` rows: `[rowCount, featureCount]` row-major into `[rowCount, rawCount]` and `[rowCount, outputCount]`.
    public func scoreBatch32(
        _ rows: UnsafePointer<Float>, rowCount: Int, raw: UnsafeMutablePointer<Float>, outputs: UnsafeMutablePointer<Float>
    ) {
        unsafe forest.scoreBatch(rows, rowCount: rowCount, raw: raw, outputs: outputs)
    }
}
