import Platform

/// A file's bytes twice: as processes see them and as the medium has them. Between two syncs they differ, and a power cut decides what of
/// the difference has happened.
final class SimulatedInode {
    enum Change {
        case write(offset: Int, bytes: [UInt8])
        case length(Int)
    }

    /// What processes see (the kernel's page cache).
    private(set) var cache: [UInt8] = []
    /// What is on the medium for certain.
    private(set) var medium: [UInt8] = []
    /// What was done since the last sync, in order.
    private(set) var pending: [Change] = []

    func write(at offset: Int, _ bytes: [UInt8]) {
        if bytes.isEmpty { return }
        change(.write(offset: offset, bytes: bytes))
    }

    func truncate(to byteCount: Int) { change(.length(byteCount)) }

    private func change(_ change: Change) {
        Self.apply(change, to: &cache)
        pending.append(change)
    }

    /// The first `count` of the pending changes are on the medium.
    func synchronize(first count: Int) {
        for change in pending.prefix(count) { Self.apply(change, to: &medium) }
        pending.removeFirst(count)
    }

    /// A sync that failed: some of the pages reached the medium. The others are thrown away, and yet processes go on seeing them; a later
    /// sync finds nothing to do.
    func failSynchronizing(_ generator: inout SeededGenerator) {
        let length = cache.count
        for change in pending { applyPart(of: change, .any, &generator) }
        // The length is metadata and was not what failed.
        Self.apply(.length(length), to: &medium)
        pending = []
    }

    /// What a power cut leaves, and a reboot shows.
    func cutPower(_ luck: PowerCutLuck, _ generator: inout SeededGenerator) {
        let length = cache.count
        var isOver = false
        for change in pending {
            switch luck {
            case .nothing: break
            case .everything: Self.apply(change, to: &medium)
            case .inOrder:
                if isOver { break }
                isOver = Int.random(in: 0..<3, using: &generator) == 0
                if isOver { applyPart(of: change, .torn, &generator) } else { Self.apply(change, to: &medium) }
            case .anyOrder: applyPart(of: change, .any, &generator)
            }
        }
        if luck == .anyOrder, !pending.isEmpty { surpriseWithLength(length, &generator) }
        settle()
    }

    /// Flips bits of what was synced, as ageing media do.
    func rot(_ range: Range<Int>, _ generator: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            medium[Int.random(in: range, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        }
        settle()
    }

    private func settle() {
        cache = medium
        pending = []
    }

    private enum Part { case torn, any }

    private func applyPart(of change: Change, _ part: Part, _ generator: inout SeededGenerator) {
        guard case .write(let offset, let bytes) = change else {
            if Bool.random(using: &generator) { Self.apply(change, to: &medium) }
            return
        }
        switch Int.random(in: part == .torn ? 2..<4 : 0..<5, using: &generator) {
        case 0: break
        case 1: Self.apply(change, to: &medium)
        case 2:
            let count = Int.random(in: 0...bytes.count, using: &generator)
            Self.apply(.write(offset: offset, bytes: Array(bytes[..<count])), to: &medium)
        default:
            // Each sector for itself.
            var start = offset
            while start < offset + bytes.count {
                let end = min(offset + bytes.count, (start / 512 + 1) * 512)
                if Bool.random(using: &generator) {
                    Self.apply(.write(offset: start, bytes: Array(bytes[start - offset..<end - offset])), to: &medium)
                }
                start = end
            }
        }
    }

    /// A file system may have noted a length whose data never came: then there are zeros, or what was in the room before.
    private func surpriseWithLength(_ length: Int, _ generator: inout SeededGenerator) {
        guard length > medium.count, Bool.random(using: &generator) else { return }
        let isStale = Bool.random(using: &generator)
        let old = medium
        while medium.count < length {
            if isStale, !old.isEmpty {
                medium.append(old[Int.random(in: 0..<old.count, using: &generator)])
            } else {
                medium.append(0)
            }
        }
    }

    private static func apply(_ change: Change, to bytes: inout [UInt8]) {
        switch change {
        case .length(let count):
            if count < bytes.count { bytes.removeLast(bytes.count - count) }
            if count > bytes.count { bytes.append(contentsOf: repeatElement(0, count: count - bytes.count)) }
        case .write(let offset, let written):
            let end = offset + written.count
            if bytes.count < end { bytes.append(contentsOf: repeatElement(0, count: end - bytes.count)) }
            bytes.withUnsafeMutableBytes { target in
                written.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: target[offset..<end]).copyMemory(from: $0) }
            }
        }
    }
}

/// What of the unsynced changes a power cut lets happen.
enum PowerCutLuck: CaseIterable {
    case nothing
    case everything
    /// The first ones, the last of them in part.
    case inOrder
    /// Any of them, each whole or in part.
    case anyOrder
}
