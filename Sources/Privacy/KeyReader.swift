import Platform

/// Reads a key store, also one that a server has open: lists keys, and opens sealed payloads.
public struct KeyReader: Sendable {
    /// One key, or what is left of it.
    public struct Entry: Equatable, Sendable {
        public let number: UInt64
        public let reference: SubjectReference
        public let createdNanoseconds: Int64
        /// nil: the key is there.
        public let erasedNanoseconds: Int64?
    }

    private let directory: String
    private let secret: StoreSecret

    public init(_ directory: String) throws(PrivacyError) {
        self.directory = directory
        secret = try StoreSecret.read(directory)
    }

    /// What records hold in place of the subject.
    public func reference(of subject: String) -> SubjectReference {
        unsafe Array(subject.utf8).withUnsafeBytes { unsafe secret.reference(of: $0) }
    }

    /// Calls `body` with every key in the order in which they were made.
    public func forEach(_ body: (Entry) -> Void) throws(PrivacyError) {
        for number in try KeyStore.fileNumbers(directory) {
            let file = try file(number)
            for index in 1..<PrivacyLimits.slotCountPerFile {
                guard let entry = entry(file, index) else { continue }
                body(entry)
            }
        }
    }

    /// The encoded PersonalData of a record.
    public func open(_ payload: SealedPayload, reference: SubjectReference) throws(PrivacyError) -> [UInt8] {
        let unknown = PrivacyError.keyUnknown(keyNumber: payload.keyNumber)
        guard payload.keyNumber < KeyStore.number(file: PrivacyLimits.keyFileCountMax, index: 0) else { throw unknown }
        let (number, index) = KeyStore.place(payload.keyNumber)
        guard index > 0, try KeyStore.fileNumbers(directory).contains(number) else { throw unknown }
        let file = try file(number)
        guard let entry = entry(file, index), entry.reference == reference else { throw unknown }
        if let erased = entry.erasedNanoseconds { throw .keyErased(keyNumber: entry.number, unixNanoseconds: erased) }
        guard let bytes = file.bytes(index), let slot = KeySlot(bytes) else { throw unknown }
        return try payload.open(key: slot.key, reference: reference)
    }

    private func file(_ number: Int) throws(PrivacyError) -> KeyFile {
        try KeyFile(directory, number: number, storeIdentity: secret.storeIdentity, create: false)
    }

    private func entry(_ file: KeyFile, _ index: Int) -> Entry? {
        let state = file.state(index)
        guard state == .key || state == .erased, let bytes = file.bytes(index), let slot = KeySlot(bytes) else { return nil }
        return Entry(
            number: slot.number, reference: slot.reference, createdNanoseconds: slot.createdNanoseconds,
            erasedNanoseconds: state == .erased ? slot.erasedNanoseconds : nil)
    }
}
