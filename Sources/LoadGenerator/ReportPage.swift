extension LoadReport {
    /// The report as one HTML page that needs nothing else: no script, no other file, light and dark as the reader's system is.
    public func page(command: [String]) -> String {
        let title = "assay-load: " + configuration.bundles.map(\.name).joined(separator: ", ")
        let body = [
            pageHeader(title, command), pageWarnings, pageTiles, pagePercentiles, pageTimeline, pageCurve, pageSections,
            pageDetails,
        ]
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(Markup.escaped(title))</title>
            <style>
            \(ReportStyle.sheet)
            </style>
            </head>
            <body>
            <main>
            \(body.filter { !$0.isEmpty }.joined(separator: "\n"))
            </main>
            </body>
            </html>

            """
    }

    private func pageHeader(_ title: String, _ command: [String]) -> String {
        let loop = heading.split(separator: "\n").dropFirst().map { "<p>\(Markup.escaped(String($0)))</p>" }
        return """
            <header>
            <h1>\(Markup.escaped(title)) <small>on \(Markup.escaped(configuration.server.description))</small></h1>
            \(loop.joined(separator: "\n"))
            <pre>\(Markup.escaped(command.map(Markup.shellWord).joined(separator: " ")))</pre>
            </header>
            """
    }

    private var pageWarnings: String {
        warnings.map { "<p class=\"warning\">\(Markup.escaped($0))</p>" }.joined(separator: "\n")
    }

    /// The figures that are looked for first.
    private var pageTiles: String {
        var tiles = [
            (
                "decisions a second", Format.count(UInt64(decisionsPerSecond.rounded())),
                Format.count(decisionsMeasured) + " in all"
            ),
            ("p50", Format.duration(latency.p50), service.map { "from sending " + Format.duration($0.p50) } ?? ""),
            ("p99", Format.duration(latency.p99), service.map { "from sending " + Format.duration($0.p99) } ?? ""),
            ("p99.9", Format.duration(latency.p999), service.map { "from sending " + Format.duration($0.p999) } ?? ""),
            (
                "errors", Format.count(errorCount),
                mismatchCount == 0 ? "no mismatch" : Format.count(mismatchCount) + " mismatches"
            ),
        ]
        if let search {
            let found = search.best.map { Format.count(UInt64($0)) + "/s" } ?? "none"
            tiles.insert(("highest rate", found, search.objectives.map(\.description).joined(separator: ", ")), at: 0)
        }
        let cells = tiles.map { name, value, note in
            let isBad = name == "errors" && !isClean
            return """
                <div class="tile\(isBad ? " bad" : "")"><span>\(Markup.escaped(name))</span><strong>\(value)</strong>\
                <em>\(Markup.escaped(note))</em></div>
                """
        }
        return "<section class=\"tiles\">\n\(cells.joined(separator: "\n"))\n</section>"
    }

    /// A latency at each percentile, on an axis that gives each further nine the same room.
    private var pagePercentiles: String {
        guard latencies.totalCount > 0 else { return "" }
        var series = [
            Plot.Series(
                name: services == nil ? "latency" : "corrected: from the intended time", style: "a",
                points: Self.points(latencies))
        ]
        if let services {
            series.append(Plot.Series(name: "uncorrected: from sending", style: "b dashed", points: Self.points(services)))
        }
        let nines = max(3, min(6, Int(Plot.log10(Double(latencies.totalCount)))))
        var plot = Plot(title: "Latency by percentile", unit: "latency")
        plot.x = .nines(nines)
        plot.y = .logarithmic(over: series.flatMap { $0.points.map(\.y) })
        plot.series = series
        let note =
            services == nil
            ? "A closed loop: each caller waits for its reply before it sends again, so stalls show less than open callers feel them."
            : "Where the two lines part, requests waited before they could be sent."
        return "<section>\n<h2>Latency by percentile</h2>\n\(plot.svg)\n<p class=\"note\">\(note)</p>\n</section>"
    }

    /// Percentiles as the number of nines: 0 is p0, 1 is p90, 2 is p99.
    private static func points(_ histogram: LatencyHistogram) -> [Plot.Point] {
        let nines = min(6, Plot.log10(Double(max(10, histogram.totalCount))))
        return (0...120).map { step in
            let x = nines * Double(step) / 120
            let percent = 100 * (1 - Plot.power10(-x))
            return Plot.Point(x: x, y: Double(max(1, histogram.valueAtPercentile(percent))))
        }
    }

    private var pageTimeline: String {
        let points = timeline.points
        guard points.count > 1 else { return "" }
        let end = (points.last?.seconds ?? 0) + timeline.intervalSeconds
        var throughput = Plot(title: "Decisions a second over time", unit: "decisions/s")
        throughput.height = 190
        throughput.x = .seconds(end)
        throughput.y = .linear(from: 0, over: points.map(\.decisionsPerSecond))
        throughput.series = [
            Plot.Series(
                name: "decisions/s", style: "a filled", points: points.map { Plot.Point(x: $0.seconds, y: $0.decisionsPerSecond) }
            )
        ]
        var latency = Plot(title: "Latency over time", unit: "latency")
        latency.x = .seconds(end)
        let columns: [(String, String, (Timeline.Point) -> UInt64)] = [
            ("p99.9", "c", { $0.p999 }), ("p99", "b", { $0.p99 }), ("p50", "a", { $0.p50 }),
        ]
        latency.series = columns.map { name, style, value in
            Plot.Series(
                name: name, style: style,
                points: points.map { Plot.Point(x: $0.seconds, y: Double(value($0))) }.filter { $0.y > 0 })
        }
        latency.y = .logarithmic(over: latency.series.flatMap { $0.points.map(\.y) })
        let errors = points.filter { $0.errors > 0 }.map { Plot.Mark(x: $0.seconds, kind: .error) }
        let swaps = timeline.marks.map { Plot.Mark(x: $0.seconds, text: $0.text, kind: .swap) }
        let starts = stageStarts.map { Plot.Mark(x: $0, kind: .stage) }
        throughput.marks = starts + swaps + errors
        latency.marks = starts + swaps.map { Plot.Mark(x: $0.x, kind: .swap) } + errors
        let note =
            "By the time of the replies, in steps of \(Format.fixed(timeline.intervalSeconds * 1_000, 0)) ms."
            + (configuration.warmupSeconds > 0 ? " The first \(Format.seconds(configuration.warmupSeconds)) are warm-up." : "")
            + (starts.isEmpty ? "" : " Dotted lines: a stage begins.")
            + (swaps.isEmpty ? "" : " Dashed lines: another version began to answer.")
            + (errors.isEmpty ? "" : " Red lines: errors.")
        return "<section>\n<h2>Over time</h2>\n\(throughput.svg)\n\(latency.svg)\n<p class=\"note\">\(note)</p>\n</section>"
    }

    /// Seconds from the start at which another stage begins; the warm-up is one.
    private var stageStarts: [Double] {
        var start = 0.0
        return (configuration.profile?.warmedUp(seconds: configuration.warmupSeconds).stages.dropLast() ?? []).map { stage in
            start += stage.seconds
            return start
        }
    }

    /// Latency against throughput, where the run has tried several rates.
    private var pageCurve: String {
        let tried: [(rate: Double, latency: Latency, holds: Bool)]
        if let search {
            tried = search.steps.map { ($0.decisionsPerSecond, $0.latency, $0.holds) }
        } else {
            tried = stages.filter { $0.rate != nil }.map { ($0.decisionsPerSecond, $0.latency, true) }
        }
        let steps = tried.filter { $0.latency.count > 0 }.sorted { $0.rate < $1.rate }
        guard steps.count > 1 else { return "" }
        var plot = Plot(title: "Latency against throughput", unit: "latency")
        plot.x = .rate(over: steps.map(\.rate))
        let columns: [(String, String, (Latency) -> UInt64)] = [
            ("p99.9", "c", { $0.p999 }), ("p99", "b", { $0.p99 }), ("p50", "a", { $0.p50 }),
        ]
        plot.series = columns.map { name, style, value in
            Plot.Series(
                name: name, style: style + " dotted",
                points: steps.map { Plot.Point(x: $0.rate, y: Double(max(1, value($0.latency)))) })
        }
        plot.y = .logarithmic(over: plot.series.flatMap { $0.points.map(\.y) })
        if let best = search?.best { plot.marks = [Plot.Mark(x: best, text: "highest rate that holds", kind: .swap)] }
        return "<section>\n<h2>Latency against throughput</h2>\n\(plot.svg)\n</section>"
    }
}
