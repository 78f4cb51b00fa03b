/// A bundle taken apart into its sections, so that one can be damaged, grow or shrink, and the table of sections still be right.
public struct BundleParts {
    public private(set) var sections: [(number: UInt32, content: [UInt8])] = []
    private let header: [UInt8]

    private static let headerByteCount = 64
    private static let entryByteCount = 24
    private static let alignment = 64

    /// nil when the table does not say where sections are.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.headerByteCount else { return nil }
        header = Array(bytes[..<Self.headerByteCount])
        let count = Int(truncatingIfNeeded: Self.number(bytes, 12, byteCount: 4))
        guard count > 0, count <= (bytes.count - Self.headerByteCount) / Self.entryByteCount else { return nil }
        for index in 0..<count {
            let entry = Self.headerByteCount + index * Self.entryByteCount
            let offset = Self.number(bytes, entry + 8, byteCount: 8)
            let byteCount = Self.number(bytes, entry + 16, byteCount: 8)
            guard offset <= UInt64(bytes.count), byteCount <= UInt64(bytes.count) - offset else { return nil }
            let content = bytes[Int(offset)..<Int(offset + byteCount)]
            sections.append((UInt32(truncatingIfNeeded: Self.number(bytes, entry, byteCount: 4)), Array(content)))
        }
    }

    /// The file with that section's content; length and digest are still to be made right.
    public func file(replacing section: Int, with content: [UInt8]) -> [UInt8] {
        var table: [UInt8] = []
        var body: [UInt8] = []
        let start = Self.aligned(Self.headerByteCount + sections.count * Self.entryByteCount)
        for (index, part) in sections.enumerated() {
            let content = index == section ? content : part.content
            table += Self.bytes(UInt64(part.number), byteCount: 8)
            table += Self.bytes(UInt64(start + body.count), byteCount: 8)
            table += Self.bytes(UInt64(content.count), byteCount: 8)
            body += content
            body += [UInt8](repeating: 0, count: Self.aligned(body.count) - body.count)
        }
        let head = header + table
        return head + [UInt8](repeating: 0, count: start - head.count) + body
            + [UInt8](repeating: 0, count: BundleSeal.digestByteCount)
    }

    private static func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }

    private static func number(_ bytes: [UInt8], _ offset: Int, byteCount: Int) -> UInt64 {
        (0..<byteCount).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }

    private static func bytes(_ number: UInt64, byteCount: Int) -> [UInt8] {
        (0..<byteCount).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
    }
}
