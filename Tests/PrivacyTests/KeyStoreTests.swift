import Glibc
import Platform
import Synchronization
import Testing

@testable import Privacy

/// A directory of its own for one test, removed at the end.
final class StoreDirectory: Sendable {
    private static let counter = Atomic<Int>(0)
    let path: String

    init() {
        let number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
        let root = File.isDirectory("/dev/shm") ? "/dev/shm" : "/tmp"
        path = "\(root)/assay-privacy-test-\(getpid())-\(number)"
        try? File.removeTree(path)
    }

    deinit { try? File.removeTree(path) }
}

extension SubjectKeys {
    func seal(_ text: String, subject: String) throws -> (payload: SealedPayload, reference: SubjectReference) {
        try Array(subject.utf8).withUnsafeBytes { try seal(Array(text.utf8), subject: $0) }
    }
}

@Suite struct KeyStoreTests {
    let directory = StoreDirectory()

    private func open() throws -> SubjectKeys { try SubjectKeys.open(directory.path) }

    private func text(_ sealed: (payload: SealedPayload, reference: SubjectReference)) throws -> String {
        String(decoding: try KeyReader(directory.path).open(sealed.payload, reference: sealed.reference), as: UTF8.self)
    }

    private func erase(_ subject: String, why: String = "asked") throws -> KeyEraser.Result {
        try KeyEraser.erase(subject, directory: directory.path, who: "test", why: why, unixNanoseconds: 5_000_000_000)
    }

    @Test func sealedDataIsReadWithItsKeyAndNotInTheClear() throws {
        let keys = try open()
        let secretText = "account DE89 3704 0044"
        let one = try keys.seal(secretText, subject: "ada")
        let again = try keys.seal(secretText, subject: "ada")
        let other = try keys.seal("", subject: "bob")
        #expect(one.reference == again.reference && one.reference != other.reference)
        #expect(one.payload != again.payload, "each has a nonce of its own")
        #expect(one.payload.keyNumber == again.payload.keyNumber && one.payload.keyNumber != other.payload.keyNumber)
        #expect(one.payload.bytes.count == secretText.utf8.count + SealedPayload.overheadByteCount)
        #expect(!String(decoding: one.payload.bytes, as: UTF8.self).contains("DE89"))
        #expect(try text(one) == secretText && text(again) == secretText && text(other) == "")
        #expect(keys.keyCount == 2)
        #expect(try KeyReader(directory.path).reference(of: "ada") == one.reference)
    }

    @Test func keysAndReferencesOutliveTheProcess() throws {
        var keys: SubjectKeys? = try open()
        let before = try keys!.seal("x", subject: "ada")
        // Nothing was synchronised or closed: the mapping alone has it.
        keys = nil
        let after = try open().seal("y", subject: "ada")
        #expect(after.reference == before.reference && after.payload.keyNumber == before.payload.keyNumber)
        #expect(try text(before) == "x" && text(after) == "y")
    }

    @Test func everyAlteredByteOfAPayloadIsNoticed() throws {
        let sealed = try open().seal("text", subject: "ada")
        let reader = try KeyReader(directory.path)
        for index in sealed.payload.bytes.indices {
            var bytes = sealed.payload.bytes
            bytes[index] ^= 1
            #expect(throws: PrivacyError.self, "byte \(index)") {
                guard let payload = SealedPayload(bytes) else { throw PrivacyError.payloadDamaged }
                _ = try reader.open(payload, reference: sealed.reference)
            }
        }
        for count in 0..<sealed.payload.bytes.count {
            #expect(throws: PrivacyError.self) {
                guard let payload = SealedPayload(Array(sealed.payload.bytes[..<count])) else {
                    throw PrivacyError.payloadDamaged
                }
                _ = try reader.open(payload, reference: sealed.reference)
            }
        }
        // A payload moved to another subject's record.
        let other = reader.reference(of: "bob")
        #expect(throws: PrivacyError.keyUnknown(keyNumber: 1)) { try reader.open(sealed.payload, reference: other) }
    }

    @Test func erasedSubjectIsUnreadableForEverAndGetsANewKey() throws {
        let keys = try open()
        let old = try keys.seal("old", subject: "ada")
        let bystander = try keys.seal("stays", subject: "bob")
        // Beside the open store, as the command does it beside a server.
        let result = try erase("ada", why: "letter of 3 May")
        #expect(result.erased == [old.payload.keyNumber] && result.erasedBeforeCount == 0 && result.reference == old.reference)
        let gone = PrivacyError.keyErased(keyNumber: old.payload.keyNumber, unixNanoseconds: 5_000_000_000)
        #expect(throws: gone) { try text(old) }
        let new = try keys.seal("new", subject: "ada")
        #expect(new.reference == old.reference && new.payload.keyNumber > bystander.payload.keyNumber)
        #expect(try text(new) == "new" && text(bystander) == "stays")
        #expect(throws: gone) { try text(old) }
        // Again: the new key goes, and nothing more.
        let second = try erase("ada")
        #expect(second.erased == [new.payload.keyNumber] && second.erasedBeforeCount == 1)
        let third = try erase("ada")
        #expect(third.erased.isEmpty && third.erasedBeforeCount == 2)
        #expect(try erase("nobody").erased.isEmpty)
        let log = String(decoding: try File.read("\(directory.path)/erasures.jsonl"), as: UTF8.self)
        #expect(log.split(separator: "\n").count == 4)
        #expect(log.contains("letter of 3 May") && log.contains(old.reference.hex) && !log.contains("ada"))
    }

    @Test func noByteOfAnErasedKeyIsLeftInTheStore() throws {
        let keys = try open()
        _ = try keys.seal("x", subject: "ada")
        let path = "\(directory.path)/\(KeyFile.name(0))"
        let key = Array(try File.read(path)[128 + 64..<128 + 96])
        #expect(key.contains { $0 != 0 })
        _ = try erase("ada")
        let after = try File.read(path)
        #expect(!(0..<after.count - 32).contains { after[$0] == key[0] && Array(after[$0..<$0 + 32]) == key })
    }

    @Test func halfDoneErasureIsFinishedByTheNext() throws {
        let keys = try open()
        let sealed = try keys.seal("x", subject: "ada")
        let secret = try StoreSecret.read(directory.path)
        let path = "\(directory.path)/\(KeyFile.name(0))"
        // Killed right after the state was set.
        let descriptor = try File.open(path, O_RDWR)
        var state: [UInt8] = [2, 0, 0, 0]
        #expect(pwrite(descriptor.rawValue, &state, 4, 128) == 4)
        #expect(throws: PrivacyError.self) { try text(sealed) }
        let new = try keys.seal("y", subject: "ada")
        #expect(new.payload.keyNumber == 2)
        #expect(try erase("ada").erased == [1, 2])
        #expect(try File.read(path)[128 + 64..<128 + 96].allSatisfy { $0 == 0 })
        _ = secret
    }

    @Test func tornKeyIsLeftAloneAndItsSlotNotUsedAgain() throws {
        var keys: SubjectKeys? = try open()
        let sealed = try keys!.seal("x", subject: "ada")
        keys = nil
        let path = "\(directory.path)/\(KeyFile.name(0))"
        var bytes = try File.read(path)
        bytes[128 + 70] ^= 1
        try File.writeAtomically(bytes, to: path)
        let again = try open().seal("y", subject: "ada")
        #expect(again.payload.keyNumber == 2)
        #expect(throws: PrivacyError.keyUnknown(keyNumber: 1)) { try text(sealed) }
        #expect(try text(again) == "y")
    }

    @Test func keyFilesFollowOneAnother() throws {
        var keys: SubjectKeys? = try open()
        let count = PrivacyLimits.slotCountPerFile + 10
        var last: (payload: SealedPayload, reference: SubjectReference)?
        for number in 1...count { last = try keys!.seal("t\(number)", subject: "s\(number)") }
        #expect(try KeyStore.fileNumbers(directory.path) == [0, 1])
        #expect(keys!.keyCount == count)
        #expect(try text(last!) == "t\(count)")
        keys = nil
        let reopened = try open()
        #expect(reopened.keyCount == count)
        let first = try reopened.seal("again", subject: "s1")
        #expect(first.payload.keyNumber == 1)
        #expect(try erase("s\(count)").erased == [last!.payload.keyNumber])
        var entries = 0
        try KeyReader(directory.path).forEach { entries += $0.erasedNanoseconds == nil ? 1 : 0 }
        #expect(entries == count - 1)
    }

    @Test func storeBelongsToOneServerAndToItself() throws {
        let keys = try open()
        #expect(throws: PrivacyError.inUse(path: directory.path)) { try open() }
        withExtendedLifetime(keys) {}
        let other = StoreDirectory()
        _ = try SubjectKeys.open(other.path).seal("x", subject: "ada")
        #expect(throws: PrivacyError.noStore(path: "/nowhere")) { try KeyReader("/nowhere") }
        // A key file of another store, and a lost secret.
        try File.writeAtomically(File.read("\(other.path)/00000.keys"), to: "\(directory.path)/00000.keys")
        #expect(throws: PrivacyError.damaged(path: "\(directory.path)/00000.keys")) {
            try KeyReader(directory.path).forEach { _ in }
        }
        try File.remove("\(other.path)/secret")
        #expect(throws: PrivacyError.damaged(path: "\(other.path)/secret")) { try SubjectKeys.open(other.path) }
    }

    @Test func damagedSecretIsRefused() throws {
        _ = try open()
        let path = "\(directory.path)/secret"
        let good = try File.read(path)
        for index in good.indices {
            var bytes = good
            bytes[index] ^= 4
            try File.writeAtomically(bytes, to: path)
            #expect(throws: PrivacyError.damaged(path: path)) { try KeyReader(directory.path) }
        }
        try File.writeAtomically(Array(good.dropLast()), to: path)
        #expect(throws: PrivacyError.damaged(path: path)) { try KeyReader(directory.path) }
    }

    @Test func everythingIsForTheServersUserAlone() throws {
        _ = try open().seal("x", subject: "ada")
        _ = try erase("ada")
        for name in try File.list(directory.path) + ["."] {
            var information = stat()
            #expect(stat("\(directory.path)/\(name)", &information) == 0)
            #expect(information.st_mode & 0o077 == 0, "\(name)")
        }
    }

    @Test func textsBeyondTheirLimitsAreRefused() throws {
        _ = try open()
        #expect(throws: PrivacyError.textTooLong(name: "subject", byteCount: 0, limit: 128)) { try erase("") }
        #expect(throws: PrivacyError.textTooLong(name: "subject", byteCount: 129, limit: 128)) {
            try erase(String(repeating: "s", count: 129))
        }
        #expect(throws: PrivacyError.textTooLong(name: "why", byteCount: 2000, limit: 1024)) {
            try erase("ada", why: String(repeating: "w", count: 2000))
        }
    }
}
