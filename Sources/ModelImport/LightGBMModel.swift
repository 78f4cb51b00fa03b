import Forest
import ModelBundle

/// Reads a LightGBM model file, the text of versions v2 to v4; keys it does not know are ignored.
///
/// All trees of the file count. Early stopping leaves no trace in a file: LightGBM saves the trees up to the best iteration only,
/// unless it is told to save more, and a file loaded again predicts with all it has. DART's and the learning rate's factors are in
/// the leaves. Sums start at 0 and are float64, as thresholds are; a random forest's raw scores are sums, its outputs means.
struct LightGBMModel {
    private var text: LightGBMText
    private var head: LightGBMHead
    private var trees: [TreeEnsemble.Tree] = []
    private var zeroMissing: Set<Int> = []
    private var zeroPresent: Set<Int> = []
    private var categorical: Set<Int> = []
    /// Where each tree begins.
    private var treeOffsets: [Int] = []

    static let format = "LightGBM text"

    static func read(_ bytes: [UInt8]) throws(ImportError) -> ImportedModel {
        var model: LightGBMModel
        do { model = try LightGBMModel(bytes) } catch { throw .lightGBM(error) }
        return try model.imported()
    }

    private init(_ bytes: [UInt8]) throws(LightGBMError) {
        text = LightGBMText(bytes)
        head = try LightGBMHead(&text)
    }

    private mutating func imported() throws(ImportError) -> ImportedModel {
        do { try ForestShape.checkOutputCount(head.classCount) } catch { throw .forest(error) }
        let objective = try head.objective()
        do { try readTrees() } catch { throw .lightGBM(error) }
        var ensemble = TreeEnsemble(
            featureCount: head.featureCount, featurePrecision: .float64, sumPrecision: .float64,
            inputRules: .init(flushesTiny: true, categories: .towardZero, zeroIsMissing: zeroMissing),
            baseMargins: [Double](repeating: 0, count: head.classCount), transform: objective.transform, trees: trees)
        if head.averagesOutput { ensemble.transform.divisor = Double(trees.count / head.classCount) }
        do { _ = try PackedForest(ensemble) } catch { throw .forest(error) }
        return ImportedModel(
            format: Self.format, objective: objective.name, ensemble: ensemble, linear: nil,
            schema: head.schema(categorical: categorical), policy: objective.policy, provenance: provenance())
    }

    private mutating func readTrees() throws(LightGBMError) {
        var endOffset: Int?
        while endOffset == nil, let line = text.next() {
            if line.isEmpty { continue }
            if line.value == nil {
                // What follows the trees: version 2 has nothing but a list of importances there.
                guard line.key.elementsEqual("end of trees".utf8) || line.key.elementsEqual("feature importances:".utf8) else {
                    throw .lineInvalid(line: line.number)
                }
                endOffset = line.offset
            } else {
                guard line.keyText == "Tree", let value = line.value, LightGBMNumbers.integer(value) == trees.count else {
                    throw .treeOutOfOrder(line: line.number, expected: trees.count)
                }
                treeOffsets.append(line.offset)
                try readTree()
            }
        }
        guard endOffset != nil || head.version == 2 else { throw .treesUnfinished }
        try checkTrees(endOffset: endOffset ?? text.bytes.count)
    }

    private mutating func readTree() throws(LightGBMError) {
        var tree = try LightGBMTree(&text, index: trees.count)
        trees.append(try tree.tree(output: trees.count % head.classCount))
        zeroMissing.formUnion(tree.zeroMissing)
        zeroPresent.formUnion(tree.zeroPresent)
        categorical.formUnion(tree.categorical)
    }

    /// Checks the trees against what the head declares.
    private func checkTrees(endOffset: Int) throws(LightGBMError) {
        if let sizes = head.treeSizes {
            guard sizes.count == trees.count else {
                throw .headerCountMismatch(.treeSizes, declared: sizes.count, found: trees.count)
            }
            // Line ends of another kind change every size.
            if !text.bytes.contains(UInt8(ascii: "\r")) { try check(sizes: sizes, endOffset: endOffset) }
        }
        guard trees.count % head.classCount == 0, !(head.averagesOutput && trees.isEmpty) else {
            throw .iterationIncomplete(trees: trees.count, treesPerIteration: head.classCount)
        }
        if let feature = zeroMissing.intersection(zeroPresent).min() { throw .zeroAsMissingMixed(feature: feature) }
    }

    /// The size of the last tree is of no use to LightGBM either, but where no mark follows it shows that the tree is cut short.
    private func check(sizes: [Int], endOffset: Int) throws(LightGBMError) {
        for (tree, size) in sizes.enumerated() {
            let isLast = tree + 1 == sizes.count
            let found = (isLast ? endOffset : treeOffsets[tree + 1]) - treeOffsets[tree]
            guard isLast ? head.version > 2 || size <= found : size == found else {
                throw .treeByteCountMismatch(tree: tree, declared: size, found: found)
            }
        }
    }

    /// Categories of a pandas column are the numbers that pandas gave them; those are what the model scores.
    private mutating func provenance() -> Provenance {
        var entries: Provenance = [("source.format", Self.format), ("source.version", "lightgbm model v\(head.version)")]
        let mark = "pandas_categorical:"
        while let line = text.next() {
            guard line.key.starts(with: mark.utf8) else { continue }
            let value = line.key.dropFirst(mark.utf8.count)
            if !value.elementsEqual("null".utf8), !value.elementsEqual("[]".utf8) {
                entries.append(("source.pandas_categorical", "categories are pandas codes"))
            }
            break
        }
        return entries
    }
}
