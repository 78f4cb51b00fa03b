import Privacy
import Wire

// Personal data on its way into the record. The only road on which a score request allocates and locks, and no other request takes it.
extension Session {
    /// Refuses what will not be sealed; before anything is computed.
    func check(_ personal: PersonalDataView, _ worker: ScoringWorker) throws(Refusal) {
        guard worker.keys != nil else { throw .personalDataNotAccepted }
        try Self.check("subject", personal.subject, 1...PrivacyLimits.subjectByteCountMax)
        try Self.check("account", personal.account, 0...PrivacyLimits.fieldByteCountMax)
        try Self.check("device", personal.device, 0...PrivacyLimits.fieldByteCountMax)
        try Self.check("free_text", personal.freeText, 0...PrivacyLimits.freeTextByteCountMax)
    }

    private static func check(_ name: String, _ text: TextView, _ range: ClosedRange<Int>) throws(Refusal) {
        guard range.contains(text.byteCount) else {
            throw .personalDataLength(name: name, byteCount: text.byteCount, limit: range.upperBound)
        }
        guard text.isUTF8 else { throw .personalDataText(name: name) }
    }

    /// Encrypts checked personal data under its subject's key, which is made when there is none.
    func seal(_ personal: PersonalDataView, _ worker: ScoringWorker) throws(Refusal) -> SealedFields {
        guard let keys = worker.keys else { throw .personalDataNotAccepted }
        do throws(PrivacyError) {
            let sealed = try unsafe keys.seal(personal.encoded, subject: personal.subject.bytes)
            return worker.arena.sealed(sealed.payload.bytes, subjectReference: sealed.reference.bytes)
        } catch {
            throw .personalDataUnavailable(error)
        }
    }

    /// None, or one for each row; rows without personal data have an empty one.
    func checkPersonal(_ batch: ScoreBatchView, _ worker: ScoringWorker) throws(Refusal) {
        guard batch.personalCount > 0 else { return }
        guard batch.personalCount == batch.rowCount else {
            throw .batchPersonal(got: batch.personalCount, expected: batch.rowCount)
        }
        for row in 0..<batch.personalCount where !batch.personal(row).isEmpty { try check(batch.personal(row), worker) }
    }

    /// The rows' sealed data; empty: no row has any.
    func sealPersonal(_ batch: ScoreBatchView, _ worker: ScoringWorker) throws(Refusal) -> [SealedFields] {
        var sealed: [SealedFields] = []
        for row in 0..<batch.personalCount {
            let personal = batch.personal(row)
            sealed.append(personal.isEmpty ? .none : try seal(personal, worker))
        }
        return sealed
    }
}
