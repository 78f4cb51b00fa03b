import Platform
import Wire

/// All requests of a run as finished frames, sent in turn; only the id (and the deadline) is written into a frame when it is sent.
struct PreparedRequests: Sendable {
    /// Frames one after another.
    private let bytes: [UInt8]
    /// Where each begins, and the end of the last.
    private let offsets: [Int]
    /// Rows of each request.
    let rowsPerItem: Int
    /// Distinct rows: request `item` carries rows `(item * rowsPerItem + j) % rowCount`.
    let rowCount: Int
    let hasDeadline: Bool
    /// Size of the longest frame.
    let frameByteCountMax: Int

    /// Where the id's varint stands in a frame: behind the header and the id's key.
    static let idOffset = Frame.headerByteCount + 1
    /// Where the deadline's varint stands: behind the id and the deadline's key.
    static let deadlineOffset = idOffset + 9
    /// Any time of this century has 51 bits in microseconds: eight bytes as a varint, as the times that will replace it.
    private static let deadlinePlaceholder: Int64 = 1 << 50

    var count: Int { offsets.count - 1 }

    /// Frames of `itemCount` requests that `body` makes.
    init(
        itemCount: Int, rowsPerItem: Int, rowCount: Int, hasDeadline: Bool, body: (Int) -> RequestBody
    ) throws(LoadError) {
        guard itemCount > 0 else { throw .input("there is no row to send") }
        var bytes: [UInt8] = []
        var offsets = [0]
        var longest = 0
        for item in 0..<itemCount {
            let request = Request(
                id: RequestID.placeholder.rawValue, deadlineMicroseconds: hasDeadline ? Self.deadlinePlaceholder : 0,
                body: body(item))
            let frame = request.frame()
            try Self.check(frame, hasDeadline: hasDeadline)
            bytes.append(contentsOf: frame)
            guard bytes.count <= LoadLimits.preencodedByteCountMax else {
                throw .input("the requests take more than \(LoadLimits.preencodedByteCountMax) bytes: use fewer rows")
            }
            offsets.append(bytes.count)
            longest = max(longest, frame.count)
        }
        self.bytes = bytes
        self.offsets = offsets
        self.rowsPerItem = rowsPerItem
        self.rowCount = rowCount
        self.hasDeadline = hasDeadline
        frameByteCountMax = longest
    }

    /// Appends request `item` to `output` under `id`.
    @inline(__always)
    func append(
        _ item: Int, id: RequestID, deadlineMicroseconds: Int64, to output: inout SendQueue
    ) {
        let start = offsets[item]
        let byteCount = offsets[item + 1] - start
        unsafe bytes.withUnsafeBytes { source in
            // Safety: the frame lies in `source` by construction, `reserve` gives byteCount bytes, and `check` has shown that the
            // patched places lie in every frame.
            let target = unsafe output.reserve(byteCount)
            unsafe target.copyMemory(from: source.baseAddress! + start, byteCount: byteCount)
            unsafe target.storeBytes(of: id.varint.littleEndian, toByteOffset: Self.idOffset, as: UInt64.self)
            if hasDeadline {
                let varint = eightByteVarint(UInt64(bitPattern: deadlineMicroseconds))
                unsafe target.storeBytes(of: varint.littleEndian, toByteOffset: Self.deadlineOffset, as: UInt64.self)
            }
        }
        output.commit(byteCount)
    }

    /// Rows are taken round and round: the row that the `index`-th of all requests' rows is.
    @inline(__always)
    static func row(_ index: Int, of rowCount: Int) -> Int { index < rowCount ? index : index % rowCount }

    /// The row that row `position` of request `item` is.
    func row(item: Int, position: Int) -> Int { Self.row(item * rowsPerItem + position, of: rowCount) }

    /// The encoder must have put id and deadline where they will be patched.
    private static func check(_ frame: [UInt8], hasDeadline: Bool) throws(LoadError) {
        var expected: [UInt8] = [0x08] + littleEndianBytes(RequestID.placeholder.varint)
        if hasDeadline { expected += [0x10] + littleEndianBytes(eightByteVarint(UInt64(deadlinePlaceholder))) }
        guard frame.count >= Frame.headerByteCount + expected.count,
            frame[Frame.headerByteCount...].starts(with: expected)
        else { throw .input("the encoder does not put id and deadline first") }
    }

    private static func littleEndianBytes(_ word: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
    }
}
