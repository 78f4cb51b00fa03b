import Testing

@testable import LoadGenerator

@Suite struct ReportPageTests {
    private func report() -> LoadReport {
        var configuration = LoadConfiguration(server: .tcp(host: "localhost", port: 1), bundle: "a<b>&\"c")
        configuration.ratePerSecond = 1_000
        var report = LoadReport(configuration: configuration)
        var services = makeLatencyHistogram()
        for value in 1...1_000 as ClosedRange<UInt64> {
            report.latencies.record(value * 2_000)
            services.record(value * 1_000)
        }
        report.services = services
        report.latency = LoadReport.Latency(report.latencies)
        report.service = LoadReport.Latency(services)
        report.timeline.points = (0..<20).map { index in
            Timeline.Point(
                seconds: Double(index) / 10, decisionsPerSecond: index == 7 ? 0 : 1_000, errors: index == 3 ? 1 : 0, p50: 100_000,
                p99: 200_000, p999: 300_000, max: 400_000)
        }
        report.timeline.marks = [Timeline.Mark(seconds: 1, text: "version 2")]
        return report
    }

    /// Every tag is closed in its order; returns how often each occurs.
    private func tags(_ page: String) -> [String: Int] {
        var open: [String] = []
        var counts: [String: Int] = [:]
        for piece in page.split(separator: "<").dropFirst() {
            let tag = piece.prefix { $0 != ">" }
            let name = String(tag.prefix { $0 != " " && $0 != "/" })
            if tag.hasPrefix("/") {
                #expect(open.popLast() == String(tag.dropFirst()))
            } else {
                counts[name, default: 0] += 1
                if !tag.hasSuffix("/"), !["!doctype", "meta"].contains(name) { open.append(name) }
            }
        }
        #expect(open.isEmpty)
        return counts
    }

    @Test func pageIsWellFormedAndNeedsNothingElse() {
        let page = report().page(command: ["assay-load", "--slo", "p99<1ms"])
        let counts = tags(page)
        #expect(counts["svg"] == 3)
        #expect(counts["script"] == nil)
        for outside in ["http", "src=", "href=", "url(", "@import"] { #expect(!page.contains(outside), "\(outside)") }
    }

    @Test func whatComesFromOutsideIsEscaped() {
        let page = report().page(command: ["assay-load", "--slo", "p99<1ms", "it's"])
        #expect(page.contains("a&lt;b&gt;&amp;&quot;c"))
        #expect(!page.contains("a<b>"))
        #expect(page.contains("'p99&lt;1ms' 'it'\\''s'"))
    }

    @Test func stallsErrorsAndSwapsAreDrawn() {
        let page = report().page(command: [])
        #expect(page.contains("class=\"error\""))
        #expect(page.contains("class=\"swap\""))
        #expect(page.contains(">version 2</text>"))
        #expect(page.contains("Red lines: errors."))
        #expect(page.contains("uncorrected: from sending"))
    }

    @Test func aRunWithoutRepliesHasAPageToo() {
        let report = LoadReport(
            configuration: LoadConfiguration(server: .tcp(host: "localhost", port: 1), bundle: "cards"))
        let page = report.page(command: [])
        #expect(tags(page)["svg"] == nil)
        #expect(page.contains("nothing was measured"))
    }

    @Test(arguments: [[0.5], [1, 1], [80, 120], [90_000, 4_000_000_000], [1, 3_600_000_000_000]])
    func axesHoldTheirValues(values: [Double]) {
        for axis in [PlotAxis.logarithmic(over: values), PlotAxis.linear(from: 0, over: values), PlotAxis.rate(over: values)] {
            #expect((2...14).contains(axis.ticks.count), "\(axis.ticks)")
            let places = axis.ticks.map { axis.share($0.value) }
            #expect(zip(places, places.dropFirst()).allSatisfy { $0 < $1 })
            for value in values where value >= 1 { #expect((0...1).contains(axis.share(value))) }
        }
        #expect(PlotAxis.linear(from: 0, over: values).share(values.max() ?? 0) <= 1)
    }
}
