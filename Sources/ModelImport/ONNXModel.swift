import Forest
import ModelBundle
import Platform

/// Reads an ONNX model: tree ensembles and linear models, and what exporters put around them.
///
/// Of several outputs the first one that holds numbers is imported; class labels are not, because outcomes come from thresholds.
struct ONNXModel {
    private let file: ONNXFile
    private let evaluator: ONNXEvaluator
    private let forest: ONNXForest
    private let output: String

    static func read(_ bytes: [UInt8], format: String) throws(ImportError) -> ImportedModel {
        let model: ONNXModel
        do { model = try ONNXModel(bytes) } catch { throw .onnx(error) }
        return try model.imported(format: format)
    }

    private init(_ bytes: [UInt8]) throws(ONNXError) {
        file = try ONNXDecoder.decode(bytes)
        let newest = 5
        guard file.treeOperatorsVersion <= newest else {
            throw .operatorSetUnsupported(version: file.treeOperatorsVersion, limit: newest)
        }
        guard let output = file.outputs.first(where: \.holdsNumbers) else { throw .noScores }
        self.output = output.name
        var evaluator = try ONNXEvaluator(file, byteCount: bytes.count)
        let scores = try evaluator.evaluate(output: output.name)
        // What is wrong with the scores as a whole is told of the node that made them.
        guard let last = file.nodes.last(where: { $0.outputs.contains(output.name) }) else { throw .noScores }
        forest = try ONNXForest(scores, &evaluator, last.place)
        self.evaluator = evaluator
    }

    private func imported(format: String) throws(ImportError) -> ImportedModel {
        let ensemble = TreeEnsemble(
            featureCount: evaluator.featureCount, featurePrecision: evaluator.domain, sumPrecision: forest.precision,
            baseMargins: forest.baseMargins, transform: forest.transform, trees: forest.trees)
        do { _ = try PackedForest(ensemble) } catch { throw .forest(error) }
        return ImportedModel(
            format: format, objective: forest.objective, ensemble: ensemble, linear: forest.linear, schema: schema,
            policy: forest.policy, provenance: provenance(format: format))
    }

    /// Inputs of one column give their names, others their names and the column; f0, f1 … where these are no names for a schema,
    /// and for the one table that most exporters make.
    private var schema: FeatureSchema {
        var names: [String] = []
        for input in file.inputs {
            let count = input.columnCount ?? 0
            names += count == 1 ? [input.name] : (0..<count).map { "\(input.name)_\($0)" }
        }
        let areUsable = file.inputs.count > 1 && Set(names).count == names.count && names.allSatisfy(Self.isUsable)
        let types = file.inputs.flatMap { input in
            [FeatureType](repeating: input.type?.isFloatingPoint == false ? .integer : .float, count: input.columnCount ?? 0)
        }
        return FeatureSchema(
            features: types.enumerated().map { index, type in
                FeatureSchema.Feature(
                    name: areUsable ? names[index] : "f\(index)", type: type, missingAllowed: forest.linear == nil)
            })
    }

    private static func isUsable(_ name: String) -> Bool {
        (1...BundleLimits.featureNameByteCountMax).contains(name.utf8.count)
            && !name.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }

    private func provenance(format: String) -> Provenance {
        var entries: Provenance = [("source.format", format)]
        if !file.producer.isEmpty { entries.append(("source.version", Quoted.name(file.producer))) }
        entries.append(("source.output", Quoted.name(output)))
        if !evaluator.classNames.isEmpty {
            let names = evaluator.classNames.prefix(Self.shownClassCount).map(Quoted.name).joined(separator: " ")
            let isCut = evaluator.classNames.count > Self.shownClassCount
            entries.append(("source.classes", isCut ? names + " …" : names))
        }
        return entries
    }

    /// 32 names of 66 bytes fit an entry.
    private static let shownClassCount = 32
}
