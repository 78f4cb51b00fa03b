import Crypto
import Platform

/// Personal data as a record holds it: AES-256-GCM under the subject's key.
///
///          0      1  format version, 1
///          1      8  number of the key, little-endian
///          9     12  nonce, random
///         21      n  the encoded assay.v1.PersonalData, encrypted
///     21 + n     16  tag
///
/// Authenticated along with it: bytes 0-8 and the record's subject_ref.
public struct SealedPayload: Equatable, Sendable {
    /// Bytes more than the plain text has.
    public static let overheadByteCount = 37
    private static let version: UInt8 = 1
    private static let headByteCount = 9
    private static let nonceByteCount = 12
    private static let tagByteCount = 16

    public let bytes: [UInt8]

    /// nil: the bytes are none of this format.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.overheadByteCount, bytes[0] == Self.version else { return nil }
        self.bytes = bytes
    }

    /// Which key of the store opens it.
    public var keyNumber: UInt64 { LittleEndian.uint64(bytes, at: 1) }

    static func seal(_ plain: [UInt8], slot: KeySlot) throws(PrivacyError) -> SealedPayload {
        var bytes = [version]
        LittleEndian.append(slot.number, to: &bytes)
        do {
            let box = try AES.GCM.seal(
                plain, using: SymmetricKey(data: slot.key), authenticating: bytes + slot.reference.bytes)
            bytes += Array(box.nonce)
            bytes += Array(box.ciphertext)
            bytes += Array(box.tag)
        } catch {
            throw .payloadDamaged
        }
        return SealedPayload(bytes)!
    }

    /// The plain text; throws `payloadDamaged` when a byte was altered or the key is another one.
    func open(key: [UInt8], reference: SubjectReference) throws(PrivacyError) -> [UInt8] {
        let head = Array(bytes[..<Self.headByteCount])
        let nonceEnd = Self.headByteCount + Self.nonceByteCount
        let textEnd = bytes.count - Self.tagByteCount
        do {
            let box = try AES.GCM.SealedBox(
                nonce: AES.GCM.Nonce(data: bytes[Self.headByteCount..<nonceEnd]), ciphertext: bytes[nonceEnd..<textEnd],
                tag: bytes[textEnd...])
            return try Array(AES.GCM.open(box, using: SymmetricKey(data: key), authenticating: head + reference.bytes))
        } catch {
            throw .payloadDamaged
        }
    }
}
