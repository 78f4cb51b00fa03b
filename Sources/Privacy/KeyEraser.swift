import Glibc
import Platform

/// Erases a subject: overwrites its keys, so that nobody opens its sealed payloads any more. Works beside a running server and without one.
public enum KeyEraser {
    public struct Result: Equatable, Sendable {
        public let reference: SubjectReference
        /// Numbers of the keys that were there and are gone now.
        public let erased: [UInt64]
        /// Keys of the subject that had been erased before.
        public let erasedBeforeCount: Int
    }

    /// When it returns, no key of the subject is in the store, that is on disk, and the log of erasures says so. Erasing again does no harm.
    ///
    /// - Parameters:
    ///   - who, why: for the log; at most `PrivacyLimits.reasonByteCountMax` bytes each.
    ///   - unixNanoseconds: the time of the erasure.
    public static func erase(
        _ subject: String, directory: String, who: String, why: String, unixNanoseconds: Int64
    ) throws(PrivacyError) -> Result {
        try check("subject", subject, 1, PrivacyLimits.subjectByteCountMax)
        try check("who", who, 0, PrivacyLimits.reasonByteCountMax)
        try check("why", why, 0, PrivacyLimits.reasonByteCountMax)
        let secret = try StoreSecret.read(directory)
        let reference = unsafe Array(subject.utf8).withUnsafeBytes { unsafe secret.reference(of: $0) }
        // One eraser at a time; the server needs no lock, it sees the slot's state.
        let lock = try StoreLock(path: "\(directory)/erase.lock", waits: true)
        defer { withExtendedLifetime(lock) {} }
        var erased: [UInt64] = []
        var before = 0
        for number in try KeyStore.fileNumbers(directory) {
            let file = try KeyFile(directory, number: number, storeIdentity: secret.storeIdentity, create: false)
            before += eraseKeys(of: reference, in: file, unixNanoseconds, &erased)
            do throws(SystemError) { try file.synchronize() } catch { throw .system(error) }
        }
        let result = Result(reference: reference, erased: erased, erasedBeforeCount: before)
        try log(result, directory, who: who, why: why, unixNanoseconds)
        return result
    }

    /// Returns how many had been erased before.
    private static func eraseKeys(
        of reference: SubjectReference, in file: KeyFile, _ unixNanoseconds: Int64, _ erased: inout [UInt64]
    ) -> Int {
        var before = 0
        for index in 1..<PrivacyLimits.slotCountPerFile {
            let state = file.state(index)
            guard state == .key || state == .erased, let bytes = file.bytes(index), Array(bytes[32..<64]) == reference.bytes
            else {
                continue
            }
            // An eraser that was killed half-way has left the state without the rest.
            let isWhole = state == .erased && bytes[64..<96].allSatisfy { $0 == 0 } && KeySlot(bytes) != nil
            if isWhole {
                before += 1
            } else {
                file.erase(index, unixNanoseconds: unixNanoseconds)
                erased.append(KeyStore.number(file: file.number, index: index))
            }
        }
        return before
    }

    private static func log(
        _ result: Result, _ directory: String, who: String, why: String, _ unixNanoseconds: Int64
    ) throws(PrivacyError) {
        let line = JSON.object([
            "time": .string(UTCTimestamp.text(unixNanoseconds: unixNanoseconds, digitCount: 3)),
            "subject_ref": .string(result.reference.hex), "keys": .array(result.erased.map { JSON($0) }),
            "erased_before": JSON(result.erasedBeforeCount), "who": .string(who), "why": .string(why),
        ])
        do throws(SystemError) {
            let path = "\(directory)/erasures.jsonl"
            let isNew = !File.exists(path)
            let descriptor = try File.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
            try File.write(descriptor, Array((line.serialized() + "\n").utf8))
            guard fsync(descriptor.rawValue) == 0 else {
                throw SystemError(operation: "fsync", path: path, code: errno)
            }
            if isNew { try File.synchronizeDirectory(directory) }
        } catch {
            throw .system(error)
        }
    }

    private static func check(_ name: String, _ text: String, _ from: Int, _ limit: Int) throws(PrivacyError) {
        guard (from...limit).contains(text.utf8.count) else {
            throw .textTooLong(name: name, byteCount: text.utf8.count, limit: limit)
        }
    }
}
