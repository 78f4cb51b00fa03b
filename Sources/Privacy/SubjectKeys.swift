import Glibc
import Platform
import Synchronization

/// The server's side of the key store: finds or makes the key of a subject and seals with it. One server a store; other processes may erase
/// keys meanwhile (`KeyEraser`), which shows at the next use.
///
/// A key made is in a shared mapping, which survives the process. `synchronize` makes keys durable; it must be called before the journal is
/// synced, so that no key is less durable than a record that it opens.
public final class SubjectKeys: Sendable {
    private struct State {
        var files: [KeyFile] = []
        /// The newest key of each subject.
        var numbers: [SubjectReference: UInt64] = [:]
        /// Where the next key goes.
        var next: UInt64 = 1
        /// Files with keys that are not durable yet.
        var unsynced: Set<Int> = []
    }

    private let directory: String
    private let secret: StoreSecret
    /// Held as long as this object lives.
    private let lock: StoreLock
    private let state: Mutex<State>

    /// Opens the store in a directory, which is made (for this user alone) when it is missing. All keys that are there are durable afterwards.
    public static func open(_ directory: String) throws(PrivacyError) -> SubjectKeys {
        do throws(SystemError) { try File.createDirectory(directory, mode: 0o700) } catch { throw .system(error) }
        guard let lock = try StoreLock(path: "\(directory)/lock") else { throw .inUse(path: directory) }
        if !File.exists("\(directory)/\(StoreSecret.name)") {
            // Keys without the secret that they belong to: somebody lost a file, and a new secret would hide it.
            guard try KeyStore.fileNumbers(directory).isEmpty else { throw .damaged(path: "\(directory)/\(StoreSecret.name)") }
            try StoreSecret.make(directory)
        }
        return try SubjectKeys(directory, secret: StoreSecret.read(directory), lock: lock)
    }

    private init(_ directory: String, secret: StoreSecret, lock: StoreLock) throws(PrivacyError) {
        self.directory = directory
        self.secret = secret
        self.lock = lock
        var state = State()
        for number in try KeyStore.fileNumbers(directory) {
            guard number == state.files.count else { throw .damaged(path: "\(directory)/\(KeyFile.name(state.files.count))") }
            let file = try KeyFile(directory, number: number, storeIdentity: secret.storeIdentity, create: true)
            Self.read(file, &state)
            do throws(SystemError) { try file.synchronize() } catch { throw .system(error) }
            state.files.append(file)
        }
        self.state = Mutex(state)
    }

    private static func read(_ file: KeyFile, _ state: inout State) {
        for index in 1..<PrivacyLimits.slotCountPerFile {
            let place = file.state(index)
            if place == .free { continue }
            state.next = KeyStore.number(file: file.number, index: index) + 1
            // A slot whose checksum is wrong was torn by a power cut before it was durable, so no durable record needs it.
            guard let bytes = file.bytes(index), let slot = KeySlot(bytes) else { continue }
            if place == .key { state.numbers[slot.reference] = slot.number }
        }
    }

    /// Keys that are there to seal with.
    public var keyCount: Int { state.withLock { $0.numbers.count } }

    /// Seals `personal` under the key of `subject`, which is made when there is none or when it was erased.
    public func seal(
        _ personal: [UInt8], subject: UnsafeRawBufferPointer
    ) throws(PrivacyError) -> (payload: SealedPayload, reference: SubjectReference) {
        let reference = unsafe secret.reference(of: subject)
        let slot = try slot(of: reference)
        return (try SealedPayload.seal(personal, slot: slot), reference)
    }

    /// Makes durable what isn't yet; quick when there is nothing.
    public func synchronize() throws(SystemError) {
        let files = state.withLock { state in
            let files = state.unsynced.map { state.files[$0] }
            state.unsynced.removeAll(keepingCapacity: true)
            return files
        }
        for file in files { try file.synchronize() }
    }

    private func slot(of reference: SubjectReference) throws(PrivacyError) -> KeySlot {
        try state.withLock { state throws(PrivacyError) in
            if let number = state.numbers[reference], let slot = Self.slot(number, in: state.files) { return slot }
            return try make(reference, &state)
        }
    }

    /// nil: the key was erased.
    private static func slot(_ number: UInt64, in files: [KeyFile]) -> KeySlot? {
        let (file, index) = KeyStore.place(number)
        guard files[file].state(index) == .key, let bytes = files[file].bytes(index) else { return nil }
        return KeySlot(bytes)
    }

    private func make(_ reference: SubjectReference, _ state: inout State) throws(PrivacyError) -> KeySlot {
        if KeyStore.place(state.next).index == 0 { state.next += 1 }
        let (file, index) = KeyStore.place(state.next)
        if file == state.files.count {
            guard file < PrivacyLimits.keyFileCountMax else { throw .full(keyCount: state.numbers.count) }
            // Takes the room on the disk now: a full one is an error here, not a SIGBUS later.
            state.files.append(try KeyFile(directory, number: file, storeIdentity: secret.storeIdentity, create: true))
        }
        var generator = SystemRandomNumberGenerator()
        let key = (0..<4).flatMap { _ in
            let word = generator.next()
            return (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
        }
        let slot = KeySlot(createdNanoseconds: Clock.wallNanoseconds(), number: state.next, reference: reference, key: key)
        state.unsynced.insert(file)
        state.files[file].put(slot, at: index)
        state.numbers[reference] = slot.number
        state.next += 1
        return slot
    }
}

/// The right to make keys in a store, held by one server; the system gives it up when the process dies.
final class StoreLock: Sendable {
    private let descriptor: FileDescriptor

    /// nil: somebody else holds it. `waits`: until it is free.
    init?(path: String, waits: Bool = false) throws(PrivacyError) {
        do throws(SystemError) { descriptor = try File.open(path, O_RDWR | O_CREAT, mode: 0o600) } catch { throw .system(error) }
        while flock(descriptor.rawValue, waits ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK else { throw .system(SystemError(operation: "flock", path: path, code: errno)) }
            return nil
        }
    }
}
