import Platform
import Privacy
import Testing
import Wire

@testable import Session

@Suite struct PersonalDataTests {
    private let ada = PersonalData(subject: "ada", account: "DE89 3704", device: "phone-7", freeText: "said “hello”")

    private func open(_ record: AuditRecord, _ bench: SessionBench) throws -> PersonalData? {
        let payload = try #require(SealedPayload(record.sealedPersonal))
        let reference = try #require(SubjectReference(bytes: record.subjectReference))
        return PersonalData.decode(try KeyReader(bench.directory + "/keys").open(payload, reference: reference))
    }

    @Test func personalDataIsSealedInTheRecordAndChangesNothingElse() throws {
        let bench = try SessionBench(keepsKeys: true)
        let plain = try bench.score([1, 0, 0]).decided
        let personal = try bench.score([1, 0, 0]) { $0.personal = ada }.decided
        #expect(personal.score == plain.score && personal.outcome == plain.outcome && personal.reasons == plain.reasons)
        let record = try bench.record(personal.auditSequence)
        #expect(try open(record, bench) == ada)
        #expect(record.subjectReference.count == 32)
        let bytes = try #require(try bench.trail.record(sequence: personal.auditSequence))
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(!text.contains("DE89") && !text.contains("phone-7") && !text.contains("ada"))
        // Encoding a record anew keeps the fields, as replay does it.
        #expect(record.encoded().withUnsafeBytes { AuditRecord.decode($0) } == record)
        let without = try bench.record(plain.auditSequence)
        #expect(without.sealedPersonal.isEmpty && without.subjectReference.isEmpty)
    }

    @Test func serverWithoutKeysRefusesPersonalData() throws {
        let bench = try SessionBench()
        let reply = try bench.score([1, 0, 0]) { $0.personal = ada }
        #expect(reply.status == .failedPrecondition && reply.error?.reason == "PERSONAL_DATA_NOT_ACCEPTED")
        var batch = ScoreBatchRequest(model: ModelReference(bundle: "stump"), features32: [1, 0, 0], rowCount: 1)
        batch.personal = [ada]
        #expect(try bench.ask(.scoreBatch(batch)).error?.reason == "PERSONAL_DATA_NOT_ACCEPTED")
        // Nothing was recorded.
        #expect(try bench.score([1, 0, 0]).decided.auditSequence == 1)
    }

    @Test func fieldsBeyondTheirLimitsAreRefusedAndMakeNoKey() throws {
        let bench = try SessionBench(keepsKeys: true)
        let long = String(repeating: "x", count: 129)
        let wrong = [
            PersonalData(subject: ""), PersonalData(subject: "", account: "a"), PersonalData(subject: long),
            PersonalData(subject: "s", account: long), PersonalData(subject: "s", device: long),
            PersonalData(subject: "s", freeText: String(repeating: "x", count: 1025)),
        ]
        for personal in wrong {
            let reply = try bench.score([1, 0, 0]) { $0.personal = personal }
            #expect(reply.status == .invalidArgument && reply.error?.reason == "PERSONAL_DATA_INVALID", "\(personal)")
        }
        // A request that is refused for another reason makes no key either.
        #expect(try bench.score([1, 0]) { $0.personal = ada }.error?.reason == "FEATURE_COUNT")
        var count = 0
        try KeyReader(bench.directory + "/keys").forEach { _ in count += 1 }
        #expect(count == 0)
        let most = PersonalData(
            subject: String(repeating: "s", count: 128), account: String(long.dropLast()), device: String(long.dropLast()),
            freeText: String(repeating: "ü", count: 512))
        let decision = try bench.score([1, 0, 0]) { $0.personal = most }.decided
        #expect(try open(bench.record(decision.auditSequence), bench) == most)
    }

    @Test func rowsOfABatchHavePersonalDataOfTheirOwn() throws {
        let bench = try SessionBench(keepsKeys: true)
        var batch = ScoreBatchRequest(
            model: ModelReference(bundle: "stump"), features32: [1, 0, 0, 0, 0, 0, 2, 0, 0], rowCount: 3)
        batch.personal = [ada, PersonalData(subject: ""), PersonalData(subject: "bob", account: "2")]
        let reply = try bench.ask(.scoreBatch(batch))
        guard case .scoreBatch(let decided)? = reply.body else { return #expect(Bool(false), "\(reply)") }
        let first = decided.auditSequenceFirst
        #expect(try open(bench.record(first), bench) == ada)
        #expect(try bench.record(first + 1).sealedPersonal.isEmpty)
        #expect(try open(bench.record(first + 2), bench)?.account == "2")
        batch.personal = [ada]
        #expect(try bench.ask(.scoreBatch(batch)).error?.reason == "BATCH_PERSONAL_DATA")
    }

    @Test func erasureBesideTheServerTakesEffectAtOnce() throws {
        let bench = try SessionBench(keepsKeys: true)
        let before = try bench.record(bench.score([1, 0, 0]) { $0.personal = ada }.decided.auditSequence)
        _ = try KeyEraser.erase("ada", directory: bench.directory + "/keys", who: "w", why: "y", unixNanoseconds: 7)
        let after = try bench.record(bench.score([1, 0, 0]) { $0.personal = ada }.decided.auditSequence)
        #expect(throws: PrivacyError.keyErased(keyNumber: 1, unixNanoseconds: 7)) { try open(before, bench) }
        #expect(try open(after, bench) == ada)
        #expect(before.subjectReference == after.subjectReference)
    }
}
