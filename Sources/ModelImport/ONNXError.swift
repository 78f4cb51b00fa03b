/// Why an ONNX file is not imported; nodes, tensors and inputs are counted from 0.
public enum ONNXError: Error, Equatable, Sendable, CustomStringConvertible {
    case fileTooLong(byteCount: Int, limit: Int)
    /// Not the protobuf messages of a model, or more of them than the file's length is worth.
    case undecodable
    case partMissing(Part)
    case nameInvalid(Part, index: Int)
    case operatorSetUnsupported(version: Int, limit: Int)
    case inputUnsupported(index: Int, InputFault)
    case tensorMalformed(Part, index: Int)
    case operatorUnsupported(ONNXPlace)
    /// An operator that is known, in a use that is not.
    case useUnsupported(ONNXPlace, ONNXUse)
    case attributeFault(ONNXPlace, ONNXAttributeName, ONNXAttributeFault)
    case inputUndefined(ONNXPlace, input: Int)
    case outputRedefined(ONNXPlace, output: Int)
    case treeFault(ONNXPlace, ONNXTreeFault)
    case noScores
    case tooMuchWork(stepLimit: Int)

    public enum Part: String, Sendable {
        case graph, node, attribute, initializer, input, output
    }

    public enum InputFault: String, Sendable {
        case shape = "is not a table of a fixed number of columns"
        case type = "holds neither float, double nor whole numbers"
        case mixture = "has another type than the inputs before it"
    }

    public var description: String {
        switch self {
        case .fileTooLong(let count, let limit): "the ONNX file has \(count) bytes, \(limit) is the limit"
        case .undecodable: "the file is no ONNX model, or it is damaged"
        case .partMissing(let part): "the ONNX model has no \(part.rawValue)"
        case .nameInvalid(let part, let index): "\(part.rawValue) \(index) of the ONNX model has no valid name"
        case .operatorSetUnsupported(let version, let limit):
            "the ONNX model uses version \(version) of ai.onnx.ml, \(limit) is the last that is known"
        case .inputUnsupported(let index, let fault): "input \(index) of the ONNX model \(fault.rawValue)"
        case .tensorMalformed(let part, let index):
            "the tensor of \(part.rawValue) \(index) has not the elements that it declares"
        case .operatorUnsupported(let place): "\(place) is an operator that is not supported here"
        case .useUnsupported(let place, let use): "\(place): \(use.rawValue)"
        case .attributeFault(let place, let name, let fault): "\(place): \(name.rawValue) \(fault)"
        case .inputUndefined(let place, let input): "\(place): its input \(input) is not computed before it"
        case .outputRedefined(let place, let output): "\(place): its output \(output) was computed before"
        case .treeFault(let place, let fault): "\(place): \(fault)"
        case .noScores: "the ONNX model has no output of numbers"
        case .tooMuchWork(let limit): "the ONNX model takes more than the \(limit) steps that its length allows for"
        }
    }
}

/// A node of the graph, as errors show it.
public struct ONNXPlace: Equatable, Sendable, CustomStringConvertible {
    public let index: Int
    /// Cut and cleaned.
    public let operatorName: String
    /// Cut and cleaned.
    public let name: String

    public var description: String { "ONNX node \(index) \(operatorName) \(name)" }
}

/// What about the use of an operator is not supported.
public enum ONNXUse: String, Sendable {
    case operands = "it does not work on what it is given here"
    case shapes = "its operands do not fit"
    case axis = "it works along another axis than that of the columns"
    case inputCount = "it has too few or too many inputs"
    case notOfOneTree = "it is no sum, and works on more than one tree"
    case afterTransform = "it works on scores that were transformed before"
    case scale = "it scales features by zero, infinity or NaN"
    case featureSteps = "it is one of too many operations on the same feature"
    case output = "what it gives is not among the forms of scores known: sums of trees, their transforms, class probabilities"
    case aggregate = "only sums and averages of trees are supported"
    case postTransform = "its post_transform is not supported"
    /// ONNX Runtime and ONNX's own reference give different results.
    case ambiguous =
        "the standard leaves open what it gives for such weights, base values and post_transform, and runtimes disagree"
    case missingDirection = "the standard leaves open where missing values go from BRANCH_NEQ"
    case branchCopies = "tests for equal values would multiply the tree"
    case mixedTypes = "its numbers have another type than its input"
    case repeatedWeights = "a leaf has two weights for the same class or target"
    case classCount = "it has fewer than two classes"
    case columnCount = "it makes more columns of scores than a bundle may have"
}

/// An attribute by its ONNX name.
public enum ONNXAttributeName: String, Sendable {
    case axis, axes, to, value, offset, scale, norm, coefficients, intercepts, targets, shape
    case keepDimensions = "keepdims"
    case modes = "nodes_modes"
    case treeIDs = "nodes_treeids"
    case nodeIDs = "nodes_nodeids"
    case featureIDs = "nodes_featureids"
    case values = "nodes_values"
    case valuesAsTensor = "nodes_values_as_tensor"
    case trueNodeIDs = "nodes_truenodeids"
    case falseNodeIDs = "nodes_falsenodeids"
    case missingTracksTrue = "nodes_missing_value_tracks_true"
    case baseValues = "base_values"
    case baseValuesAsTensor = "base_values_as_tensor"
    case postTransform = "post_transform"
    case aggregate = "aggregate_function"
    case targetCount = "n_targets"
    case targetIDs = "target_ids"
    case targetTreeIDs = "target_treeids"
    case targetNodeIDs = "target_nodeids"
    case targetWeights = "target_weights"
    case targetWeightsAsTensor = "target_weights_as_tensor"
    case classIDs = "class_ids"
    case classTreeIDs = "class_treeids"
    case classNodeIDs = "class_nodeids"
    case classWeights = "class_weights"
    case classWeightsAsTensor = "class_weights_as_tensor"
    case classIntegers = "classlabels_int64s"
    case classIntegersLinear = "classlabels_ints"
    case classStrings = "classlabels_strings"
    case multiClass = "multi_class"
    case splits = "nodes_splits"
    case trueLeafs = "nodes_trueleafs"
    case falseLeafs = "nodes_falseleafs"
    case treeRoots = "tree_roots"
    case leafTargetIDs = "leaf_targetids"
    case leafWeights = "leaf_weights"
    case members = "membership_values"
    case keysIntegers = "keys_int64s"
    case keysFloats = "keys_floats"
    case valuesFloats = "values_floats"
    case valuesIntegers = "values_int64s"
    case alpha, beta, transA, transB
}

public enum ONNXAttributeFault: Equatable, Sendable, CustomStringConvertible {
    case missing
    case wrongType
    case outOfRange(index: Int)
    case count(Int, expected: Int)
    case repeated

    public var description: String {
        switch self {
        case .missing: "is missing"
        case .wrongType: "has the wrong type"
        case .outOfRange(let index): "is out of range at \(index)"
        case .count(let count, let expected): "has \(count) elements where \(expected) are declared"
        case .repeated: "is there twice"
        }
    }
}

/// What is wrong with a tree; nodes and leaves are counted from 0 in the order of the file.
public enum ONNXTreeFault: Equatable, Sendable, CustomStringConvertible {
    case modeUnsupported(String, node: Int)
    case nodeRepeated(node: Int)
    case childMissing(node: Int)
    /// Two parents, or a cycle.
    case nodeReachedTwice(node: Int)
    case nodeUnreached(node: Int)
    case valueNotFinite(node: Int)
    case weightOutsideTrees(weight: Int)

    public var description: String {
        switch self {
        case .modeUnsupported(let mode, let node): "tree node \(node) has mode \(mode), which is not supported"
        case .nodeRepeated(let node): "tree node \(node) has the number of one before it"
        case .childMissing(let node): "tree node \(node) has a child that is not there"
        case .nodeReachedTwice(let node): "tree node \(node) has two parents or lies on a cycle"
        case .nodeUnreached(let node): "tree node \(node) has no parent and is not the first of its tree"
        case .valueNotFinite(let node): "tree node \(node) tests against NaN"
        case .weightOutsideTrees(let weight): "weight \(weight) belongs to no leaf"
        }
    }
}
