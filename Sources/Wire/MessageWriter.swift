import Glibc

/// Writes a message as protobuf-c would, byte for byte: fields ascending, those that hold their default left out.
///
/// protobuf-c goes through a table of the message's fields, each with a switch on its kind; what is written for every decision is
/// written by this instead, field after field.
///
/// Safety: the memory belongs to the caller, who gives it room for all that is written (`DecisionFields` has the maxima) and keeps it
/// as long as the writer.
@safe
struct MessageWriter {
    private let start: UnsafeMutableRawPointer
    private(set) var byteCount = 0

    init(_ start: UnsafeMutableRawPointer) {
        unsafe self.start = unsafe start
    }

    @inline(__always)
    mutating func number(_ field: UInt64, _ value: UInt64) {
        guard value != 0 else { return }
        tag(field, .varint)
        varint(value)
    }

    @inline(__always)
    mutating func flag(_ field: UInt64, _ value: Bool) {
        number(field, value ? 1 : 0)
    }

    /// Either zero is left out.
    @inline(__always)
    mutating func double(_ field: UInt64, _ value: Double) {
        if value != 0 { presentDouble(field, value) }
    }

    /// A member of a oneof, which is there whatever its value.
    @inline(__always)
    mutating func presentDouble(_ field: UInt64, _ value: Double) {
        tag(field, .fixed64)
        unsafe (start + byteCount).storeBytes(of: value.bitPattern.littleEndian, as: UInt64.self)
        byteCount += 8
    }

    @inline(__always)
    mutating func bytes(_ field: UInt64, _ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        tag(field, .bytes)
        varint(UInt64(bytes.count))
        // Safety: the source does not overlap what is written, which is the caller's output alone.
        unsafe memcpy(start + byteCount, source, bytes.count)
        byteCount += bytes.count
    }

    @inline(__always)
    mutating func text(_ field: UInt64, _ text: TextView) {
        unsafe bytes(field, text.bytes)
    }

    /// Text ends before its first NUL, as in C.
    mutating func text(_ field: UInt64, _ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            let all = UnsafeRawBufferPointer(utf8)
            unsafe bytes(field, UnsafeRawBufferPointer(rebasing: all.prefix { $0 != 0 }))
        }
    }

    /// Begins a message in the message; what is written until `end` of the same mark belongs to it. It is there even if it is empty.
    ///
    /// A mark and not a closure, which would capture (and so copy) what is written.
    @inline(__always)
    mutating func begin(_ field: UInt64) -> Mark {
        tag(field, .bytes)
        // Its length takes one byte, unless it turns out longer.
        byteCount += 1
        return Mark(start: byteCount)
    }

    @inline(__always)
    mutating func end(_ mark: Mark) {
        let length = byteCount - mark.start
        if length >= 0x80 {
            let extra = (63 - (UInt64(length).leadingZeroBitCount)) / 7
            unsafe memmove(start + mark.start + extra, start + mark.start, length)
        }
        byteCount = mark.start - 1
        varint(UInt64(length))
        byteCount += length
    }

    /// Where a message in the message begins.
    struct Mark {
        fileprivate let start: Int
    }

    @inline(__always)
    private mutating func tag(_ field: UInt64, _ type: WireType) {
        varint(field << 3 | type.rawValue)
    }

    @inline(__always)
    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            put(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        put(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    private mutating func put(_ byte: UInt8) {
        unsafe (start + byteCount).storeBytes(of: byte, as: UInt8.self)
        byteCount += 1
    }
}
