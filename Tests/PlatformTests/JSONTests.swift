import Platform
import Testing

@Suite struct JSONTests {
    @Test func parsesEveryKindOfValue() throws {
        let json = try JSON.parse(#" {"a": [1, -2.5, 1e3, true, false, null], "b": {"c": "d"}, "": {}, "e": []} "#)
        #expect(json["a"]?.array?.count == 6)
        #expect(json["a"]?[0]?.integer == 1)
        #expect(json["a"]?[1]?.double == -2.5)
        #expect(json["a"]?[2]?.integer == 1000)
        #expect(json["a"]?[3]?.bool == true)
        #expect(json["a"]?[5]?.isNull == true)
        #expect(json["b"]?["c"]?.string == "d")
        #expect(json[""] == .object([JSONMember]()))
        #expect(json["missing"] == nil)
        #expect(json["a"]?[6] == nil)
    }

    @Test func literalsBuildTheSameValueAsText() throws {
        let built: JSON = ["name": "cards", "count": 3, "share": 0.25, "flags": [true, nil]]
        #expect(try JSON.parse(#"{"name":"cards","count":3,"share":0.25,"flags":[true,null]}"#) == built)
        #expect(built == JSON.object([("name", "cards"), ("count", 3), ("share", 0.25), ("flags", [true, nil])]))
    }

    @Test func escapesAreReadAndWritten() throws {
        let json = try JSON.parse(#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\u0000""#)
        #expect(json.string == "\"\\/\u{8}\u{c}\n\r\té😀\u{0}")
        #expect(try JSON.parse(json.serialized()) == json)
    }

    @Test(arguments: [
        ("", JSONError.unexpectedEnd(offset: 0)), ("[1,", .unexpectedEnd(offset: 3)), ("[1,]", .unexpectedByte(0x5d, offset: 3)),
        ("{\"a\":1,}", .unexpectedByte(0x7d, offset: 7)), ("01", .invalidNumber(offset: 0)), ("-", .invalidNumber(offset: 0)),
        ("1.", .invalidNumber(offset: 0)), ("1e", .invalidNumber(offset: 0)), (".5", .unexpectedByte(0x2e, offset: 0)),
        ("+1", .unexpectedByte(0x2b, offset: 0)), ("1e999", .numberOutOfRange(offset: 0)),
        ("NaN", .unexpectedByte(0x4e, offset: 0)),
        ("tru", .unexpectedEnd(offset: 3)), ("trux", .unexpectedByte(0x78, offset: 3)), ("1 2", .trailingBytes(offset: 2)),
        ("\"\\x\"", .invalidEscape(offset: 1)), ("\"\\ud800\"", .invalidEscape(offset: 1)),
        ("\"\\udc00\"", .invalidEscape(offset: 1)),
        ("\"\\ud800\\u0041\"", .invalidEscape(offset: 1)), ("\"\\u12g4\"", .invalidEscape(offset: 1)),
        ("\"a", .unexpectedEnd(offset: 2)),
        ("\"a\nb\"", .controlCharacter(offset: 2)), ("{\"a\":1,\"a\":2}", .duplicateKey(offset: 0)),
        ("{1:2}", .unexpectedByte(0x31, offset: 1)), ("[1 2]", .unexpectedByte(0x32, offset: 3)),
    ])
    func malformedTextIsRefusedAtItsByte(text: String, error: JSONError) {
        #expect(throws: error) { try JSON.parse(text) }
    }

    @Test func invalidUTF8IsRefused() {
        #expect(throws: JSONError.invalidUTF8(offset: 1)) { try JSON.parse([0x22, 0xff, 0x22]) }
        #expect(throws: JSONError.invalidUTF8(offset: 1)) { try JSON.parse([0x22, 0x5c, 0x6e, 0xc0, 0x80, 0x22]) }
    }

    @Test func nestingIsBounded() throws {
        let deep = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(throws: Never.self) { try JSON.parse(deep) }
        #expect(throws: JSONError.tooDeep(limit: 128, offset: 128)) { try JSON.parse("[" + deep + "]") }
    }

    @Test func manyKeysAreCheckedForDuplicates() {
        let members = (0..<50).map { "\"key\($0)\":\($0)" }
        #expect(throws: Never.self) { try JSON.parse("{" + members.joined(separator: ",") + "}") }
        #expect(throws: JSONError.duplicateKey(offset: 0)) {
            try JSON.parse("{" + (members + ["\"key7\":0"]).joined(separator: ",") + "}")
        }
    }

    @Test func integersStayExactOverSixtyFourBits() throws {
        for text in ["0", "-1", "9223372036854775807", "-9223372036854775807", "18446744073709551615", "9007199254740993"] {
            #expect(try JSON.parse(text).serialized() == text)
        }
        #expect(try JSON.parse("18446744073709551615").unsignedInteger == .max)
        #expect(try JSON.parse("18446744073709551615").integer == nil)
        #expect(try JSON.parse("-9223372036854775808").integer == .min)
        #expect(try JSON.parse("1.5").integer == nil)
        #expect(try JSON.parse("18446744073709551616").double == 18446744073709551616.0)
        #expect(try JSON.parse("-0").double?.sign == .minus)
    }

    /// The first text is the classical case: as a Double it is exactly the halfway point, as a Float it lies above it.
    @Test func floatsAreRoundedOnceFromTheText() throws {
        let text = "1.00000005960464477539062500000001"
        #expect(try JSON.parse(text).float == 1.0000001)
        #expect(Float(try #require(JSON.parse(text).double)) == 1.0)
        #expect(try JSON.parse("1e39").float == nil)
        #expect(try JSON.parse("1e-46").float == 0)
        #expect(try JSON.parse("7.006492321624086e-46").float == .leastNonzeroMagnitude)
    }

    @Test func everyRandomNumberAgreesWithTheLibraryAndRoundTrips() throws {
        var random = SeededRandom(seed: 20_261_121)
        for _ in 0..<20_000 {
            let float = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            guard float.isFinite else { continue }
            #expect(try JSON.parse(JSON(float).serialized()).float?.bitPattern == float.bitPattern)
            let double = Double(bitPattern: random.next())
            guard double.isFinite else { continue }
            let read = try JSON.parse(JSON(double).serialized())
            #expect(read.double?.bitPattern == double.bitPattern)
            #expect(read.float == (Float(double).isFinite ? Float(double.description) : nil))
            let digits = String(random.next() % 1_000_000_000_000) + "e" + String(Int(random.next() % 60) - 35)
            #expect(try JSON.parse(digits).double == Double(digits))
            #expect(try JSON.parse(digits).float == Float(digits))
        }
    }

    @Test func nonFiniteNumbersAreReadOnRequestAndWrittenAsNull() throws {
        let json = try JSON.parse(Array("[NaN,Infinity,-Infinity]".utf8), nonFiniteLiterals: true)
        #expect(json[0]?.double?.isNaN == true)
        #expect(json[1]?.float == .infinity)
        #expect(json[2]?.double == -.infinity)
        #expect(json.serialized() == "[null,null,null]")
    }

    @Test func prettyTextIndentsAndReadsBack() throws {
        let json: JSON = ["a": [1, 2.5], "b": [], "c": ["d": nil]]
        #expect(
            json.serialized(pretty: true)
                == "{\n  \"a\": [\n    1,\n    2.5\n  ],\n  \"b\": [],\n  \"c\": {\n    \"d\": null\n  }\n}")
        #expect(try JSON.parse(json.serialized(pretty: true)) == json)
    }

    @Test func mutatedTextNeverCrashesAndWhatIsReadIsReadAgain() throws {
        let seed: UInt64 = 7
        let original = Array(#"{"a":[1,-2.5e-3,"x\u00e9\n",true,null,{"b":{"c":[[]]}}],"d":18446744073709551615}"#.utf8)
        var random = SeededRandom(seed: seed)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = original
            for _ in 0...(random.next() % 3) {
                let index = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes[index] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: index)
                default: bytes.insert(original[Int(random.next() % UInt64(original.count))], at: index)
                }
            }
            guard let json = try? JSON.parse(bytes) else { continue }
            accepted += 1
            #expect(try JSON.parse(json.serialized()) == json, "seed \(seed)")
        }
        #expect(accepted > 100)
    }
}

/// SplitMix64: the same numbers from the same seed on every machine.
private struct SeededRandom {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
