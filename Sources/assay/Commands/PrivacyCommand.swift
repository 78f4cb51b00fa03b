import ArgumentParser
import Audit
import Platform
import Privacy
import Wire

/// `assay privacy …`: works on the key store itself; a running server sees an erasure before its next use of the key.
struct PrivacyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "privacy", abstract: "Erase and show personal data, list its keys.",
        subcommands: [PrivacyErase.self, PrivacyShow.self, PrivacyList.self])
}

/// Which key store, for all its commands.
struct KeyStoreOptions: ParsableArguments {
    @Option(help: .init("Directory of the keys (or ASSAY_PRIVACY_KEYS).", valueName: "DIR"), completion: .directory)
    var keys: String?

    func directory() throws -> String {
        guard let path = keys ?? Surroundings.variable("ASSAY_PRIVACY_KEYS") else {
            throw ValidationError("Missing expected argument '--keys <DIR>' (or ASSAY_PRIVACY_KEYS)")
        }
        return path
    }
}

/// `assay privacy erase`.
struct PrivacyErase: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Destroy the keys of a subject, so that nobody can read its personal data any more.",
        discussion: """
            The journal stays as it is, and provable. Erasing again does no harm, and also erases a key that the subject got since. \
            Backups of the key store are not reached: docs/PRIVACY.md.
            """)

    @OptionGroup var store: KeyStoreOptions
    @Option(help: .init("The subject, as callers give it.", valueName: "ID")) var subject: String
    @Option(help: .init("The reason, for the log of erasures.", valueName: "TEXT")) var why: String
    @OptionGroup var who: SignatureOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let directory = try store.directory()
        let result = try failing {
            try KeyEraser.erase(
                subject, directory: directory, who: who.signature, why: why, unixNanoseconds: Clock.wallNanoseconds())
        }
        if json {
            return Output.json(
                JSON.object([
                    "subject_ref": .string(result.reference.hex), "erased": .array(result.erased.map { JSON($0) }),
                    "erased_before": JSON(result.erasedBeforeCount),
                ]))
        }
        let before = result.erasedBeforeCount > 0 ? ", \(result.erasedBeforeCount) had been erased before" : ""
        Output.line("\(result.erased.count) keys erased\(before); subject_ref \(result.reference.hex)")
    }
}

/// `assay privacy show`.
struct PrivacyShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print the personal data of a decision, as long as its key exists.",
        discussion: "Ends with 1 when the decision has none, and when its key was erased.")

    @OptionGroup var store: KeyStoreOptions
    @Option(help: .init("Directory of the journal (or ASSAY_JOURNAL).", valueName: "DIR"), completion: .directory)
    var journal: String?
    @Option(help: .init("Number of the decision (its audit sequence).", valueName: "N")) var decision: UInt64
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        guard let path = journal ?? Surroundings.variable("ASSAY_JOURNAL") else {
            throw ValidationError("Missing expected argument '--journal <DIR>' (or ASSAY_JOURNAL)")
        }
        let reader = try failing { [directory = try store.directory()] in try KeyReader(directory) }
        let found = try failing { try JournalLookup(directory: path).record(sequence: decision) }
        // Safety: the view is used inside the closure only; the record is copied out of it.
        let decoded = found.flatMap { found in unsafe found.bytes.withUnsafeBytes { unsafe AuditRecord.decode($0) } }
        guard let record = decoded, record.voidRange == nil else {
            throw CommandFailure(.refused, "\(path) has no decision \(decision)")
        }
        if record.sealedPersonal.isEmpty { throw CommandFailure(.refused, "decision \(decision) has no personal data") }
        let personal = try failing { try Self.open(record, reader) }
        if json { Output.json(personal.json) } else { Output.facts(personal.facts) }
    }

    private static func open(_ record: AuditRecord, _ reader: KeyReader) throws(PrivacyError) -> PersonalData {
        guard let payload = SealedPayload(record.sealedPersonal),
            let reference = SubjectReference(bytes: record.subjectReference),
            let personal = PersonalData.decode(try reader.open(payload, reference: reference))
        else { throw .payloadDamaged }
        return personal
    }
}

/// `assay privacy list`.
struct PrivacyList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Print the keys, and what was erased when.",
        discussion: "Subjects are named by their reference, as in records; --subject prints those of one subject.")

    @OptionGroup var store: KeyStoreOptions
    @Option(help: .init("Only the keys of this subject.", valueName: "ID")) var subject: String?
    @Flag(help: "Print one JSON object a line.") var json = false

    func run() throws {
        let reader = try failing { [directory = try store.directory()] in try KeyReader(directory) }
        let wanted = subject.map { reader.reference(of: $0) }
        try failing {
            try reader.forEach { entry in
                if let wanted, wanted != entry.reference { return }
                Output.line(json ? entry.json.serialized() : entry.line)
            }
        }
    }
}

extension KeyReader.Entry {
    private var created: String { UTCTimestamp.text(unixNanoseconds: createdNanoseconds, digitCount: 3) }
    private var erased: String? { erasedNanoseconds.map { UTCTimestamp.text(unixNanoseconds: $0, digitCount: 3) } }

    var line: String { "\(number) \(reference.hex) made \(created)\(erased.map { " erased \($0)" } ?? "")" }

    var json: JSON {
        JSON.object([
            "key": JSON(number), "subject_ref": .string(reference.hex), "made": .string(created),
            "erased": erased.map { .string($0) } ?? .null,
        ])
    }
}

extension PersonalData {
    var facts: [(String, String)] {
        [("subject", subject), ("account", account), ("device", device), ("free text", freeText)].filter { !$0.1.isEmpty }
    }

    var json: JSON {
        JSON.object([
            "subject": .string(subject), "account": .string(account), "device": .string(device), "free_text": .string(freeText),
        ])
    }
}
