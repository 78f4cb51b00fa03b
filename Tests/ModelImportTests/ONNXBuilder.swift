/// Writes ONNX files, field by field, so that tests can make them lie.
struct ONNXBuilder {
    var bytes: [UInt8] = []

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func integer(_ field: UInt64, _ value: Int) {
        varint(field << 3)
        varint(UInt64(bitPattern: Int64(value)))
    }

    mutating func blob(_ field: UInt64, _ content: [UInt8]) {
        varint(field << 3 | 2)
        varint(UInt64(content.count))
        bytes += content
    }

    mutating func text(_ field: UInt64, _ text: String) { blob(field, Array(text.utf8)) }

    mutating func float(_ field: UInt64, _ value: Float) {
        varint(field << 3 | 5)
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(shift))) }
    }

    static func make(_ body: (inout ONNXBuilder) -> Void) -> [UInt8] {
        var builder = ONNXBuilder()
        body(&builder)
        return builder.bytes
    }

    enum Attribute {
        case float(Float)
        case integer(Int)
        case text(String)
        case tensor([UInt8])
        case floats([Float])
        case integers([Int])
        case texts([String])
        case graph
    }

    struct Node {
        var type: String
        var domain = ""
        var inputs: [String]
        var outputs: [String]
        var attributes: [String: Attribute] = [:]
        var name = "here"

        var bytes: [UInt8] {
            ONNXBuilder.make { node in
                for input in inputs { node.text(1, input) }
                for output in outputs { node.text(2, output) }
                node.text(3, name)
                node.text(4, type)
                node.text(7, domain)
                for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
                    node.blob(5, ONNXBuilder.attribute(name, value))
                }
            }
        }
    }

    static func attribute(_ name: String, _ value: Attribute) -> [UInt8] {
        make { attribute in
            attribute.text(1, name)
            switch value {
            case .float(let number):
                attribute.float(2, number)
                attribute.integer(20, 1)
            case .integer(let number):
                attribute.integer(3, number)
                attribute.integer(20, 2)
            case .text(let text):
                attribute.text(4, text)
                attribute.integer(20, 3)
            case .tensor(let tensor):
                attribute.blob(5, tensor)
                attribute.integer(20, 4)
            case .floats(let numbers):
                for number in numbers { attribute.float(7, number) }
                attribute.integer(20, 6)
            case .integers(let numbers):
                for number in numbers { attribute.integer(8, number) }
                attribute.integer(20, 7)
            case .texts(let texts):
                for text in texts { attribute.text(9, text) }
                attribute.integer(20, 8)
            case .graph:
                attribute.blob(6, [])
                attribute.integer(20, 5)
            }
        }
    }

    /// Of floats unless `type` says otherwise; `dimensions` may lie.
    static func tensor(_ name: String, _ elements: [Float], dimensions: [Int]? = nil, type: Int = 1, location: Int = 0) -> [UInt8]
    {
        make { tensor in
            for dimension in dimensions ?? [elements.count] { tensor.integer(1, dimension) }
            tensor.integer(2, type)
            if type == 1 {
                for element in elements { tensor.float(4, element) }
            } else {
                for element in elements { tensor.integer(type == 7 ? 7 : 5, Int(element)) }
            }
            tensor.text(8, name)
            if location != 0 { tensor.integer(14, location) }
        }
    }

    /// A table input or output; no columns make a shape that is not fixed.
    static func value(_ name: String, columns: Int?, type: Int = 1) -> [UInt8] {
        let shape = make { shape in
            shape.blob(1, [])
            shape.blob(1, make { if let columns { $0.integer(1, columns) } })
        }
        let tensor = make {
            $0.integer(1, type)
            $0.blob(2, shape)
        }
        return make {
            $0.text(1, name)
            $0.blob(2, make { $0.blob(1, tensor) })
        }
    }

    static func model(
        _ nodes: [Node], inputs: [[UInt8]] = [value("X", columns: 3)], outputs: [[UInt8]] = [value("Y", columns: nil)],
        initializers: [[UInt8]] = [], treeVersion: Int = 3
    ) -> [UInt8] {
        let graph = make { graph in
            for node in nodes { graph.blob(1, node.bytes) }
            for initializer in initializers { graph.blob(5, initializer) }
            for input in inputs { graph.blob(11, input) }
            for output in outputs { graph.blob(12, output) }
        }
        return make { model in
            model.integer(1, 8)
            model.text(2, "test")
            model.blob(7, graph)
            model.blob(
                8,
                make {
                    $0.text(1, "ai.onnx.ml")
                    $0.integer(2, treeVersion)
                })
        }
    }

    /// A regressor of one tree: node 0 tests `x[1] <= 0.5`, node 1 gives 1, node 2 gives 2. Some attributes may be replaced.
    static func regressor(_ changes: [String: Attribute?] = [:], inputs: [String] = ["X"], outputs: [String] = ["Y"]) -> Node {
        var attributes: [String: Attribute?] = [
            "n_targets": .integer(1), "nodes_treeids": .integers([0, 0, 0]), "nodes_nodeids": .integers([0, 1, 2]),
            "nodes_featureids": .integers([1, 0, 0]), "nodes_values": .floats([0.5, 0, 0]),
            "nodes_modes": .texts(["BRANCH_LEQ", "LEAF", "LEAF"]), "nodes_truenodeids": .integers([1, 0, 0]),
            "nodes_falsenodeids": .integers([2, 0, 0]), "target_treeids": .integers([0, 0]), "target_nodeids": .integers([1, 2]),
            "target_ids": .integers([0, 0]), "target_weights": .floats([1, 2]),
        ]
        attributes.merge(changes) { $1 }
        return Node(
            type: "TreeEnsembleRegressor", domain: "ai.onnx.ml", inputs: inputs, outputs: outputs,
            attributes: attributes.compactMapValues(\.self))
    }

    /// The same tree as a classifier's, with weights of class 0.
    static func classifier(_ changes: [String: Attribute?] = [:]) -> Node {
        var node = regressor()
        node.type = "TreeEnsembleClassifier"
        node.outputs = ["label", "Y"]
        var attributes: [String: Attribute?] = [
            "class_treeids": .integers([0, 0]), "class_nodeids": .integers([1, 2]), "class_ids": .integers([0, 0]),
            "class_weights": .floats([0.25, 0.75]), "classlabels_int64s": .integers([0, 1]),
        ]
        for (name, value) in node.attributes where name.hasPrefix("nodes_") { attributes[name] = value }
        attributes.merge(changes) { $1 }
        node.attributes = attributes.compactMapValues(\.self)
        return node
    }
}
