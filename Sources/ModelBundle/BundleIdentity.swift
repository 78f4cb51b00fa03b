import Forest

/// The identity section: what the bundle is and how long the forest's sections are.
struct BundleIdentity: Equatable {
    let name: String
    let objective: String
    let precision: Precision
    let shape: ForestShape

    /// The only engine of format version 1: tree ensembles as XGBoost evaluates them.
    static let engine: UInt16 = 1

    func serialized() -> [UInt8] {
        var writer = ByteWriter()
        writer.append(precision.rawValue)
        writer.append(shape.transform.rawValue)
        writer.append(Self.engine)
        writer.append(UInt16(shape.slotBitCount))
        writer.append(UInt32(shape.featureCount))
        writer.append(UInt32(shape.rawCount))
        writer.append(UInt32(shape.treeCount))
        writer.append(UInt32(shape.nodeCount))
        writer.append(name)
        writer.append(objective)
        return writer.bytes
    }

    init(name: String, objective: String, precision: Precision, shape: ForestShape) {
        self.name = name
        self.objective = objective
        self.precision = precision
        self.shape = shape
    }

    init(_ reader: consuming SectionReader) throws(BundleError) {
        guard let precision = Precision(rawValue: try reader.read()) else { throw .sectionMalformed(.identity, offset: 0) }
        // Before anything else is read: the rest may differ in a bundle of another arithmetic.
        guard precision == .float32 else { throw .precisionUnsupported(precision) }
        guard let transform = Transform(rawValue: try reader.read()) else { throw .sectionMalformed(.identity, offset: 2) }
        guard try reader.read(UInt16.self) == Self.engine else { throw .sectionMalformed(.identity, offset: 4) }
        let slotBitCount = Int(try reader.read(UInt16.self))
        let featureCount = Int(try reader.read(UInt32.self))
        let rawCount = Int(try reader.read(UInt32.self))
        let treeCount = Int(try reader.read(UInt32.self))
        let nodeCount = Int(try reader.read(UInt32.self))
        name = try reader.readText(byteCountMax: BundleLimits.nameByteCountMax)
        objective = try reader.readText(byteCountMax: BundleLimits.objectiveByteCountMax)
        try reader.finish()
        self.precision = precision
        shape = ForestShape(
            featureCount: featureCount, rawCount: rawCount, transform: transform, treeCount: treeCount, nodeCount: nodeCount,
            slotBitCount: slotBitCount)
        try check()
    }

    func check() throws(BundleError) {
        guard Text.isBundleName(name) else { throw .nameInvalid }
        guard Text.isPrintable(objective, byteCounts: 1...BundleLimits.objectiveByteCountMax) else { throw .objectiveInvalid }
        do { try shape.check() } catch { throw .forest(error) }
    }
}
