import Platform
import Testing

@testable import LoadGenerator

@Suite struct ReportTests {
    private func configuration() -> LoadConfiguration {
        LoadConfiguration(server: .tcp(host: "127.0.0.1", port: 7170), bundle: "cards")
    }

    private func report(_ change: (inout Tally) throws -> Void = { _ in }) throws -> LoadReport {
        var tally = Tally(plan: Samples.plan())
        try Samples.take(Samples.decision(id: 1, sequence: 1), &tally, now: 2_000_000_000)
        try change(&tally)
        let configuration = configuration()
        let result = LoadLoop.Result(tally: tally, processorNanoseconds: 500, elapsedNanoseconds: 1_000)
        return LoadReport(configuration, [result], schedule: LoadSchedule(startNanoseconds: 0, configuration: configuration))
    }

    @Test func cleanRunExitsWithZero() throws {
        let report = try report()
        #expect(report.isClean)
        #expect(report.exitCode == 0)
        #expect(report.measuredSeconds == 2)
        #expect(report.decisionsPerSecond == 0.5)
        #expect(report.threadUtilizations == [0.5])
    }

    @Test func anyErrorOrMismatchExitsWithOne() throws {
        #expect(try report { try Samples.take(Samples.refusal(id: 2), &$0) }.exitCode == 1)
        #expect(try report { try Samples.take(Samples.decision(id: 2, sequence: 1), &$0) }.exitCode == 1)
        #expect(try report { try Samples.take(Samples.decision(id: 2, sequence: 2, bundle: "x"), &$0) }.exitCode == 1)
        #expect(try report { try Samples.take(Samples.decision(id: 2, sequence: 2, digest: []), &$0) }.exitCode == 1)
        var mismatched = try report()
        mismatched.verification = Verification()
        #expect(mismatched.exitCode == 0)
        mismatched.verification?.mismatches = 1
        #expect(mismatched.exitCode == 1)
        mismatched.verification?.mismatches = 0
        mismatched.verification?.unverified = 1
        #expect(mismatched.exitCode == 1)
        var failed = try report()
        failed.failures = ["no space left"]
        #expect(failed.exitCode == 1)
    }

    @Test func runWithoutAnyDecisionIsNotFine() throws {
        let configuration = configuration()
        let result = LoadLoop.Result(tally: Tally(plan: Samples.plan()), processorNanoseconds: 0, elapsedNanoseconds: 1)
        let report = LoadReport(
            configuration, [result], schedule: LoadSchedule(startNanoseconds: 0, configuration: configuration))
        #expect(report.exitCode == 1)
        #expect(report.warnings.contains("nothing was measured"))
    }

    @Test func errorsThatEndARunHaveTheirCodes() {
        #expect(LoadError.usage("x").exitCode == 2)
        #expect(LoadError.badAddress("x").exitCode == 2)
        #expect(LoadError.cannotConnect(address: "x", text: "refused").exitCode == 3)
        #expect(LoadError.cannotResolve(host: "x", text: "unknown").exitCode == 3)
        #expect(LoadError.refused(method: "score", status: "NOT_FOUND", reason: "UNKNOWN_BUNDLE", text: "").exitCode == 1)
        #expect(LoadError.noAnswer(method: "hello", seconds: 1).exitCode == 1)
    }

    @Test func threadsThatSawTheSameSequenceOrOtherDigestsContradict() throws {
        var other = Tally(plan: Samples.plan())
        try Samples.take(Samples.decision(id: 2, sequence: 1, digest: [UInt8](repeating: 7, count: 32)), &other)
        var tally = Tally(plan: Samples.plan())
        try Samples.take(Samples.decision(id: 1, sequence: 1), &tally)
        let configuration = configuration()
        let results = [tally, other].map { LoadLoop.Result(tally: $0, processorNanoseconds: 0, elapsedNanoseconds: 1) }
        let report = LoadReport(configuration, results, schedule: LoadSchedule(startNanoseconds: 0, configuration: configuration))
        #expect(report.sequencesRepeated == 1)
        #expect(report.contradictions == 1)
        #expect(report.mismatchCount == 2)
    }

    @Test func jsonHasTheDocumentedKeys() throws {
        let json = try JSON.parse(Array(try report().json.serialized().utf8))
        #expect(json["decisions"]?.integer == 1)
        #expect(json["errors"]?.integer == 0)
        #expect(json["mismatches"]?.integer == 0)
        #expect(json["exit_code"]?.integer == 0)
        #expect(json["mode"]?.string == "closed")
        #expect(json["latency_ns"]?["p99_9"]?.integer != nil)
        #expect(json["outcomes"]?["approve"]?.integer == 1)
        #expect(json["audit_sequences"]?["distinct"]?.integer == 1)
        #expect(json["versions"]?.array?.first?["version"]?.integer == 3)
        #expect(json["verification"] == .null)
    }

    @Test func summaryTellsWhatMatters() throws {
        let text = try report { try Samples.take(Samples.refusal(id: 2), &$0) }.text
        for part in ["cards@champion", "approve 1", "version 3", "RESOURCE_EXHAUSTED IN_FLIGHT", "1 distinct sequences"] {
            #expect(text.contains(part), "\(part) is missing in:\n\(text)")
        }
    }

    @Test func rateThatIsNotHeldIsSaid() throws {
        var report = try report()
        report.configuration.ratePerSecond = 1_000
        report.arrivalsDue = 1_000
        report.arrivalsUnsent = 1
        #expect(report.isRateHeld)
        report.arrivalsUnsent = 2
        #expect(!report.isRateHeld)
        #expect(report.warnings.contains { $0.contains("rate was not held") })
    }

    @Test func percentilesAreInHdrHistogramsForm() throws {
        let text = try report().percentileDistribution
        #expect(text.contains("Value     Percentile TotalCount 1/(1-Percentile)"))
        #expect(text.contains("#[Max     ="))
    }

    @Test func numbersReadWell() {
        #expect(Format.count(0) == "0")
        #expect(Format.count(999) == "999")
        #expect(Format.count(1_234_567) == "1,234,567")
        #expect(Format.duration(812) == "812 ns")
        #expect(Format.duration(21_400) == "21.4 µs")
        #expect(Format.duration(1_500_000) == "1.50 ms")
        #expect(Format.duration(2_010_000_000) == "2.01 s")
        #expect(Format.fixed(-1.005, 1) == "-1.0")
        #expect(Format.fixed(0.05, 2) == "0.05")
        #expect(Format.byteCount(1_500) == "1.50 kB")
    }

    @Test func addressesAreRead() {
        #expect(ServerAddress("localhost:7170") == .tcp(host: "localhost", port: 7170))
        #expect(ServerAddress("[::1]:80") == .tcp(host: "::1", port: 80))
        #expect(ServerAddress("[::1]:80")?.description == "[::1]:80")
        #expect(ServerAddress("unix:/tmp/a") == .unix(path: "/tmp/a"))
        let long = "unix:" + String(repeating: "x", count: 200)
        for text in ["", "host", "host:", "host:0", "host:65536", ":80", "::1:80", "a b:80", "http://a:80", "unix:", long] {
            #expect(ServerAddress(text) == nil, "\(text)")
        }
    }

    @Test func optionsOutsideTheirRangeAreUsageErrors() throws {
        let good = configuration()
        try good.validate()
        let changes: [(inout LoadConfiguration) -> Void] = [
            { $0.connectionCount = 0 }, { $0.connectionCount = 100_000 }, { $0.depth = 0 }, { $0.depth = 5_000 },
            { $0.ratePerSecond = 0 }, { $0.ratePerSecond = .infinity }, { $0.durationSeconds = -1 }, { $0.durationSeconds = nil },
            { $0.requestCount = 0 }, { $0.rowsPerRequest = 0 }, { $0.threadCount = 2 }, { $0.bundles = [] },
            { $0.timeoutSeconds = .nan }, { $0.deadlineMilliseconds = 0 },
            {
                $0.bundles[0].rowsPath = "a"
                $0.bundles[0].transactionsPath = "b"
            },
            {
                $0.bundles[0].transactionsPath = "b"
                $0.rowsPerRequest = 2
            },
        ]
        for (index, change) in changes.enumerated() {
            var configuration = good
            change(&configuration)
            var code: Int32 = 0
            do throws(LoadError) { try configuration.validate() } catch { code = error.exitCode }
            #expect(code == 2, "change \(index)")
        }
    }
}
