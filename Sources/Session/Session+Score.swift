import Decision
import ModelBundle
import Platform
import Registry
import Wire

extension Session {
    /// The main road: one score request from its view to its reply. Allocates nothing in steady state.
    ///
    /// Everything that can be refused is refused before the audit trail gives a number; from there on nothing can fail.
    func decide(
        _ request: RequestView, _ score: ScoreView, _ worker: ScoringWorker, _ output: inout SendBuffer
    ) throws(Refusal) {
        try checkDeadline(request, worker)
        try checkQueue(worker)
        guard score.inputKindCount == 1 else { throw .inputCount(score.inputKindCount) }
        guard score.explain <= 32 else { throw .explainOutOfRange(score.explain) }
        let caller = self.caller(score.caller, worker)
        try check(transactionID: score.transactionID, caller: caller)
        if let personal = score.personal { try check(personal, worker) }
        let entry = try worker.find(name: score.bundle, alias: score.alias, version: score.version)
        let served = unsafe worker.served(entry)
        // Safety: the snapshot, which the turn holds, keeps the bundle alive.
        let refusal: Refusal? = unsafe served.bundle._withUnsafeGuaranteedRef { bundle in
            do throws(Refusal) {
                try unsafe decide(request, score, caller, entry, served, bundle, worker, &output)
                return nil
            } catch {
                return error
            }
        }
        if let refusal { throw refusal }
    }

    @inline(__always)
    private func decide(
        _ request: RequestView, _ score: ScoreView, _ caller: TextView, _ entry: Int, _ served: ServedVersion, _ bundle: Bundle,
        _ worker: ScoringWorker, _ output: inout SendBuffer
    ) throws(Refusal) {
        let rows = worker.rows
        rows.reserve(featureCount: bundle.featureCount, rawCount: bundle.rawCount, outputCount: bundle.outputCount)
        let features = try self.features(score, bundle, rows)
        unsafe features.score(with: bundle, rowCount: 1, raw: rows.raw.baseAddress!, outputs: rows.outputs.baseAddress!)
        let decided = unsafe DecisionEngine.judge(rows.outputs.baseAddress!, policy: bundle.policy)
        let outcome = WireOutcome(decided.outcome)

        let transaction = score.hasTransaction ? EncodedTransaction.encode(score, arena: worker.arena) : .none
        let fields = unsafe worker.fields
        // Safety: the worker's own place, which this decision alone uses; what it points to lives as long as the turn.
        unsafe fields.pointee.bundle = score.bundle
        unsafe fields.pointee.alias = score.version == 0 ? worker.aliasText(score.alias) : .empty
        unsafe fields.pointee.version = served.version
        unsafe fields.pointee.digest = served.digest
        unsafe fields.pointee.scores = UnsafeBufferPointer(rebasing: rows.outputs[..<bundle.outputCount])
        unsafe fields.pointee.raw = UnsafeBufferPointer(rebasing: rows.raw[..<bundle.rawCount])
        unsafe fields.pointee.features32 = features.float32
        unsafe fields.pointee.features64 = features.float64
        unsafe fields.pointee.transactionID = score.transactionID
        unsafe fields.pointee.caller = caller
        unsafe fields.pointee.requestID = request.id
        unsafe fields.pointee.score = decided.score
        unsafe fields.pointee.outcome = outcome
        unsafe fields.pointee.stage = decided.stage
        unsafe fields.pointee.reason = decided.reason
        unsafe fields.pointee.includesRaw = score.includesRaw
        unsafe fields.pointee.isUnproven = served.isUnproven
        unsafe fields.pointee.sealed = .none
        if unsafe !fields.pointee.contributions.isEmpty { unsafe fields.pointee.contributions = [] }
        if score.explain > 0 { unsafe fields.pointee.contributions = try reasons(Int(score.explain), features, bundle, rows) }
        if let personal = score.personal { unsafe fields.pointee.sealed = try seal(personal, worker) }

        let recordByteCountMax = unsafe fields.pointee.recordByteCountMax(transactionByteCount: transaction.byteCount)
        let replyByteCountMax = unsafe fields.pointee.replyByteCountMax()
        let waits = try mustWait(score.durability, replyByteCountMax: replyByteCountMax, worker)
        let sequence = try worker.reserve(count: 1, byteCountMax: recordByteCountMax, isRequired: waits)
        let now = worker.readClock()
        let serverNanoseconds = now &- worker.turnStartNanoseconds
        unsafe fields.pointee.sequence = sequence
        unsafe fields.pointee.timeNanoseconds = worker.wallNanoseconds(at: now)
        unsafe fields.pointee.serverNanoseconds = serverNanoseconds
        if sequence != 0 {
            unsafe worker.record(sequence) { room in
                unsafe fields.pointee.writeAuditRecord(to: room.baseAddress!, transaction: transaction)
            }
        }

        if waits, let held {
            let room = unsafe held.reserve(replyByteCountMax)
            let byteCount = unsafe fields.pointee.writeReplyFrame(to: room)
            held.hold(byteCount: byteCount, sequence: sequence, id: request.id, method: .score)
            worker.noteHeld(sequence: sequence, byteCount: byteCount)
        } else {
            let room = unsafe output.reserve(replyByteCountMax)
            output.commit(unsafe fields.pointee.writeReplyFrame(to: room))
            worker.counters.countRequest(.score, .ok)
        }
        worker.counters.countDecision(slot: worker.counterSlot(entry: entry), outcome: outcome)
        worker.counters.countDuration(nanoseconds: serverNanoseconds)
        // Before this returns, because then the reply may leave; not right after the record was written, because its bytes are then still on
        // their way into the cache and its checksum would wait for them.
        if sequence != 0 { worker.commitRecord() }
    }

    func check(transactionID: TextView, caller: TextView) throws(Refusal) {
        guard transactionID.byteCount <= WireLimits.transactionIDByteCountMax else {
            throw .transactionIDTooLong(byteCount: transactionID.byteCount)
        }
        guard caller.byteCount <= WireLimits.callerByteCountMax else { throw .callerTooLong(byteCount: caller.byteCount) }
        guard transactionID.isUTF8, caller.isUTF8 else { throw .textNotUTF8 }
    }
}

extension ScoringWorker {
    /// Index of the version that a request asks for.
    func find(name: TextView, alias: TextView, version: UInt32) throws(Refusal) -> Int {
        let found = unsafe snapshot!._withUnsafeGuaranteedRef { current in
            unsafe current.find(name: name.bytes, alias: alias.bytes, version: version)
        }
        switch found {
        case .found(let index): return index
        case .unknownBundle: throw .unknownBundle
        case .unknownAlias: throw .unknownAlias
        case .unknownVersion: throw .unknownVersion
        }
    }

    func served(_ entry: Int) -> ServedVersion {
        unsafe snapshot!._withUnsafeGuaranteedRef { unsafe $0.served(entry) }
    }

    /// The alias as it goes into the audit trail: an empty one means champion.
    func aliasText(_ alias: TextView) -> TextView {
        alias.isEmpty ? TextView("champion") : alias
    }
}

extension WireOutcome {
    init(_ outcome: Outcome) {
        self =
            switch outcome {
            case .approve: .approve
            case .review: .review
            case .decline: .decline
            }
    }
}
