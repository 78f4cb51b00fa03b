import AssayProto
import CProtobufC

/// What must be erasable, as a caller gives it: never used for scoring, sealed in the audit trail (docs/PRIVACY.md).
public struct PersonalData: Equatable, Sendable {
    /// The caller's pseudonymous id of the person whom all of this is about; erasure goes by it.
    public var subject: String
    public var account = ""
    public var device = ""
    public var freeText = ""

    public init(subject: String, account: String = "", device: String = "", freeText: String = "") {
        self.subject = subject
        self.account = account
        self.device = device
        self.freeText = freeText
    }

    /// nil when the bytes are no PersonalData.
    public static func decode(_ bytes: [UInt8]) -> PersonalData? {
        let arena = MessageArena(byteCount: 4096)
        guard let message = unsafe assay__v1__personal_data__unpack(arena.protobufAllocator, bytes.count, bytes) else {
            return nil
        }
        let view = unsafe PersonalDataView(message: message)
        return PersonalData(
            subject: view.subject.string, account: view.account.string, device: view.device.string, freeText: view.freeText.string
        )
    }

    func message(_ arena: MessageArena) -> UnsafeMutablePointer<Assay__V1__PersonalData> {
        let message = unsafe arena.message(assay__v1__personal_data__init)
        unsafe message.pointee.subject = arena.string(subject)
        unsafe message.pointee.account = arena.string(account)
        unsafe message.pointee.device = arena.string(device)
        unsafe message.pointee.free_text = arena.string(freeText)
        return unsafe message
    }
}

/// Personal data inside a decoded request.
///
/// Safety: `message` lies in the arena it was decoded into and is valid until the arena's next reset.
@safe
public struct PersonalDataView {
    let message: UnsafeMutablePointer<Assay__V1__PersonalData>

    init(message: UnsafeMutablePointer<Assay__V1__PersonalData>) {
        unsafe self.message = unsafe message
    }

    public var subject: TextView { unsafe TextView(message.pointee.subject) }
    public var account: TextView { unsafe TextView(message.pointee.account) }
    public var device: TextView { unsafe TextView(message.pointee.device) }
    public var freeText: TextView { unsafe TextView(message.pointee.free_text) }

    /// Nothing is said in it.
    public var isEmpty: Bool { unsafe assay__v1__personal_data__get_packed_size(message) == 0 }

    /// The message's bytes, unknown fields included.
    public var encoded: [UInt8] {
        let byteCount = unsafe assay__v1__personal_data__get_packed_size(message)
        return unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            unsafe assay__v1__personal_data__pack(message, buffer.baseAddress)
            count = byteCount
        }
    }
}

/// Personal data as the audit record holds it.
///
/// Safety: lies in the request's arena.
@safe
public struct SealedFields {
    let payload: UnsafeRawBufferPointer
    let subjectReference: UnsafeRawBufferPointer

    public static var none: SealedFields {
        unsafe SealedFields(
            payload: UnsafeRawBufferPointer(start: nil, count: 0), subjectReference: UnsafeRawBufferPointer(start: nil, count: 0))
    }

    var byteCount: Int { unsafe payload.count + subjectReference.count }
}

extension MessageArena {
    /// Copies of a sealed payload and its subject's reference.
    public func sealed(_ payload: [UInt8], subjectReference: [UInt8]) -> SealedFields {
        let (first, second) = unsafe (bytes(payload), bytes(subjectReference))
        return unsafe SealedFields(
            payload: UnsafeRawBufferPointer(start: first.data, count: first.len),
            subjectReference: UnsafeRawBufferPointer(start: second.data, count: second.len))
    }
}
