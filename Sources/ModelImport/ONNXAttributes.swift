/// Typed access to the attributes of a node; one that is there twice, or of another type, is a fault.
extension ONNXNode {
    func value(_ name: ONNXAttributeName) throws(ONNXError) -> ONNXAttributeValue? {
        var found: ONNXAttributeValue?
        for attribute in attributes where attribute.name == name.rawValue {
            guard found == nil else { throw fault(name, .repeated) }
            found = attribute.value
        }
        return found
    }

    func fault(_ name: ONNXAttributeName, _ fault: ONNXAttributeFault) -> ONNXError { .attributeFault(place, name, fault) }

    func has(_ name: ONNXAttributeName) -> Bool { attributes.contains { $0.name == name.rawValue } }

    func integer(_ name: ONNXAttributeName, default: Int? = nil) throws(ONNXError) -> Int {
        guard let value = try value(name) else {
            guard let value = `default` else { throw fault(name, .missing) }
            return value
        }
        guard case .integer(let integer) = value else { throw fault(name, .wrongType) }
        return Int(integer)
    }

    func text(_ name: ONNXAttributeName, default: String) throws(ONNXError) -> String {
        guard let value = try value(name) else { return `default` }
        guard case .text(let text) = value else { throw fault(name, .wrongType) }
        return text
    }

    /// nil when the attribute is absent or empty: exporters write empty lists for what they do not use.
    func integers(_ name: ONNXAttributeName) throws(ONNXError) -> [Int]? {
        guard let value = try value(name) else { return nil }
        guard case .integers(let integers) = value else { throw fault(name, .wrongType) }
        return integers.isEmpty ? nil : integers.map { Int($0) }
    }

    func integers(_ name: ONNXAttributeName, count: Int) throws(ONNXError) -> [Int] {
        let integers = try integers(name) ?? []
        guard integers.count == count else { throw fault(name, .count(integers.count, expected: count)) }
        return integers
    }

    /// nil when the attribute is absent or empty.
    func texts(_ name: ONNXAttributeName) throws(ONNXError) -> [String]? {
        guard let value = try value(name) else { return nil }
        guard case .texts(let texts) = value else { throw fault(name, .wrongType) }
        return texts.isEmpty ? nil : texts
    }

    /// nil when the attribute is absent or empty.
    func floats(_ name: ONNXAttributeName) throws(ONNXError) -> [Double]? {
        guard let value = try value(name) else { return nil }
        guard case .floats(let floats) = value else { throw fault(name, .wrongType) }
        return floats.isEmpty ? nil : floats.map { Double($0) }
    }

    func tensor(_ name: ONNXAttributeName) throws(ONNXError) -> ONNXTensor? {
        guard let value = try value(name) else { return nil }
        guard case .tensor(let tensor) = value, tensor.type != nil else { throw fault(name, .wrongType) }
        return tensor
    }

    /// Numbers of a list of floats, or of the tensor that stands for it where doubles are wanted.
    func numbers(
        _ name: ONNXAttributeName, orTensor tensorName: ONNXAttributeName
    ) throws(ONNXError) -> (values: [Double], type: ONNXElementType)? {
        if let floats = try floats(name) {
            guard !has(tensorName) else { throw fault(tensorName, .repeated) }
            return (floats, .float)
        }
        guard let tensor = try tensor(tensorName), let type = tensor.type, !tensor.elements.isEmpty else { return nil }
        guard type.isFloatingPoint else { throw fault(tensorName, .wrongType) }
        return (tensor.elements, type)
    }

    /// Numbers that are in one of two lists; nil when both are absent or empty.
    func wholeOrFloat(_ whole: ONNXAttributeName, _ float: ONNXAttributeName) throws(ONNXError) -> [Double]? {
        if let integers = try integers(whole) {
            guard !has(float) else { throw fault(float, .repeated) }
            return integers.map { Double($0) }
        }
        return try floats(float)
    }

    /// The inputs that are given; an empty name stands for one that is left out.
    func checkInputCount(_ counts: ClosedRange<Int>) throws(ONNXError) {
        guard counts.contains(inputs.count) else { throw .useUnsupported(place, .inputCount) }
    }
}
