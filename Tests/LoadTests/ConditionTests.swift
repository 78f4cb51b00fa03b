import Testing

@testable import LoadGenerator

@Suite struct ConditionTests {
    private func report(latencies: [UInt64], errors: Int = 0) -> LoadReport {
        var report = LoadReport(
            configuration: LoadConfiguration(server: .tcp(host: "localhost", port: 1), bundle: "cards"))
        for latency in latencies { report.latencies.record(latency) }
        report.repliesTotal = UInt64(latencies.count)
        report.decisionsMeasured = UInt64(latencies.count)
        report.measuredSeconds = 2
        report.errors.add(ErrorCounts.timeout, count: errors)
        return report
    }

    @Test(arguments: [
        ("p50<1ms", true), ("p50<=501us", true), ("p50<499us", false), ("p99.9<1ms", false), ("p99.9>1.9ms", true),
        ("p100<=2.01ms", true), ("max<3ms", true), ("max>=2ms", true), ("mean<505us", true), ("mean < 501 us", false),
        ("errors<11", true), ("errors<10", false), ("errors<1%", true), ("errors<0.5%", false), ("errors>0", true),
        ("tx/s>=500", true), ("tx/s>501", false), ("unsent<0.1%", true), ("p50<0.001s", true), ("p50>400000ns", true),
    ])
    func conditionsCompareTheFigures(text: String, holds: Bool) throws {
        let report = report(latencies: [UInt64](repeating: 500_000, count: 998) + [2_000_000, 2_000_000], errors: 10)
        #expect(try Condition(text).holds(report) == holds, "\(text)")
    }

    @Test(arguments: [
        "", "p99", "p99<", "p99<1", "p99<1m", "p99<1%", "<1ms", "p0<1ms", "p101<1ms", "px<1ms", "errors<1ms", "tx/s>5%",
        "p99=1ms",
        "p99<<1ms", "p99<-1ms", "foo<1", "max<1.2.3ms", "p99<1ms ms",
    ])
    func whatIsNoConditionIsAUsageError(text: String) {
        var code: Int32 = 0
        do throws(LoadError) { _ = try Condition(text) } catch { code = error.exitCode }
        #expect(code == 2, "\(text)")
    }

    @Test func noReplyHoldsNoLatency() throws {
        let report = report(latencies: [])
        #expect(try !Condition("p99<1s").holds(report))
        #expect(try Condition("p99>1s").holds(report))
        #expect(try Condition("p99<1s").actual(report) == "no reply")
    }

    @Test func conditionThatCameTrueExitsWithFour() throws {
        var report = report(latencies: [1_000_000])
        report.decisionsTotal = 1
        report.failConditions = [try Condition("p99>2ms")]
        #expect(report.exitCode == 0)
        report.failConditions.append(try Condition("max>=1ms"))
        #expect(report.conditionsMet.map(\.description) == ["max>=1ms"])
        #expect(report.exitCode == 4)
    }

    @Test func errorsFailARunUnlessAConditionJudgesThem() throws {
        var report = report(latencies: [UInt64](repeating: 1, count: 999), errors: 1)
        report.decisionsTotal = 999
        #expect(report.exitCode == 1)
        report.failConditions = [try Condition("errors>1%")]
        #expect(report.exitCode == 0)
        report.failConditions = [try Condition("errors>0.05%")]
        #expect(report.exitCode == 4)
    }
}
