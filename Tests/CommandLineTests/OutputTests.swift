import Logging
import Platform
import Synchronization
import Testing

@testable import assay

@Suite struct LogOutputTests {
    final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    /// What one message becomes, at a fixed time.
    static func line(
        _ format: LogOutput.Format, level: Logger.Level = .info, _ message: Logger.Message, _ metadata: Logger.Metadata = [:]
    ) -> String {
        let lines = Lines()
        let logger = Logger(label: "assay") { label in
            LogOutput(
                label: label, format: format, level: .trace, now: { 1_795_223_235_155_675_123 },
                write: { line in lines.all.withLock { $0.append(line) } })
        }
        logger.log(level: level, message, metadata: metadata)
        return lines.all.withLock { $0.joined() }
    }

    @Test func textIsOneLineWithSortedFields() {
        let line = Self.line(.text, level: .warning, "alias swapped", ["to": "2", "from": "1", "why": "a b=\"c\"", "none": ""])
        #expect(line == "2026-11-21T01:07:15.155675Z WARNING  assay: alias swapped from=1 none=\"\" to=2 why=\"a b=\\\"c\\\"\"\n")
    }

    @Test func controlCharactersStayOnTheirLine() {
        let line = Self.line(.text, "a\nb\u{1b}[2J", ["key": "x\r\ny"])
        #expect(line == "2026-11-21T01:07:15.155675Z INFO     assay: a\\u{a}b\\u{1b}[2J key=x\\u{d}\\u{a}y\n")
    }

    @Test func jsonIsOneObjectALine() throws {
        let line = Self.line(
            .json, "two\nlines \"quoted\"",
            ["count": .stringConvertible(3), "list": .array(["a", "b"]), "level": "mine", "flag": .stringConvertible(true)])
        #expect(line.hasSuffix("}\n"))
        #expect(line.dropLast().contains("\n") == false)
        let json = try JSON.parse(Array(line.utf8))
        #expect(json["time"] == "2026-11-21T01:07:15.155675Z")
        #expect(json["level"] == "info")
        #expect(json["logger"] == "assay")
        #expect(json["message"] == "two\nlines \"quoted\"")
        #expect(json["count"] == 3)
        #expect(json["flag"] == true)
        #expect(json["list"] == ["a", "b"])
        #expect(json["field_level"] == "mine")
    }

    @Test func messagesBelowTheLevelAreNotWritten() {
        let lines = Lines()
        let logger = Logger(label: "assay") { label in
            LogOutput(
                label: label, format: .text, level: .warning, now: { 0 },
                write: { line in lines.all.withLock { $0.append(line) } })
        }
        logger.info("quiet")
        #expect(lines.all.withLock { $0 } == [])
    }
}

@Suite struct FeatureListTests {
    @Test func emptyAndNaNAreMissing() throws {
        let values = try FeatureList("1, -2.5,,nan,NULL, NaN ,1e3").values
        #expect(values.map(\.isNaN) == [false, false, true, true, true, true, false])
        #expect(values.filter { !$0.isNaN } == [1, -2.5, 1000])
    }

    @Test func floatsAreRoundedOnceFromTheText() throws {
        // Half-way between two floats in decimal, but not in binary64: rounding twice goes the wrong way.
        let text = "1.00000017881393432617187499"
        #expect(try FeatureList.floats(text) == [Float(text)!])
        #expect(try FeatureList.floats(text) != [Float(Double(text)!)])
    }

    @Test(arguments: [("1,x", 1), ("0x", 0), ("1,2,3..4", 2), ("1;2", 0)])
    func otherTextsAreRefusedWithTheirPlace(_ text: String, _ index: Int) {
        #expect(throws: FeatureList.Problem.notANumber(index: index)) { try FeatureList(text) }
    }

    @Test(arguments: [("inf", 0), ("1,-infinity", 1), ("1e999", 0)])
    func infinitiesAreRefused(_ text: String, _ index: Int) {
        #expect(throws: FeatureList.Problem.infinite(index: index)) { try FeatureList(text) }
    }

    @Test func aNumberBeyondFloatIsRefusedAsFloat() {
        #expect(throws: FeatureList.Problem.infinite(index: 1)) { try FeatureList.floats("1,1e60") }
    }

    @Test func listsLongerThanAnyBundleAreRefused() {
        let text = String(repeating: "1,", count: FeatureList.countMax)
        #expect(throws: FeatureList.Problem.tooMany(count: FeatureList.countMax + 1)) { try FeatureList(text) }
    }
}

@Suite struct TableTests {
    @Test func columnsAreAsWideAsTheirWidestCell() {
        #expect(Output.table([["A", "LONG", "X"], ["aaa", "b", ""], ["1"]]) == ["A    LONG  X", "aaa  b     ", "1"])
        #expect(Output.table([]) == [])
    }

    @Test func bytesBecomeHexadecimal() {
        #expect(Output.hex([0, 15, 255]) == "000fff")
    }
}

@Suite struct SurroundingsTests {
    @Test(arguments: [
        ("Name:\tassay\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\n", 2), ("Cpus_allowed:\tff,ffffffff\n", 40),
        ("Cpus_allowed:\t00000000,00000002\n", 1), ("Cpus_allowed:\t\n", nil), ("Cpus_allowed:\txyz\n", nil),
        ("Name:\tassay\n", nil),
    ])
    func allowedProcessorsAreCountedFromTheMask(_ status: String, _ count: Int?) {
        #expect(Surroundings.allowedProcessorCount(status: status) == count)
    }
}
