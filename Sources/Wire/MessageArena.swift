import CProtobufC
import Glibc

/// Memory for the messages of one turn: taken by moving a pointer, given back all at once by `reset`.
///
/// protobuf-c decodes into it and replies are built in it, so that in steady state a request costs no malloc. Everything taken from
/// the arena dies at the next `reset`.
@safe
public final class MessageArena {
    // Safety: `block` addresses `blockByteCount` bytes owned by this object; `used` never exceeds it. Overflow blocks are owned, too, and
    // freed at reset. Nothing taken before a reset may be used after it: the views of this module say so.
    private var block: UnsafeMutableRawPointer
    private var blockByteCount: Int
    private var used = 0
    private var overflow: [UnsafeMutableRawPointer] = unsafe []
    private var overflowByteCount = 0
    private let byteCountMax: Int
    private let allocator: UnsafeMutablePointer<ProtobufCAllocator>

    /// What a block grows to: a batch of 10,000 rows of 30 features, twice.
    private static let keptByteCountMax = 4 << 20

    /// `byteCount`: what is kept at all times; `byteCountMax`: what decoding may take beyond it in one turn.
    public init(byteCount: Int = 256 << 10, byteCountMax: Int = WireLimits.arenaByteCountMax) {
        unsafe block = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
        blockByteCount = byteCount
        self.byteCountMax = byteCountMax
        unsafe allocator = UnsafeMutablePointer<ProtobufCAllocator>.allocate(capacity: 1)
        unsafe allocator.initialize(to: ProtobufCAllocator())
        // Safety: protobuf-c calls these only while this object decodes, so the unretained reference is alive.
        unsafe allocator.pointee.allocator_data = Unmanaged.passUnretained(self).toOpaque()
        unsafe allocator.pointee.alloc = { data, size in
            unsafe Unmanaged<MessageArena>.fromOpaque(data!)._withUnsafeGuaranteedRef {
                unsafe $0.takeForDecoder(byteCount: size)
            }
        }
        unsafe allocator.pointee.free = { _, _ in }
    }

    deinit {
        reset()
        unsafe block.deallocate()
        unsafe allocator.deallocate()
    }

    /// What protobuf-c's decoders take.
    var protobufAllocator: UnsafeMutablePointer<ProtobufCAllocator> { unsafe allocator }

    /// Forgets everything that was taken. A turn that needed more than the block makes the next block larger, so that such turns become free.
    public func reset() {
        used = 0
        if overflowByteCount == 0 { return }
        for index in unsafe overflow.indices { unsafe overflow[index].deallocate() }
        unsafe overflow.removeAll(keepingCapacity: true)
        let wanted = min(blockByteCount + overflowByteCount, Self.keptByteCountMax)
        overflowByteCount = 0
        guard wanted > blockByteCount else { return }
        unsafe block.deallocate()
        unsafe block = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 64)
        blockByteCount = wanted
    }

    /// What protobuf-c asks for on behalf of a peer: nil when the turn has taken its maximum, and the message can't be decoded.
    private func takeForDecoder(byteCount: Int) -> UnsafeMutableRawPointer? {
        guard byteCount >= 0, byteCount <= byteCountMax - overflowByteCount else { return nil }
        return unsafe take(byteCount: byteCount)
    }

    /// 16-byte aligned memory.
    private func take(byteCount: Int) -> UnsafeMutableRawPointer {
        precondition(byteCount >= 0, "\(byteCount) bytes of an arena")
        let rounded = (byteCount + 15) & ~15
        if rounded <= blockByteCount - used {
            let start = unsafe block + used
            used += rounded
            return unsafe start
        }
        let extra = UnsafeMutableRawPointer.allocate(byteCount: max(rounded, 16), alignment: 16)
        unsafe overflow.append(extra)
        overflowByteCount += rounded
        return unsafe extra
    }

    /// Room for `count` values of a message that this process builds. The maximum does not count here: what is built has a bound of its
    /// own (the size of the request that it answers), and the decoded request may have left nothing.
    func array<Element>(_ count: Int, of type: Element.Type) -> UnsafeMutablePointer<Element> {
        unsafe take(byteCount: count * MemoryLayout<Element>.stride).bindMemory(to: Element.self, capacity: max(count, 1))
    }

    /// One message, initialised by protobuf-c's generated function.
    func message<Message>(_ initialize: (UnsafeMutablePointer<Message>?) -> Void) -> UnsafeMutablePointer<Message> {
        let message = unsafe array(1, of: Message.self)
        unsafe initialize(message)
        return unsafe message
    }

    func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        var text = text
        return text.withUTF8 { unsafe terminated(UnsafeRawBufferPointer($0)) }
    }

    /// A copy of `text` with a NUL behind it, as protobuf-c makes of a string.
    func terminated(_ text: UnsafeRawBufferPointer) -> UnsafeMutablePointer<CChar> {
        let copy = unsafe array(text.count + 1, of: CChar.self)
        // Safety: the copy has room for the text and one byte more.
        if let source = text.baseAddress { unsafe memcpy(copy, source, text.count) }
        unsafe copy[text.count] = 0
        return unsafe copy
    }

    func bytes(_ bytes: UnsafeRawBufferPointer) -> ProtobufCBinaryData {
        let copy = unsafe array(bytes.count, of: UInt8.self)
        if let source = bytes.baseAddress { unsafe memcpy(copy, source, bytes.count) }
        return unsafe ProtobufCBinaryData(len: bytes.count, data: copy)
    }

    func bytes(_ bytes: [UInt8]) -> ProtobufCBinaryData {
        unsafe bytes.withUnsafeBytes { unsafe self.bytes($0) }
    }

    /// Copies of byte strings, as repeated fields want them.
    func binaries(_ values: [[UInt8]]) -> UnsafeMutablePointer<ProtobufCBinaryData> {
        let list = unsafe array(values.count, of: ProtobufCBinaryData.self)
        for (index, value) in values.enumerated() { unsafe list[index] = bytes(value) }
        return unsafe list
    }

    /// A copy of numbers, as repeated fields want them.
    func copy<Element: BitwiseCopyable>(_ values: [Element]) -> UnsafeMutablePointer<Element> {
        let copy = unsafe array(values.count, of: Element.self)
        for (index, value) in values.enumerated() { unsafe copy[index] = value }
        return unsafe copy
    }

    /// The same of texts.
    func strings(_ texts: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
        let list = unsafe array(texts.count, of: UnsafeMutablePointer<CChar>?.self)
        for (index, text) in texts.enumerated() { unsafe list[index] = string(text) }
        return unsafe list
    }

    /// An array of pointers to messages, as repeated fields want it.
    func pointers<Message>(
        _ count: Int, _ make: (Int) -> UnsafeMutablePointer<Message>
    ) -> UnsafeMutablePointer<UnsafeMutablePointer<Message>?> {
        let list = unsafe array(count, of: UnsafeMutablePointer<Message>?.self)
        for index in 0..<count { unsafe list[index] = make(index) }
        return unsafe list
    }
}
