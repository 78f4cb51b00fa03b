import CProtobufC
import ONNXProto

/// What a model file holds, as the importer uses it.
struct ONNXFile: Sendable {
    let producer: String
    /// The version of ai.onnx.ml that is asked for; 0 for none.
    let treeOperatorsVersion: Int
    let nodes: [ONNXNode]
    let initializers: [(name: String, tensor: ONNXTensor)]
    let inputs: [Input]
    let outputs: [Output]

    struct Input: Sendable {
        let name: String
        let type: ONNXElementType?
        /// The columns of a table; nil when they are not fixed, or it is no table.
        let columnCount: Int?
    }

    struct Output: Sendable {
        let name: String
        let holdsNumbers: Bool
    }
}

/// An operator at work.
struct ONNXNode: Sendable {
    let place: ONNXPlace
    /// "ai.onnx.ml.Scaler", or only "Add" for ONNX's own operators.
    let operatorName: String
    let inputs: [String]
    let outputs: [String]
    let attributes: [(name: String, value: ONNXAttributeValue)]
}

enum ONNXAttributeValue: Sendable {
    case float(Float)
    case integer(Int64)
    case text(String)
    case tensor(ONNXTensor)
    case floats([Float])
    case integers([Int64])
    case texts([String])
    /// A graph, or what else is not read.
    case other
}

/// The types of numbers, by their ONNX values.
enum ONNXElementType: Int32, Sendable {
    case float = 1
    case uint8 = 2
    case int32 = 6
    case int64 = 7
    case bool = 9
    case double = 11

    var isFloatingPoint: Bool { self == .float || self == .double }
    var byteCount: Int {
        switch self {
        case .uint8, .bool: 1
        case .float, .int32: 4
        case .int64, .double: 8
        }
    }
}

/// A constant tensor, row-major; nil elements for a type that is not read (texts).
struct ONNXTensor: Sendable {
    let type: ONNXElementType?
    let dimensions: [Int]
    let elements: [Double]
}

// Safety, for the whole extension: the messages, and all that their pointers and counts describe, live until `init` returns, and
// are only read; protobuf-c has checked them against one another.
extension ONNXFile {
    init(_ model: Assay__Onnx__ModelProto) throws(ONNXError) {
        let names = unsafe [model.producer_name.text, model.producer_version.text]
        producer = names.compactMap(\.self).filter { !$0.isEmpty }.joined(separator: "/")
        let operatorSets = unsafe UnsafeBufferPointer(start: model.opset_import, count: model.n_opset_import)
        treeOperatorsVersion = unsafe operatorSets.reduce(into: 0) { version, set in
            guard let set = unsafe set?.pointee, unsafe set.domain.text == "ai.onnx.ml" else { return }
            version = unsafe max(version, Int(clamping: set.version))
        }
        guard let graph = unsafe model.graph?.pointee else { throw .partMissing(.graph) }
        var nodes: [ONNXNode] = []
        for index in unsafe 0..<graph.n_node {
            guard let node = unsafe graph.node[index]?.pointee else { throw .undecodable }
            unsafe nodes.append(try ONNXNode(node, index: index))
        }
        self.nodes = nodes
        var initializers: [(name: String, tensor: ONNXTensor)] = []
        for index in unsafe 0..<graph.n_initializer {
            guard let tensor = unsafe graph.initializer[index]?.pointee else { throw .undecodable }
            guard let name = unsafe tensor.name.text, !name.isEmpty else { throw .nameInvalid(.initializer, index: index) }
            guard let value = unsafe ONNXTensor(tensor) else { throw .tensorMalformed(.initializer, index: index) }
            initializers.append((name, value))
        }
        self.initializers = initializers
        let constants = Set(initializers.map(\.name))
        var inputs: [Input] = []
        for index in unsafe 0..<graph.n_input {
            guard let input = unsafe graph.input[index]?.pointee else { throw .undecodable }
            guard let name = unsafe input.name.text, !name.isEmpty else { throw .nameInvalid(.input, index: index) }
            // Up to IR version 3 initializers are listed among the inputs.
            if constants.contains(name) { continue }
            inputs.append(Input(name: name, type: unsafe input.elementType, columnCount: unsafe input.columnCount))
        }
        self.inputs = inputs
        var outputs: [Output] = []
        for index in unsafe 0..<graph.n_output {
            guard let output = unsafe graph.output[index]?.pointee else { throw .undecodable }
            guard let name = unsafe output.name.text, !name.isEmpty else { throw .nameInvalid(.output, index: index) }
            outputs.append(Output(name: name, holdsNumbers: unsafe output.holdsNumbers))
        }
        self.outputs = outputs
    }
}

extension ONNXNode {
    fileprivate init(_ node: Assay__Onnx__NodeProto, index: Int) throws(ONNXError) {
        guard let type = unsafe node.op_type.text, let domain = unsafe node.domain.text, let name = unsafe node.name.text,
            !type.isEmpty
        else {
            throw .nameInvalid(.node, index: index)
        }
        operatorName = domain.isEmpty || domain == "ai.onnx" ? type : domain + "." + type
        place = ONNXPlace(index: index, operatorName: Quoted.name(operatorName), name: Quoted.name(name))
        inputs = unsafe try Self.names(node.input, node.n_input, index)
        outputs = unsafe try Self.names(node.output, node.n_output, index)
        var attributes: [(name: String, value: ONNXAttributeValue)] = []
        for number in unsafe 0..<node.n_attribute {
            guard let attribute = unsafe node.attribute[number]?.pointee else { throw .undecodable }
            guard let name = unsafe attribute.name.text, !name.isEmpty else { throw .nameInvalid(.attribute, index: number) }
            unsafe attributes.append((name, try ONNXAttributeValue(attribute, index: number)))
        }
        self.attributes = attributes
    }

    private static func names(
        _ names: UnsafeMutablePointer<ProtobufCBinaryData>?, _ count: Int, _ index: Int
    ) throws(ONNXError) -> [String] {
        let texts = unsafe UnsafeBufferPointer(start: names, count: count).compactMap { unsafe $0.text }
        guard texts.count == count else { throw .nameInvalid(.node, index: index) }
        return texts
    }
}

extension ONNXAttributeValue {
    fileprivate init(_ attribute: Assay__Onnx__AttributeProto, index: Int) throws(ONNXError) {
        switch unsafe attribute.type {
        case 1: self = unsafe .float(attribute.f)
        case 2: self = unsafe .integer(attribute.i)
        case 3: self = unsafe attribute.s.text.map(Self.text) ?? .other
        case 4:
            guard let message = unsafe attribute.t?.pointee, let tensor = unsafe ONNXTensor(message) else {
                throw .tensorMalformed(.attribute, index: index)
            }
            self = .tensor(tensor)
        case 6: self = unsafe .floats(Array(UnsafeBufferPointer(start: attribute.floats, count: attribute.n_floats)))
        case 7: self = unsafe .integers(Array(UnsafeBufferPointer(start: attribute.ints, count: attribute.n_ints)))
        case 8:
            let strings = unsafe UnsafeBufferPointer(start: attribute.strings, count: attribute.n_strings)
            let texts = unsafe strings.compactMap(\.text)
            self = texts.count == strings.count ? .texts(texts) : .other
        default: self = .other
        }
    }
}

extension Assay__Onnx__ValueInfoProto {
    fileprivate var tensorType: Assay__Onnx__TypeProto__TensorType? { unsafe type?.pointee.tensor_type?.pointee }

    fileprivate var elementType: ONNXElementType? { unsafe tensorType.flatMap { unsafe ONNXElementType(rawValue: $0.elem_type) } }

    fileprivate var columnCount: Int? {
        guard let shape = unsafe tensorType?.shape?.pointee, unsafe shape.n_dim == 2, let columns = unsafe shape.dim[1]?.pointee,
            unsafe columns.dim_value > 0
        else { return nil }
        return unsafe Int(exactly: columns.dim_value)
    }

    /// Class labels are whole numbers or texts; scores are the rest: floating-point numbers, or the maps that ZipMap makes.
    fileprivate var holdsNumbers: Bool {
        guard let type = unsafe tensorType else { return true }
        return unsafe ONNXElementType(rawValue: type.elem_type)?.isFloatingPoint ?? (type.elem_type == 0)
    }
}
