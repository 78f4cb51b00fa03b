import Wire

/// The rows of one block for `assay_decisions`, in PostgreSQL's binary COPY format. One block at a time, so that its rows are still in the
/// processor's cache when they are sent.
///
///     file:  "PGCOPY\n\377\r\n\0", flags int32 0, extension int32 0, rows, int16 -1
///     row:   int16 count of columns; each: int32 bytes (-1: NULL), bytes; numbers big-endian
struct CopyEncoder: ~Copyable {
    static let columns = [
        "server_id", "sequence", "decided_at", "bundle", "version", "digest", "outcome", "stage", "score", "scores",
        "transaction_id", "caller", "request_id", "alias", "server_ns", "unproven", "subject_ref", "record",
    ]
    static let statement = "COPY assay_decisions (\(columns.joined(separator: ", "))) FROM STDIN (FORMAT binary)"
    private static let header: [UInt8] = Array("PGCOPY\n".utf8) + [0xff, 0x0d, 0x0a, 0x00] + [UInt8](repeating: 0, count: 8)
    private static let columnCount = Int16(columns.count)
    /// 2000-01-01 00:00 UTC in Unix microseconds: PostgreSQL's zero.
    private static let epochMicroseconds: Int64 = 946_684_800_000_000
    private static let float8OID: Int32 = 701
    /// Lengths and all columns of fixed size stay below this.
    private static let fixedByteCountMax = 512

    private let serverID: [UInt8]
    private var buffer = CopyBuffer(capacity: 1 << 20)
    /// Where the rows go.
    private(set) var partitions: Set<DecisionPartition> = []
    /// The moments of the last row's partition: decisions come in the order of time, nearly always.
    private var currentMicroseconds: Range<Int64> = 0..<0

    init(serverID: [UInt8]) { self.serverID = serverID }

    /// Makes the rows of a block, in place of what was made before; a void has none. `isFirst`: the file begins with them.
    mutating func encode(_ block: JournalBlock, isFirst: Bool) {
        buffer.clear()
        if isFirst { buffer.put(Self.header) }
        partitions.removeAll(keepingCapacity: true)
        currentMicroseconds = 0..<0
        guard block.header.kind == .records else { return }
        let blockTime = block.header.timeNanoseconds
        var record = AuditRecordView()
        unsafe block.forEachRecord { sequence, bytes in
            // A record that can't be decoded has a row all the same, empty and told by the time of its block.
            let isRead = unsafe record.read(bytes)
            if !isRead { record = AuditRecordView() }
            let time = isRead ? record.timeNanoseconds : blockTime
            unsafe append(sequence: sequence, record, at: decided(time, blockTime), raw: bytes)
        }
    }

    /// Makes the end of the file, in place of what was made before.
    mutating func encodeEnd() {
        buffer.clear()
        buffer.put(Int16(-1))
    }

    /// Lends what was made.
    func withBytes<Result, Failure: Error>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> Result) throws(Failure) -> Result {
        try unsafe buffer.withBytes(body)
    }

    /// The moment that the row tells, in Unix microseconds. Each partition costs the transaction locks, so a block that names more days than
    /// any sane clock does has the rest of them told by its own time; `record` has the truth.
    private mutating func decided(_ nanoseconds: Int64, _ blockTime: Int64) -> Int64 {
        let microseconds = nanoseconds / 1000
        if currentMicroseconds.contains(microseconds) { return microseconds }
        let partition = DecisionPartition(unixMicroseconds: microseconds)
        if partitions.count >= AuditLimits.partitionsOfBlockMax, !partitions.contains(partition) {
            partitions.insert(DecisionPartition(unixMicroseconds: blockTime / 1000))
            return blockTime / 1000
        }
        partitions.insert(partition)
        currentMicroseconds = partition.microseconds
        return microseconds
    }

    private mutating func append(
        sequence: UInt64, _ record: borrowing AuditRecordView, at microseconds: Int64, raw: UnsafeRawBufferPointer
    ) {
        unsafe buffer.reserve(Self.byteCountMax(record, raw))
        buffer.put(Self.columnCount)
        unsafe serverID.withUnsafeBytes { unsafe append(field: $0) }
        append(integer: Int64(clamping: sequence))
        append(integer: microseconds - Self.epochMicroseconds)
        unsafe append(text: record.bundle)
        append(integer: Int64(record.version))
        unsafe append(field: record.digest)
        append(constant: Self.name(WireOutcome(rawValue: record.outcome) ?? .unspecified))
        append(constant: Self.name(WireStage(rawValue: record.stage) ?? .unspecified))
        append(integer: record.scoreBits)
        unsafe append(doubles: record.scores)
        unsafe append(optionalText: record.transactionID)
        unsafe append(optionalText: record.caller)
        append(numeric: record.requestID)
        unsafe append(optionalText: record.alias)
        append(integer: Int64(clamping: record.serverNanoseconds))
        buffer.put(Int32(1))
        buffer.put(record.isUnproven ? UInt8(1) : 0)
        if unsafe record.subjectReference.isEmpty { buffer.put(Int32(-1)) } else { unsafe append(field: record.subjectReference) }
        unsafe append(field: raw)
    }

    /// No row is longer: a byte of a text becomes three at most (U+FFFD), eight of the scores twelve.
    private static func byteCountMax(_ record: borrowing AuditRecordView, _ raw: UnsafeRawBufferPointer) -> Int {
        let texts = unsafe record.bundle.count + record.transactionID.count + record.caller.count + record.alias.count
        let others = unsafe record.digest.count + record.subjectReference.count + 2 * record.scores.count + raw.count
        return fixedByteCountMax + 3 * texts + others
    }

    @inline(__always)
    private mutating func append(field: UnsafeRawBufferPointer) {
        buffer.put(Int32(field.count))
        unsafe buffer.put(field)
    }

    @inline(__always)
    private mutating func append(constant: StaticString) {
        // Safety: a constant of the program, ASCII, never freed.
        unsafe append(field: UnsafeRawBufferPointer(start: constant.utf8Start, count: constant.utf8CodeUnitCount))
    }

    @inline(__always)
    private mutating func append<Integer: FixedWidthInteger & BitwiseCopyable>(integer: Integer) {
        buffer.put(Int32(MemoryLayout<Integer>.size))
        buffer.put(integer)
    }

    /// PostgreSQL's text holds well-formed UTF-8 without zero bytes, and one other row would hold up all that follow; the record has the text
    /// as it was.
    private mutating func append(text: UnsafeRawBufferPointer) {
        if unsafe text.allSatisfy({ $0 &- 1 < 0x7f }) { return unsafe append(field: text) }
        let repaired = unsafe String(decoding: text, as: UTF8.self).utf8.flatMap { $0 == 0 ? [0xef, 0xbf, 0xbd] : [$0] }
        unsafe repaired.withUnsafeBytes { unsafe append(field: $0) }
    }

    private mutating func append(optionalText text: UnsafeRawBufferPointer) {
        if unsafe text.isEmpty { buffer.put(Int32(-1)) } else { unsafe append(text: text) }
    }

    /// A one-dimensional float8[] from little-endian float64; NULL when there are none.
    private mutating func append(doubles: UnsafeRawBufferPointer) {
        let count = doubles.count / 8
        guard count > 0 else { return buffer.put(Int32(-1)) }
        buffer.put(Int32(20 + 12 * count))
        // Dimensions, whether there are NULLs, the element's type, its count, the first index.
        buffer.put(Int32(1))
        buffer.put(Int32(0))
        buffer.put(Self.float8OID)
        buffer.put(Int32(count))
        buffer.put(Int32(1))
        for index in 0..<count {
            buffer.put(Int32(8))
            unsafe buffer.put(UInt64(littleEndian: doubles.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self)))
        }
    }

    /// A numeric without fraction: count of base-10,000 digits, weight of the first, sign, scale, digits.
    private mutating func append(numeric value: UInt64) {
        var count: Int16 = 0
        var power: UInt64 = 1
        var rest = value
        while rest > 0 {
            count += 1
            rest /= 10_000
            if rest > 0 { power *= 10_000 }
        }
        buffer.put(Int32(8 + 2 * Int32(count)))
        buffer.put(count)
        buffer.put(max(0, count - 1))
        buffer.put(Int16(0))
        buffer.put(Int16(0))
        for _ in 0..<count {
            buffer.put(Int16(value / power % 10_000))
            power /= 10_000
        }
    }

    private static func name(_ outcome: WireOutcome) -> StaticString {
        switch outcome {
        case .approve: "approve"
        case .review: "review"
        case .decline: "decline"
        case .unspecified: "unspecified"
        }
    }

    private static func name(_ stage: WireStage) -> StaticString {
        switch stage {
        case .online: "online"
        case .batch: "batch"
        case .heuristic: "heuristic"
        case .unspecified: "unspecified"
        }
    }
}
