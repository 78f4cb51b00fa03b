/// Finds single fields of an encoded `AuditRecord` without decoding it: the journal thread looks at every record.
enum RecordFields {
    private static let transactionIDNumber: UInt64 = 16

    /// Where the transaction id's bytes are; nil: the record has none, or isn't one. Our encoder writes fields in ascending order.
    static func transactionID(_ record: UnsafeRawBufferPointer) -> Range<Int>? {
        var offset = 0
        while offset < record.count {
            guard let tag = unsafe varint(record, &offset) else { return nil }
            let number = tag >> 3
            if number > transactionIDNumber { return nil }
            switch tag & 7 {
            case 0: guard unsafe varint(record, &offset) != nil else { return nil }
            case 1: offset += 8
            case 5: offset += 4
            case 2:
                guard let length = unsafe varint(record, &offset), length <= UInt64(record.count - offset) else { return nil }
                let end = offset + Int(length)
                if number == transactionIDNumber { return length == 0 ? nil : offset..<end }
                offset = end
            default: return nil
            }
        }
        return nil
    }

    /// The base-128 number at `offset`, which moves behind it; nil: it doesn't end in the buffer or has more than 64 bits.
    private static func varint(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while offset >= 0, offset < bytes.count, shift < 64 {
            // Safety: `offset` was just held against the count.
            let byte = unsafe bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }
}

extension TransactionHash {
    /// Hash of a record's transaction id; 0: it has none.
    func ofRecord(_ record: UnsafeRawBufferPointer) -> UInt64 {
        guard let range = unsafe RecordFields.transactionID(record) else { return 0 }
        // Safety: the range lies inside the record.
        return unsafe self(UnsafeRawBufferPointer(rebasing: record[range]))
    }
}
