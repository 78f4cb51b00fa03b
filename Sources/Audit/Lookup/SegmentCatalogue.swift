import Platform
import Synchronization

/// The closed segments of a journal and their indexes, as far as they are known. Filters are kept for the newest segments, as many as
/// `filterByteCountMax` allows; for the others a look-up reads a page of the index.
final class SegmentCatalogue: Sendable {
    private enum Entry {
        /// Nobody has looked for an index yet.
        case unexamined
        /// There is none that can be used.
        case unindexed
        case indexed(SegmentIndex)
    }

    private struct State {
        /// Ascending.
        var order: [UInt64] = []
        var entries: [UInt64: Entry] = [:]
        var filterByteCount = 0
        /// Segments below this number have no filter in memory any more.
        var unfilteredBelow: UInt64 = 0
    }

    private let state: Mutex<State>
    // Loops ask for these, and must not wait for a thread of lower priority that holds the lock.
    private let segmentCount: Atomic<Int>
    private let indexedCount = Atomic<Int>(0)
    private let storage: any JournalStorage
    private let identity: JournalIdentity
    private let filterByteCountMax: Int

    /// `segments`: first numbers, ascending.
    init(
        storage: any JournalStorage, identity: JournalIdentity, segments: [UInt64],
        filterByteCountMax: Int = AuditLimits.filterByteCountMax
    ) {
        self.storage = storage
        self.identity = identity
        self.filterByteCountMax = filterByteCountMax
        segmentCount = Atomic(segments.count)
        state = Mutex(State(order: segments, entries: Dictionary(uniqueKeysWithValues: segments.map { ($0, .unexamined) })))
    }

    /// First numbers, ascending.
    var segments: [UInt64] { state.withLock { $0.order } }

    var count: Int { segmentCount.load(ordering: .relaxed) }

    /// Segments whose index is not (yet) known to be good.
    var unindexedCount: Int { max(0, count - indexedCount.load(ordering: .relaxed)) }

    /// The last segment that begins at `sequence` or before.
    func segment(notAfter sequence: UInt64) -> UInt64? {
        state.withLock { state in
            var low = 0
            var high = state.order.count
            while low < high {
                let middle = (low + high) / 2
                if state.order[middle] <= sequence { low = middle + 1 } else { high = middle }
            }
            return low > 0 ? state.order[low - 1] : nil
        }
    }

    /// The segment's index; looks for it when nobody has yet. nil: there is none that can be used.
    func index(of segment: UInt64) -> SegmentIndex? {
        let (entry, wantsFilter) = state.withLock { ($0.entries[segment], segment >= $0.unfilteredBelow) }
        switch entry {
        case nil, .unindexed: return nil
        case .indexed(let index): return index
        case .unexamined:
            let index: SegmentIndex
            do throws(IndexError) {
                index = try SegmentIndex.load(segment, identity: identity, storage: storage, withFilter: wantsFilter)
            } catch {
                put(segment, .unindexed)
                return nil
            }
            put(segment, .indexed(index))
            return index
        }
    }

    /// A segment was closed, or its index was written.
    func examineAgain(_ segment: UInt64) { put(segment, .unexamined, adding: true) }

    /// The index proved to be unusable.
    func discardIndex(of segment: UInt64) { put(segment, .unindexed) }

    /// The segment is gone.
    func forget(_ segment: UInt64) {
        state.withLock { state in
            guard let entry = state.entries.removeValue(forKey: segment) else { return }
            account(entry, -1, &state)
            segmentCount.wrappingSubtract(1, ordering: .relaxed)
            state.order.removeAll { $0 == segment }
        }
    }

    private func put(_ segment: UInt64, _ entry: Entry, adding: Bool = false) {
        state.withLock { state in
            if let old = state.entries[segment] {
                account(old, -1, &state)
            } else if adding {
                let position = state.order.firstIndex { $0 > segment } ?? state.order.count
                state.order.insert(segment, at: position)
                segmentCount.wrappingAdd(1, ordering: .relaxed)
            } else {
                return
            }
            account(entry, 1, &state)
            state.entries[segment] = entry
            trimFilters(&state)
        }
    }

    /// Counts an entry that comes (1) or goes (-1).
    private func account(_ entry: Entry, _ sign: Int, _ state: inout State) {
        guard case .indexed(let index) = entry else { return }
        indexedCount.wrappingAdd(sign, ordering: .relaxed)
        if index.filter != nil { state.filterByteCount += sign * index.filterByteCount }
    }

    /// The oldest filters go first.
    private func trimFilters(_ state: inout State) {
        guard state.filterByteCount > filterByteCountMax else { return }
        for segment in state.order where state.filterByteCount > filterByteCountMax {
            guard case .indexed(var index) = state.entries[segment], index.filter != nil else { continue }
            index.filter = nil
            state.filterByteCount -= index.filterByteCount
            state.entries[segment] = .indexed(index)
            state.unfilteredBelow = max(state.unfilteredBelow, segment + 1)
        }
    }
}
