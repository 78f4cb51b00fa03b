import ONNXProto

// Safety, for the whole file: the message and what its pointers and counts describe live until the call returns, and are only read.
extension ONNXTensor {
    /// Copies a tensor; nil if its elements are not as many as its dimensions say, or lie in another file.
    init?(_ message: Assay__Onnx__TensorProto) {
        dimensions = unsafe UnsafeBufferPointer(start: message.dims, count: message.n_dims).map { Int(clamping: $0) }
        type = unsafe ONNXElementType(rawValue: message.data_type)
        guard unsafe message.data_location == 0, dimensions.allSatisfy({ $0 >= 0 }) else { return nil }
        guard let type else {
            elements = []
            return
        }
        var count = 1
        for dimension in dimensions {
            let product = count.multipliedReportingOverflow(by: dimension)
            guard !product.overflow else { return nil }
            count = product.partialValue
        }
        let raw = unsafe message.raw_data.bytes
        guard let elements = unsafe raw.isEmpty ? Self.listed(message, type) : Self.decoded(raw, type), elements.count == count
        else {
            return nil
        }
        self.elements = elements
    }

    private static func listed(_ message: Assay__Onnx__TensorProto, _ type: ONNXElementType) -> [Double]? {
        switch type {
        case .float: unsafe UnsafeBufferPointer(start: message.float_data, count: message.n_float_data).map { Double($0) }
        case .double: unsafe Array(UnsafeBufferPointer(start: message.double_data, count: message.n_double_data))
        case .int64: unsafe UnsafeBufferPointer(start: message.int64_data, count: message.n_int64_data).map { Double($0) }
        case .int32, .uint8, .bool:
            unsafe UnsafeBufferPointer(start: message.int32_data, count: message.n_int32_data).map { Double($0) }
        }
    }

    /// Little-endian elements, one after another.
    private static func decoded(_ bytes: [UInt8], _ type: ONNXElementType) -> [Double]? {
        let width = type.byteCount
        guard bytes.count % width == 0 else { return nil }
        return stride(from: 0, to: bytes.count, by: width).map { offset in
            let bits = (0..<width).reduce(UInt64(0)) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
            return switch type {
            case .float: Double(Float(bitPattern: UInt32(bits)))
            case .double: Double(bitPattern: bits)
            case .int64: Double(Int64(bitPattern: bits))
            case .int32: Double(Int32(truncatingIfNeeded: bits))
            case .uint8, .bool: Double(bits)
            }
        }
    }
}

extension ONNXTensor {
    /// The elements as whole numbers; nil if one is none.
    var integers: [Int]? {
        var integers: [Int] = []
        for element in elements {
            guard let integer = Int(exactly: element) else { return nil }
            integers.append(integer)
        }
        return integers
    }
}
