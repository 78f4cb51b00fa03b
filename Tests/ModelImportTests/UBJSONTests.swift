import Platform
import Testing

@testable import ModelImport

@Suite struct UBJSONTests {
    private func parse(_ parts: Any...) throws -> JSON { try UBJSONParser.parse(Self.bytes(parts)) }

    private static func bytes(_ parts: [Any]) -> [UInt8] {
        parts.flatMap { part in
            switch part {
            case let text as String: Array(text.utf8)
            case let byte as Int: [UInt8(truncatingIfNeeded: byte)]
            default: preconditionFailure("a part is a text or a byte")
            }
        }
    }

    @Test func readsEveryType() throws {
        #expect(try parse("Z") == .null)
        #expect(try parse("T") == true)
        #expect(try parse("F") == false)
        #expect(try parse("i", 0xff) == -1)
        #expect(try parse("U", 0xff) == 255)
        #expect(try parse("I", 0xff, 0x00) == -256)
        #expect(try parse("l", 0, 1, 0, 0) == 65536)
        #expect(try parse("L", 0x80, 0, 0, 0, 0, 0, 0, 0).integer == .min)
        #expect(try parse("d", 0x3f, 0xc0, 0, 0) == 1.5)
        #expect(try parse("D", 0x3f, 0xf8, 0, 0, 0, 0, 0, 0) == 1.5)
        #expect(try parse("HU", 3, "1.5") == 1.5)
        #expect(try parse("Ca") == "a")
        #expect(try parse("SU", 3, "abc") == "abc")
        #expect(try parse("[U", 1, "NT]") == [1, true])
        #expect(try parse("[#U", 2, "U", 7, "Z") == [7, nil])
        #expect(try parse("[$U#U", 3, 1, 2, 3) == [1, 2, 3])
        #expect(try parse("[$d#L", 0, 0, 0, 0, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0) == [1.5])
        #expect(try parse("{U", 1, "aZU", 1, "b[]}") == ["a": nil, "b": []])
        #expect(try parse("{#U", 1, "U", 1, "aT") == ["a": true])
        #expect(try parse("{$U#U", 1, "U", 1, "a", 9) == ["a": 9])
    }

    @Test func aFloatKeepsItsBits() throws {
        #expect(try parse("d", 0x80, 0, 0, 1).float?.bitPattern == 0x8000_0001)
        #expect(try parse("d", 0x7f, 0xc0, 0, 0).float?.isNaN == true)
    }

    @Test func liesAndDamageAreRefused() {
        #expect(throws: UBJSONError.unexpectedEnd(offset: 0)) { try parse() }
        #expect(throws: UBJSONError.unexpectedMarker(0x78, offset: 0)) { try parse("x") }
        #expect(throws: UBJSONError.trailingBytes(offset: 1)) { try parse("ZZ") }
        #expect(throws: UBJSONError.unexpectedEnd(offset: 3)) { try parse("l", 0, 0) }
        #expect(throws: UBJSONError.countInvalid(offset: 1)) { try parse("SL", 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff) }
        #expect(throws: UBJSONError.countInvalid(offset: 1)) { try parse("Si", 0xff) }
        #expect(throws: UBJSONError.countInvalid(offset: 2)) { try parse("[#U", 9, "Z") }
        // Elements without bytes would let a short file ask for any number of them.
        #expect(throws: UBJSONError.unexpectedMarker(0x5a, offset: 2)) { try parse("[$Z#L", 0, 0, 0, 0x10, 0, 0, 0, 0) }
        #expect(throws: UBJSONError.unexpectedMarker(0x55, offset: 2)) { try parse("[$U", 1) }
        #expect(throws: UBJSONError.duplicateKey(offset: 0)) { try parse("{U", 1, "aZU", 1, "aZ}") }
        // Containers within each other, each with as many elements as there are bytes left.
        let nested = Array(repeating: Array("[#l".utf8) + [0x00, 0x0f, 0x42, 0x40], count: 60).flatMap(\.self)
        #expect(throws: UBJSONError.unexpectedEnd(offset: 1_000_420)) {
            try UBJSONParser.parse(nested + [UInt8](repeating: UInt8(ascii: "Z"), count: 1_000_000))
        }
        #expect(throws: UBJSONError.invalidUTF8(offset: 1)) { try parse("SU", 1, 0xff) }
        #expect(throws: UBJSONError.numberInvalid(offset: 1)) { try parse("HU", 1, "x") }
        #expect(throws: UBJSONError.tooDeep(limit: 64, offset: 65)) { try parse(String(repeating: "[", count: 100)) }
        // A container of containers, each of them one marker for many: the depth still counts.
        #expect(throws: UBJSONError.self) { try parse("[$[#U", 2, "#U", 1, "U", 1) }
    }
}
