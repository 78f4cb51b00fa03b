import Decision
import ModelBundle
import Platform
import Registry
import Wire

extension Session {
    /// Many rows, one version, one reply; every row is a decision with a record of its own.
    func decide(
        _ request: RequestView, _ batch: ScoreBatchView, _ worker: ScoringWorker, _ output: inout SendBuffer
    ) throws(Refusal) {
        try checkDeadline(request, worker)
        try checkQueue(worker)
        let rowCount = batch.rowCount
        guard rowCount >= 1, rowCount <= worker.limits.batchRowCountMax else {
            throw .batchRowCount(got: rowCount, limit: worker.limits.batchRowCountMax)
        }
        guard batch.transactionIDCount == 0 || batch.transactionIDCount == rowCount else {
            throw .batchTransactionIDs(got: batch.transactionIDCount, expected: rowCount)
        }
        let caller = self.caller(batch.caller, worker)
        for row in 0..<max(batch.transactionIDCount, 1) {
            try check(transactionID: batch.transactionIDCount == 0 ? .empty : batch.transactionID(row), caller: caller)
        }
        try checkPersonal(batch, worker)
        let entry = try worker.find(name: batch.bundle, alias: batch.alias, version: batch.version)
        let served = unsafe worker.served(entry)
        // Safety: the snapshot, which the turn holds, keeps the bundle alive.
        let result: Result<(reply: ScoreBatchMessage, waits: Bool), Refusal> = unsafe served.bundle._withUnsafeGuaranteedRef {
            bundle in
            do throws(Refusal) {
                return .success(try unsafe decide(request, batch, caller, entry, served, bundle, worker))
            } catch {
                return .failure(error)
            }
        }
        let (reply, waits) = try result.get()
        let frame = Reply(id: request.id, body: .scoreBatch(reply)).frame(acceptsLZ4: acceptsLZ4)
        guard waits, let held else {
            worker.counters.countRequest(.scoreBatch, .ok)
            return output.append(frame)
        }
        // Safety: the reserved room has the frame's length.
        unsafe frame.withUnsafeBytes { unsafe held.reserve($0.count).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        let last = reply.auditSequenceFirst + UInt64(rowCount) - 1
        held.hold(byteCount: frame.count, sequence: last, id: request.id, method: .scoreBatch)
        worker.noteHeld(sequence: last, byteCount: frame.count)
    }

    private func decide(
        _ request: RequestView, _ batch: ScoreBatchView, _ caller: TextView, _ entry: Int, _ served: ServedVersion,
        _ bundle: Bundle,
        _ worker: ScoringWorker
    ) throws(Refusal) -> (reply: ScoreBatchMessage, waits: Bool) {
        let features = try self.features(batch, bundle)
        let rowCount = batch.rowCount
        let (rawCount, outputCount) = (bundle.rawCount, bundle.outputCount)
        // Before anything is computed or recorded: a decision whose reply can't be sent must not be in the trail.
        let replyByteCount = ScoreBatchMessage.byteCountMax(
            rowCount: rowCount, outputCount: outputCount, rawCount: batch.includesRaw ? rawCount : 0)
        guard replyByteCount <= worker.limits.frameByteCountMax else {
            throw .batchReplyTooLong(byteCount: replyByteCount, limit: worker.limits.frameByteCountMax)
        }
        let rows = worker.rows
        rows.reserve(featureCount: 0, rawCount: rowCount * rawCount, outputCount: rowCount * outputCount)
        unsafe features.score(
            with: bundle, rowCount: rowCount, raw: rows.raw.baseAddress!, outputs: rows.outputs.baseAddress!)

        let firstRow = features.row(0, featureCount: bundle.featureCount)
        let fields = unsafe worker.fields
        // Safety: the worker's own place, which this batch alone uses; what it points to lives as long as the turn.
        unsafe fields.pointee = unsafe DecisionFields(
            bundle: batch.bundle, alias: batch.version == 0 ? worker.aliasText(batch.alias) : .empty, version: served.version,
            digest: served.digest, scores: UnsafeBufferPointer(rebasing: rows.outputs[..<outputCount]),
            raw: UnsafeBufferPointer(rebasing: rows.raw[..<rawCount]), features32: firstRow.float32,
            features64: firstRow.float64, transactionID: .empty, caller: caller)
        unsafe fields.pointee.requestID = request.id
        unsafe fields.pointee.stage = .online
        unsafe fields.pointee.isUnproven = unsafe served.isUnproven

        let sealed = try sealPersonal(batch, worker)
        var recordByteCountMax = 0
        for row in 0..<rowCount {
            if !sealed.isEmpty { unsafe fields.pointee.sealed = sealed[row] }
            if batch.transactionIDCount > 0 { unsafe fields.pointee.transactionID = batch.transactionID(row) }
            recordByteCountMax = max(recordByteCountMax, unsafe fields.pointee.recordByteCountMax(transactionByteCount: 0))
        }
        let waits = try mustWait(batch.durability, replyByteCountMax: replyByteCount, worker)
        let first = try worker.reserve(count: rowCount, byteCountMax: recordByteCountMax, isRequired: waits)
        // 0: the decisions go without records.
        let producer = first == 0 ? nil : worker.producer
        let now = worker.readClock()
        unsafe fields.pointee.timeNanoseconds = worker.wallNanoseconds(at: now)
        unsafe fields.pointee.serverNanoseconds = now &- worker.turnStartNanoseconds

        var reply = ScoreBatchMessage()
        reply.scores.reserveCapacity(rowCount)
        reply.outcomes.reserveCapacity(rowCount)
        for row in 0..<rowCount {
            unsafe fields.pointee.scores = UnsafeBufferPointer(
                rebasing: rows.outputs[row * outputCount..<(row + 1) * outputCount])
            let own = features.row(row, featureCount: bundle.featureCount)
            unsafe fields.pointee.features32 = own.float32
            unsafe fields.pointee.features64 = own.float64
            let decided = unsafe DecisionEngine.judge(rows.outputs.baseAddress! + row * outputCount, policy: bundle.policy)
            let outcome = WireOutcome(decided.outcome)
            if batch.transactionIDCount > 0 { unsafe fields.pointee.transactionID = batch.transactionID(row) }
            if !sealed.isEmpty { unsafe fields.pointee.sealed = sealed[row] }
            unsafe fields.pointee.sequence = first + UInt64(row)
            unsafe fields.pointee.score = decided.score
            unsafe fields.pointee.outcome = outcome
            unsafe fields.pointee.reason = decided.reason
            unsafe producer?.append(sequence: fields.pointee.sequence) { room in
                unsafe fields.pointee.writeAuditRecord(to: room.baseAddress!, transaction: .none)
            }
            reply.scores.append(decided.score)
            reply.outcomes.append(outcome)
            worker.counters.countDecision(slot: worker.counterSlot(entry: entry), outcome: outcome)
        }
        producer?.commit()

        reply.stage = .online
        reply.bundle = batch.bundle.string
        reply.version = unsafe served.version
        reply.digest = unsafe [UInt8](served.digest)
        reply.auditSequenceFirst = first
        reply.serverNanoseconds = unsafe fields.pointee.serverNanoseconds
        if outputCount > 1 { reply.allScores = unsafe Array(rows.outputs[..<(rowCount * outputCount)]) }
        if batch.includesRaw { reply.raw = unsafe Array(rows.raw[..<(rowCount * rawCount)]) }
        reply.isUnproven = unsafe served.isUnproven
        return (reply, waits)
    }
}
