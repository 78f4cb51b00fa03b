import Glibc
import ModelBundle
import Platform

/// The tables behind `RegistrySnapshot.find`: an open-addressing hash table of names, and for each name its aliases and versions in a row.
///
/// Safety: the table owns its five allocations from `init` to `deinit` and never changes them in between, so any thread may read them.
/// Every index and range in a slot was computed by `init` from the arrays it fills.
@safe struct LookupTable: ~Copyable, @unchecked Sendable {
    private struct NameSlot {
        var hash: UInt64 = 0
        var text = TextRange()
        var aliases: Range<Int32> = 0..<0
        var versions: Range<Int32> = 0..<0
        /// Entry of the alias `champion`; -1 when there is none.
        var champion: Int32 = -1
    }

    private struct AliasSlot {
        let text: TextRange
        let entry: Int32
    }

    private struct VersionSlot {
        let version: UInt32
        let entry: Int32
    }

    private struct TextRange {
        var offset: UInt32 = 0
        /// 0 in a slot that is free.
        var byteCount: UInt32 = 0
    }

    /// A power of two, at least twice as many as names, so that a search soon meets a free slot.
    private let names: UnsafeMutableBufferPointer<NameSlot>
    private let aliases: UnsafeMutableBufferPointer<AliasSlot>
    private let versions: UnsafeMutableBufferPointer<VersionSlot>
    private let servedVersions: UnsafeMutableBufferPointer<ServedVersion>
    /// Names, aliases and digests.
    private let text: UnsafeMutableBufferPointer<UInt8>

    /// - Parameter entries: sorted by name, then by version descending.
    init(_ entries: [PublishedBundle], _ aliasesByName: [String: [String: UInt32]]) {
        var builder = Builder()
        var start = 0
        while start < entries.count {
            let name = entries[start].name
            let end = entries[start...].firstIndex { $0.name != name } ?? entries.count
            builder.addName(entries, start..<end, aliases: aliasesByName[name] ?? [:])
            start = end
        }
        let digestOffsets = entries.map { builder.addText($0.bundle.digest.bytes).offset }

        unsafe names = Self.copy(Self.hashed(builder.names))
        unsafe aliases = Self.copy(builder.aliases)
        unsafe versions = Self.copy(builder.versions)
        unsafe text = Self.copy(builder.text)
        unsafe servedVersions = .allocate(capacity: entries.count)
        for (index, entry) in entries.enumerated() {
            let name = builder.nameOfEntry[index]
            // Safety: unretained, because the snapshot that owns this table holds `entries`; the text ranges were made by the builder.
            unsafe servedVersions.initializeElement(
                at: index,
                to: ServedVersion(
                    bundle: .passUnretained(entry.bundle), name: Self.slice(text, name),
                    digest: Self.slice(text, TextRange(offset: digestOffsets[index], byteCount: UInt32(SHA256Digest.byteCount))),
                    version: entry.version, isUnproven: entry.manifest.isUnproven))
        }
    }

    deinit {
        unsafe names.deallocate()
        unsafe aliases.deallocate()
        unsafe versions.deallocate()
        unsafe servedVersions.deallocate()
        unsafe text.deallocate()
    }

    @inline(__always)
    borrowing func served(_ index: Int) -> ServedVersion {
        precondition(unsafe index >= 0 && index < servedVersions.count, "entry \(index) is not in this snapshot")
        return unsafe servedVersions[index]
    }

    borrowing func find(name: UnsafeRawBufferPointer, alias: UnsafeRawBufferPointer, version: UInt32) -> Lookup {
        guard name.count > 0, name.count <= RegistryLimits.nameByteCountMax else { return .unknownBundle }
        let hash = unsafe Self.hash(name)
        let mask = unsafe names.count - 1
        var position = Int(truncatingIfNeeded: hash) & mask
        // Ends at a free slot: at least half of them are.
        while true {
            let slot = unsafe names[position]
            if slot.text.byteCount == 0 { return .unknownBundle }
            if slot.hash == hash, unsafe equals(slot.text, name) {
                if version != 0 { return findVersion(slot.versions, version) }
                if alias.count == 0 { return slot.champion < 0 ? .unknownAlias : .found(index: Int(slot.champion)) }
                return unsafe findAlias(slot.aliases, alias)
            }
            position = (position + 1) & mask
        }
    }

    @inline(__always)
    private borrowing func findAlias(_ range: Range<Int32>, _ alias: UnsafeRawBufferPointer) -> Lookup {
        for index in range {
            let slot = unsafe aliases[Int(index)]
            if unsafe equals(slot.text, alias) { return .found(index: Int(slot.entry)) }
        }
        return .unknownAlias
    }

    /// Versions are few and descend; requests that name one mostly name a late one.
    @inline(__always)
    private borrowing func findVersion(_ range: Range<Int32>, _ version: UInt32) -> Lookup {
        for index in range {
            let slot = unsafe versions[Int(index)]
            if slot.version == version { return .found(index: Int(slot.entry)) }
            if slot.version < version { break }
        }
        return .unknownVersion
    }

    @inline(__always)
    private borrowing func equals(_ range: TextRange, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard Int(range.byteCount) == bytes.count else { return false }
        // Safety: the range lies in `text` (made by the builder) and is as long as `bytes`, which is not empty, so both have an address.
        return unsafe memcmp(text.baseAddress! + Int(range.offset), bytes.baseAddress!, bytes.count) == 0
    }
}

// Building
extension LookupTable {
    private struct Builder {
        var names: [NameSlot] = []
        var aliases: [AliasSlot] = []
        var versions: [VersionSlot] = []
        var text: [UInt8] = []
        var nameOfEntry: [TextRange] = []

        mutating func addText(_ bytes: [UInt8]) -> TextRange {
            defer { text += bytes }
            return TextRange(offset: UInt32(text.count), byteCount: UInt32(bytes.count))
        }

        /// Adds one name whose entries are `range` of `entries`.
        mutating func addName(_ entries: [PublishedBundle], _ range: Range<Int>, aliases named: [String: UInt32]) {
            var slot = NameSlot()
            let bytes = entries[range.lowerBound].nameBytes
            slot.hash = unsafe bytes.withUnsafeBytes { unsafe LookupTable.hash($0) }
            slot.text = addText(bytes)
            nameOfEntry += Array(repeating: slot.text, count: range.count)
            slot.versions = Int32(versions.count)..<Int32(versions.count + range.count)
            versions += range.map { VersionSlot(version: entries[$0].version, entry: Int32($0)) }
            let firstAlias = Int32(aliases.count)
            for (alias, version) in named.sorted(by: { $0.key < $1.key }) {
                guard let entry = range.first(where: { entries[$0].version == version }) else {
                    preconditionFailure("alias \(alias) names version \(version), which is not held")
                }
                aliases.append(AliasSlot(text: addText(Array(alias.utf8)), entry: Int32(entry)))
                if alias == RegistryName.championAlias { slot.champion = Int32(entry) }
            }
            slot.aliases = firstAlias..<Int32(aliases.count)
            names.append(slot)
        }
    }

    /// Puts the slots where `find` looks for them: at their hash, or at the next free place after it.
    private static func hashed(_ slots: [NameSlot]) -> [NameSlot] {
        var capacity = 2
        while capacity < slots.count * 2 { capacity *= 2 }
        var table = Array(repeating: NameSlot(), count: capacity)
        for slot in slots {
            var position = Int(truncatingIfNeeded: slot.hash) & (capacity - 1)
            while table[position].text.byteCount != 0 { position = (position + 1) & (capacity - 1) }
            table[position] = slot
        }
        return table
    }

    private static func copy<Element>(_ elements: [Element]) -> UnsafeMutableBufferPointer<Element> {
        let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
        _ = unsafe buffer.initialize(from: elements)
        return unsafe buffer
    }

    private static func slice(_ text: UnsafeMutableBufferPointer<UInt8>, _ range: TextRange) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(
            rebasing: UnsafeRawBufferPointer(text)[Int(range.offset)..<Int(range.offset + range.byteCount)])
    }

    /// Mixes eight bytes at a time. The names in the table are the operator's, so nobody outside can make them collide.
    @inline(__always)
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = UInt64(bytes.count) &* 0x9e37_79b9_7f4a_7c15
        var offset = 0
        while offset + 8 <= bytes.count {
            hash = (hash ^ (unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))) &* 0xff51_afd7_ed55_8ccd
            hash ^= hash >> 32
            offset += 8
        }
        var rest: UInt64 = 0
        while offset < bytes.count {
            rest = rest << 8 | UInt64(unsafe bytes[offset])
            offset += 1
        }
        hash = (hash ^ rest) &* 0xff51_afd7_ed55_8ccd
        return hash ^ (hash >> 32)
    }
}
