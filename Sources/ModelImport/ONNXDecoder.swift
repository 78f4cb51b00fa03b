import CProtobufC
import Glibc
import ONNXProto

/// Memory for protobuf-c: counts what is taken, whether or not it was given back, and refuses beyond the limit.
///
/// Counting all that was ever taken also ends what is quadratic in protobuf-c: messages that may come once and come often are
/// merged one after another, each time into new memory.
@safe
private final class CountingAllocator {
    private var left: Int
    // Safety: owned by this object; protobuf-c uses it only inside `with`.
    private let allocator: UnsafeMutablePointer<ProtobufCAllocator>

    init(byteCountMax: Int) {
        left = byteCountMax
        unsafe allocator = UnsafeMutablePointer<ProtobufCAllocator>.allocate(capacity: 1)
        unsafe allocator.initialize(to: ProtobufCAllocator())
        // Safety: protobuf-c calls these only while `with` keeps this object alive, so the unretained reference is valid.
        unsafe allocator.pointee.allocator_data = Unmanaged.passUnretained(self).toOpaque()
        unsafe allocator.pointee.alloc = { data, byteCount in
            guard let data = unsafe data else { return nil }
            return unsafe Unmanaged<CountingAllocator>.fromOpaque(data)._withUnsafeGuaranteedRef { unsafe $0.take(byteCount) }
        }
        unsafe allocator.pointee.free = { _, block in unsafe free(block) }
    }

    deinit { unsafe allocator.deallocate() }

    private func take(_ byteCount: Int) -> UnsafeMutableRawPointer? {
        guard byteCount >= 0, byteCount <= left else { return nil }
        left -= byteCount
        return unsafe malloc(byteCount)
    }

    func with<Result>(_ body: (UnsafeMutablePointer<ProtobufCAllocator>) -> Result) -> Result {
        withExtendedLifetime(self) { unsafe body(allocator) }
    }
}

/// Decodes a model file's bytes into values of our own.
enum ONNXDecoder {
    static func decode(_ bytes: [UInt8]) throws(ONNXError) -> ONNXFile {
        let limit = ImportLimits.onnxFileByteCountMax
        guard bytes.count <= limit else { throw .fileTooLong(byteCount: bytes.count, limit: limit) }
        let allocator = CountingAllocator(
            byteCountMax: max(ImportLimits.onnxDecodingByteCountMin, bytes.count * ImportLimits.onnxDecodingBytesPerByte))
        // Closures carry no typed errors through, a Result does.
        return unsafe try allocator.with { allocator in
            unsafe bytes.withUnsafeBufferPointer { bytes -> Result<ONNXFile, ONNXError> in
                // Safety: the bytes outlive the call; the message is a copy of them, freed below after it was copied in turn.
                guard let model = unsafe assay__onnx__model_proto__unpack(allocator, bytes.count, bytes.baseAddress) else {
                    return .failure(.undecodable)
                }
                defer { unsafe assay__onnx__model_proto__free_unpacked(model, allocator) }
                return Result { () throws(ONNXError) in try unsafe ONNXFile(model.pointee) }
            }
        }.get()
    }
}

extension ProtobufCBinaryData {
    /// The bytes as text; nil if they are no UTF-8.
    var text: String? {
        guard unsafe len > 0, let start = unsafe data else { return "" }
        // Safety: protobuf-c keeps `len` bytes there for as long as the message lives.
        return unsafe String(validating: UnsafeBufferPointer(start: start, count: len), as: UTF8.self)
    }

    var bytes: [UInt8] {
        guard unsafe len > 0, let start = unsafe data else { return [] }
        // Safety: as above.
        return unsafe Array(UnsafeBufferPointer(start: start, count: len))
    }
}
