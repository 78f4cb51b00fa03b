import AssayProto
import CProtobufC

/// A decoded `CardTransaction`. Safety: as ``BitcoinTransactionView``.
@safe
public struct CardTransactionView {
    @usableFromInline let message: UnsafeMutablePointer<Assay__V1__CardTransaction>

    init(message: UnsafeMutablePointer<Assay__V1__CardTransaction>) {
        unsafe self.message = unsafe message
    }

    /// Decodes a message that travels alone (`assay score`, tests). nil when the bytes are no CardTransaction, or need more memory than
    /// the arena gives.
    public static func decode(_ bytes: UnsafeRawBufferPointer, arena: MessageArena) -> CardTransactionView? {
        // Safety: protobuf-c reads exactly `count` bytes and allocates from the arena alone.
        guard
            let message = unsafe assay__v1__card_transaction__unpack(
                arena.protobufAllocator, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        else { return nil }
        return unsafe CardTransactionView(message: message)
    }

    @inlinable public var amountMinor: Int64? {
        unsafe message.pointee.amount_presence_case == ASSAY__V1__CARD_TRANSACTION__AMOUNT_PRESENCE_AMOUNT_MINOR
            ? message.pointee.amount_minor : nil
    }
    @inlinable public var timeMicroseconds: Int64? {
        unsafe message.pointee.time_presence_case == ASSAY__V1__CARD_TRANSACTION__TIME_PRESENCE_TIME_US
            ? message.pointee.time_us : nil
    }
    @inlinable public var elapsedSeconds: Double? {
        unsafe message.pointee.elapsed_presence_case == ASSAY__V1__CARD_TRANSACTION__ELAPSED_PRESENCE_ELAPSED_SECONDS
            ? message.pointee.elapsed_seconds : nil
    }
    @inlinable public var merchantCategory: UInt32? {
        unsafe message.pointee.category_presence_case == ASSAY__V1__CARD_TRANSACTION__CATEGORY_PRESENCE_MERCHANT_CATEGORY
            ? message.pointee.merchant_category : nil
    }
    /// Number of a `CardEntryMode`, as it came: may be one that the contract does not have. 0: not stated.
    @inlinable public var statedEntryMode: UInt32 { unsafe message.pointee.entry_mode.rawValue }
    @inlinable public var componentCount: Int { unsafe message.pointee.n_components }
    /// `index` is below ``componentCount``.
    @inlinable public func component(_ index: Int) -> Float {
        precondition(index >= 0 && index < componentCount, "component \(index) of \(componentCount)")
        return unsafe message.pointee.components[index]
    }
    @inlinable public var currency: CodeView { unsafe CodeView(message.pointee.currency) }
    @inlinable public var cardCountry: CodeView { unsafe CodeView(message.pointee.card_country) }
    @inlinable public var merchantCountry: CodeView { unsafe CodeView(message.pointee.merchant_country) }
}

/// A short code of capital letters (a currency, a country), copied out of a message as a number that compares in one instruction.
public struct CodeView: Equatable, Sendable {
    /// The letters, the first one in the highest of the used bytes; 0 for an empty text.
    public let packed: UInt32
    /// How many letters: 0 … 3; nil when the text is longer or has anything but A … Z.
    public let letterCount: Int?

    @usableFromInline init(_ text: UnsafeMutablePointer<CChar>?) {
        var packed: UInt32 = 0
        var count = 0
        // Safety: protobuf-c ends its strings with a NUL, and the loop ends at it.
        while let text = unsafe text, case let letter = UInt8(bitPattern: unsafe text[count]), letter != 0 {
            guard count < 3, letter >= UInt8(ascii: "A"), letter <= UInt8(ascii: "Z") else {
                (self.packed, letterCount) = (0, nil)
                return
            }
            packed = packed << 8 | UInt32(letter)
            count += 1
        }
        (self.packed, letterCount) = (packed, count)
    }
}
