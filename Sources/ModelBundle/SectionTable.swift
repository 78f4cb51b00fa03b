import Platform

/// The sections of a mapped file: where they lie, each checked to be inside.
@safe struct SectionTable {
    // Safety: borrowed from the mapping that the bundle being admitted owns.
    private let file: UnsafeRawBufferPointer
    private let ranges: [SectionID: Range<Int>]
    /// SHA-256 of the whole file.
    let digest: SHA256Digest

    /// Checks header, digest, table and padding.
    init(_ file: UnsafeRawBufferPointer) throws(BundleError) {
        unsafe self.file = file
        let sectionCount = try unsafe Self.checkHeader(file)
        digest = try unsafe Self.checkDigest(file)
        ranges = try unsafe Self.readTable(file, sectionCount: sectionCount)
        for section in SectionID.allCases where ranges[section] == nil { throw .sectionMissing(section) }
    }

    /// The bytes of a section in place.
    func bytes(of section: SectionID) -> UnsafeRawBufferPointer {
        // Safety: every range was checked to lie inside the file.
        unsafe UnsafeRawBufferPointer(rebasing: file[ranges[section]!])
    }

    /// A reader over a copy of a (small) section.
    func reader(of section: SectionID) -> SectionReader { unsafe SectionReader(section, Array(bytes(of: section))) }

    /// The start of a section that must have exactly `count` elements of `width` bytes.
    func elements(of section: SectionID, count: Int, width: Int) throws(BundleError) -> UnsafeRawPointer {
        let bytes = unsafe bytes(of: section)
        guard bytes.count == count * width else {
            throw .sectionByteCountWrong(section, stored: bytes.count, expected: count * width)
        }
        // Safety: sections lie inside the file, which is not empty.
        return bytes.baseAddress!
    }

    /// A section that must have exactly `count` doubles.
    func doubles(of section: SectionID, count: Int) throws(BundleError) -> UnsafeBufferPointer<Double> {
        // Safety: sections are 64-byte aligned, and this one was checked to be as long.
        let start = try unsafe elements(of: section, count: count, width: 8)
        return unsafe UnsafeBufferPointer(start: start.bindMemory(to: Double.self, capacity: count), count: count)
    }

    private static func checkHeader(_ file: UnsafeRawBufferPointer) throws(BundleError) -> Int {
        guard file.count >= 8, unsafe file.loadUnaligned(as: UInt64.self).littleEndian == BundleFormat.magic else {
            throw file.count < 8 ? .fileTooShort(byteCount: file.count) : .notABundle
        }
        guard file.count >= BundleFormat.headerByteCount + BundleFormat.trailerByteCount else {
            throw .fileTooShort(byteCount: file.count)
        }
        let version = unsafe UInt32(littleEndian: file.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        guard version == BundleFormat.version else { throw .formatVersionUnsupported(version) }
        let stored = unsafe UInt64(littleEndian: file.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        guard stored == UInt64(file.count) else { throw .byteCountWrong(stored: stored, actual: file.count) }
        for offset in 24..<BundleFormat.headerByteCount where unsafe file[offset] != 0 { throw .headerInvalid(offset: offset) }
        let count = unsafe UInt32(littleEndian: file.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        let tableEnd = BundleFormat.headerByteCount + Int(count) * BundleFormat.sectionEntryByteCount
        guard count <= BundleFormat.sectionCountMax, tableEnd + BundleFormat.trailerByteCount <= file.count else {
            throw .sectionCountInvalid(count)
        }
        return Int(count)
    }

    /// One pass: the state after all but the trailer gives the stored digest, continued over the trailer that of the file.
    private static func checkDigest(_ file: UnsafeRawBufferPointer) throws(BundleError) -> SHA256Digest {
        let bodyByteCount = file.count - BundleFormat.trailerByteCount
        var hasher = SHA256Hasher()
        unsafe hasher.update(UnsafeRawBufferPointer(rebasing: file[..<bodyByteCount]))
        let body = hasher
        let trailer = unsafe UnsafeRawBufferPointer(rebasing: file[bodyByteCount...])
        guard unsafe body.finalize() == SHA256Digest(bytes: trailer) else { throw .digestMismatch }
        unsafe hasher.update(trailer)
        return hasher.finalize()
    }

    private static func readTable(
        _ file: UnsafeRawBufferPointer, sectionCount: Int
    ) throws(BundleError) -> [SectionID: Range<Int>] {
        var ranges: [SectionID: Range<Int>] = [:]
        var end = BundleFormat.headerByteCount + sectionCount * BundleFormat.sectionEntryByteCount
        let bodyEnd = file.count - BundleFormat.trailerByteCount
        for index in 0..<sectionCount {
            let entry = BundleFormat.headerByteCount + index * BundleFormat.sectionEntryByteCount
            let number = unsafe UInt32(littleEndian: file.loadUnaligned(fromByteOffset: entry, as: UInt32.self))
            let zero = unsafe UInt32(littleEndian: file.loadUnaligned(fromByteOffset: entry + 4, as: UInt32.self))
            let offset = unsafe UInt64(littleEndian: file.loadUnaligned(fromByteOffset: entry + 8, as: UInt64.self))
            let byteCount = unsafe UInt64(littleEndian: file.loadUnaligned(fromByteOffset: entry + 16, as: UInt64.self))
            guard let section = SectionID(rawValue: number) else {
                throw ReservedSection(rawValue: number) == nil ? .sectionUnknown(number) : .sectionReserved(number)
            }
            guard zero == 0 else { throw .headerInvalid(offset: entry + 4) }
            guard ranges[section] == nil else { throw .sectionRepeated(section) }
            // Sections follow one another in order, each at the next multiple of the alignment: no overlap, no hidden bytes.
            guard offset == UInt64(BundleFormat.aligned(end)), offset <= UInt64(bodyEnd), byteCount <= UInt64(bodyEnd) - offset
            else {
                throw .sectionMisplaced(section, offset: offset, byteCount: byteCount)
            }
            try unsafe checkPadding(file, end..<Int(offset))
            end = Int(offset) + Int(byteCount)
            ranges[section] = Int(offset)..<end
        }
        guard BundleFormat.aligned(end) == bodyEnd else { throw .byteCountWrong(stored: UInt64(end), actual: file.count) }
        try unsafe checkPadding(file, end..<bodyEnd)
        return ranges
    }

    private static func checkPadding(_ file: UnsafeRawBufferPointer, _ range: Range<Int>) throws(BundleError) {
        for offset in range where unsafe file[offset] != 0 { throw .paddingNotZero(offset: offset) }
    }
}
