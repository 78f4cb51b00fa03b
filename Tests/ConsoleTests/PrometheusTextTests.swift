import Testing

@testable import Console

@Suite struct PrometheusTextTests {
    @Test func familiesAndSeriesAreSortedAndDeclaredOnce() {
        var text = PrometheusText()
        text.gauge("b_bytes", help: "Bytes.", UInt64(5))
        text.counter("a_total", help: "Things.", UInt64(2), labels: [("kind", "y")])
        text.counter("a_total", help: "Things.", UInt64(1), labels: [("kind", "x")])
        #expect(
            text.text == """
                # HELP a_total Things.
                # TYPE a_total counter
                a_total{kind="x"} 1
                a_total{kind="y"} 2
                # HELP b_bytes Bytes.
                # TYPE b_bytes gauge
                b_bytes 5

                """)
    }

    @Test func histogramBucketsAccumulateUpToInfinity() {
        var text = PrometheusText()
        text.histogram(
            "d_seconds", help: "Time.", .init(upperBounds: [1e-6, 2.5e-6, 0.1], counts: [1, 2, 0, 4], sum: 1.5),
            labels: [("m", "s")])
        #expect(
            text.text == """
                # HELP d_seconds Time.
                # TYPE d_seconds histogram
                d_seconds_bucket{m="s",le="1e-06"} 1
                d_seconds_bucket{m="s",le="2.5e-06"} 3
                d_seconds_bucket{m="s",le="0.1"} 3
                d_seconds_bucket{m="s",le="+Inf"} 7
                d_seconds_sum{m="s"} 1.5
                d_seconds_count{m="s"} 7

                """)
    }

    @Test func sameSeriesTwiceIsOneSeries() {
        var text = PrometheusText()
        for value: UInt64 in [3, 4] {
            text.counter("a_total", help: "A.", value)
            text.gauge("g", help: "G.", value)
        }
        #expect(text.text.contains("\na_total 7\n"))
        #expect(text.text.contains("\ng 4\n"))
        #expect(text.text.split(separator: "\n").count == 6)
    }

    @Test(arguments: [
        ("plain", "plain"), ("a\\b", "a\\\\b"), ("a\"b", "a\\\"b"), ("a\nb", "a\\nb"), ("a\r\nb", "a\r\\nb"),
        ("naïve ☕", "naïve ☕"),
        ("", ""),
    ])
    func labelValuesAreEscaped(_ value: String, _ expected: String) {
        #expect(Array(PrometheusText.escapedLabel(value).utf8) == Array(expected.utf8))
    }

    @Test func helpKeepsItsQuotes() {
        #expect(PrometheusText.escapedHelp("say \"a\\b\"\nend") == "say \"a\\\\b\"\\nend")
    }

    @Test(
        arguments: [
            (0, "0"), (-3, "-3"), (1_000_007, "1000007"), (0.1, "0.1"), (1e-6, "1e-06"), (1e20, "1e+20"), (.infinity, "+Inf"),
            (-.infinity, "-Inf"), (.nan, "NaN"), (123_456_789_012, "123456789012"),
            (9_007_199_254_740_993.0, "9007199254740992.0"),
        ] as [(Double, String)])
    func numbersAreShortAndExact(_ value: Double, _ expected: String) {
        let text = PrometheusText.rendered(value)
        #expect(text == expected)
        if value.isFinite { #expect(Double(text) == value) }
    }

    @Test(arguments: [
        ("assay_requests_total", true), ("a:b", true), ("_a", true), ("", false), ("1a", false), ("a-b", false), ("a b", false),
        ("é", false),
    ])
    func metricNamesAreChecked(_ name: String, _ isName: Bool) {
        #expect(PrometheusText.isName(name) == isName)
    }

    @Test func aFamilyCannotChangeItsType() async {
        await #expect(processExitsWith: .failure) {
            var text = PrometheusText()
            text.gauge("a_total", help: "A.", UInt64(1))
            text.counter("a_total", help: "A.", UInt64(1))
        }
    }

    @Test func aCounterMustBeNamedTotal() async {
        await #expect(processExitsWith: .failure) {
            var text = PrometheusText()
            text.counter("requests", help: "A.", UInt64(1))
        }
    }
}
