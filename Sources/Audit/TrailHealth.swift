import Synchronization

/// Whether the trail works, as its threads tell each other and the status.
final class TrailHealth: Sendable {
    private let memory: RingMemory
    private let failure = Mutex<AuditFailure?>(nil)
    private let diskFull = Atomic<Bool>(false)
    private let onFailure: @Sendable (AuditFailure) -> Void

    init(_ memory: RingMemory, onFailure: @escaping @Sendable (AuditFailure) -> Void) {
        self.memory = memory
        self.onFailure = onFailure
    }

    var current: AuditFailure? { failure.withLock { $0 } }

    var isDiskFull: Bool {
        get { diskFull.load(ordering: .relaxed) }
        set { diskFull.store(newValue, ordering: .relaxed) }
    }

    /// From here no worker gets a number. Only the first failure counts and is told.
    func fail(_ reason: AuditFailure) {
        let isFirst = failure.withLock { failure in
            defer { failure = failure ?? reason }
            return failure == nil
        }
        memory.state.storeReleasing(RingState.failed.rawValue)
        if isFirst { onFailure(reason) }
    }
}
