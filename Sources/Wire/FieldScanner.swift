/// Walks over the fields of one protobuf message, from the first to the last.
///
/// Whatever does not fit breaks the scan: values are zero or empty from there on, and no further field is found.
///
/// A reader of many messages keeps it in registers: what is inlined must not lend it (`inout`) to what is not, so rare paths work on a copy.
///
/// Safety: `next` never passes `end`, the first byte behind the caller's buffer, which outlives this; every read is of bytes before `end`.
@safe
struct FieldScanner {
    private var next: UnsafeRawPointer
    private let end: UnsafeRawPointer
    private(set) var isBroken = false

    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer) {
        // Safety: an empty buffer may have no address; any will do, for nothing is read from it.
        unsafe next = unsafe bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
        unsafe end = unsafe next + bytes.count
    }

    private var remaining: UInt64 {
        @inline(__always) get { unsafe UInt64(truncatingIfNeeded: end - next) }
    }

    var isAtEnd: Bool { @inline(__always) get { remaining == 0 } }

    /// Passes over the tag of field `number` (1 to 2047) with a wire type, if that is what comes next.
    @inline(__always)
    mutating func takes(_ number: UInt64, _ type: WireType) -> Bool {
        let tag = number << 3 | type.rawValue
        if tag < 0x80 {
            guard remaining >= 1, unsafe next.load(as: UInt8.self) == UInt8(tag) else { return false }
            unsafe next += 1
            return true
        }
        let bytes = UInt16(tag & 0x7f | 0x80 | (tag >> 7) << 8)
        guard remaining >= 2, unsafe UInt16(littleEndian: next.loadUnaligned(as: UInt16.self)) == bytes else { return false }
        unsafe next += 2
        return true
    }

    /// The next field's tag; nil at the end, and where the message is broken.
    mutating func tag() -> UInt64? {
        guard remaining > 0, !isBroken else { return nil }
        let tag = varint()
        // No field has the number 0, none one of more than 29 bits.
        if tag < 8 || tag > UInt64(UInt32.max) { fail() }
        return isBroken ? nil : tag
    }

    /// Takes the bytes of field `number` if that comes next; otherwise `field` becomes empty. Neighbours' fields are mostly of equal length: where
    /// it is as long as `field` was, what follows need not wait for the length to be loaded.
    @inline(__always)
    mutating func take(_ number: UInt64, like field: inout UnsafeRawBufferPointer) {
        let count = UInt64(truncatingIfNeeded: field.count)
        var ahead = self
        if count < 0x80, ahead.takes(number, .bytes), ahead.remaining > count,
            unsafe ahead.next.load(as: UInt8.self) == UInt8(truncatingIfNeeded: count)
        {
            unsafe field = UnsafeRawBufferPointer(start: ahead.next + 1, count: Int(truncatingIfNeeded: count))
            unsafe next = ahead.next + 1 + Int(truncatingIfNeeded: count)
            return
        }
        unsafe field = unsafe takes(number, .bytes) ? bytes() : UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// A number that mostly takes one byte.
    @inline(__always)
    mutating func varint() -> UInt64 {
        if remaining > 0 {
            let first = unsafe next.load(as: UInt8.self)
            if first < 0x80 {
                unsafe next += 1
                return UInt64(first)
            }
        }
        return slowVarint()
    }

    /// A number that mostly takes more than a byte. Up to eight bytes are put together at once, for how many they are is hard to foresee.
    @inline(__always)
    mutating func longVarint() -> UInt64 {
        guard remaining >= 10 else { return slowVarint() }
        let word = unsafe UInt64(littleEndian: next.loadUnaligned(as: UInt64.self))
        let ends = ~word & 0x8080_8080_8080_8080
        guard ends != 0 else { return longestVarint(Self.joined(word)) }
        let bitCount = ends.trailingZeroBitCount &+ 1
        unsafe next += bitCount >> 3
        return Self.joined(word & (UInt64.max &>> UInt64(64 &- bitCount)))
    }

    /// A number of any length, byte by byte.
    @inline(__always)
    private mutating func slowVarint() -> UInt64 {
        var copy = self
        defer { self = copy }
        return copy.anyVarint()
    }

    /// The lower seven bits of eight bytes, one after another.
    @inline(__always)
    private static func joined(_ word: UInt64) -> UInt64 {
        let pairs = word & 0x007f_007f_007f_007f | (word & 0x7f00_7f00_7f00_7f00) >> 1
        let fours = pairs & 0x0000_3fff_0000_3fff | (pairs & 0x3fff_0000_3fff_0000) >> 2
        return fours & 0x0fff_ffff | (fours & 0x0fff_ffff_0000_0000) >> 4
    }

    /// One of nine or ten bytes, of which eight are known; there are ten bytes.
    @inline(__always)
    private mutating func longestVarint(_ low: UInt64) -> UInt64 {
        let ninth = unsafe next.load(fromByteOffset: 8, as: UInt8.self)
        let value = low | UInt64(ninth & 0x7f) << 56
        if ninth < 0x80 {
            unsafe next += 9
            return value
        }
        let tenth = unsafe next.load(fromByteOffset: 9, as: UInt8.self)
        guard tenth < 0x80 else { return fail() }
        unsafe next += 10
        return value | UInt64(tenth) << 63
    }

    @inline(never)
    private mutating func anyVarint() -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard remaining > 0 else { return fail() }
            let byte = unsafe next.load(as: UInt8.self)
            unsafe next += 1
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 { return value }
        }
        return fail()
    }

    @inline(__always)
    mutating func fixed64() -> UInt64 {
        guard remaining >= 8 else { return fail() }
        defer { unsafe next += 8 }
        return unsafe UInt64(littleEndian: next.loadUnaligned(as: UInt64.self))
    }

    @inline(__always)
    mutating func bytes() -> UnsafeRawBufferPointer {
        let count = varint()
        guard count <= remaining else {
            fail()
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
        defer { unsafe next += Int(truncatingIfNeeded: count) }
        return unsafe UnsafeRawBufferPointer(start: next, count: Int(truncatingIfNeeded: count))
    }

    /// Passes over the value of a field that nobody asks for.
    mutating func skip(_ tag: UInt64) {
        switch WireType(rawValue: tag & 7) {
        case .varint: _ = varint()
        case .fixed64: _ = fixed64()
        case .bytes: _ = unsafe bytes()
        case .fixed32 where remaining >= 4: unsafe next += 4
        default: fail()
        }
    }

    /// The message is malformed.
    @discardableResult
    @inline(__always)
    mutating func fail() -> UInt64 {
        isBroken = true
        unsafe next = unsafe end
        return 0
    }
}
