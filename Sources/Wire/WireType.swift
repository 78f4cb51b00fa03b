/// How a field's value lies on the wire: the lowest three bits of its tag.
enum WireType: UInt64 {
    case varint = 0
    case fixed64 = 1
    case bytes = 2
    case fixed32 = 5
}
