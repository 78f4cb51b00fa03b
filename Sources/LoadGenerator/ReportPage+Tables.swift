/// The tables of the page.
extension LoadReport {
    private static let latencyHeads = ["p50", "p90", "p99", "p99.9", "max", "mean"]

    private static func cells(_ latency: Latency) -> [String] {
        [latency.p50, latency.p90, latency.p99, latency.p999, latency.max, UInt64(latency.mean)].map(Format.duration)
    }

    /// Stages, kinds of requests, steps of a search.
    var pageSections: String {
        [
            Self.table("Stages", sections: stages), Self.table("Kinds of requests", sections: parts), searchTable,
            latencyTable,
        ].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private static func table(_ title: String, sections: [Section]) -> String {
        guard !sections.isEmpty else { return "" }
        let rows = sections.map { section in
            [section.name, Format.count(UInt64(section.decisionsPerSecond.rounded())), Format.count(section.errors)]
                + cells(section.latency)
        }
        return table(title, heads: ["", "decisions/s", "errors"] + latencyHeads, rows: rows)
    }

    private var searchTable: String {
        guard let search else { return "" }
        let rows = search.steps.map { step in
            [
                Format.count(UInt64(step.rate)) + "/s", step.holds ? "holds" : "fails",
                Format.count(UInt64(step.decisionsPerSecond.rounded())), Format.duration(step.latency.p50),
                Format.duration(step.latency.p99), Format.duration(step.latency.p999), step.failures.joined(separator: ", "),
            ]
        }
        return Self.table(
            "Search for the highest rate", heads: ["rate", "", "decisions/s", "p50", "p99", "p99.9", "why"], rows: rows)
    }

    private var latencyTable: String {
        var rows = [[service == nil ? "latency" : "corrected: from the intended time"] + Self.cells(latency)]
        if let service { rows.append(["uncorrected: from sending"] + Self.cells(service)) }
        return Self.table("Latency", heads: [""] + Self.latencyHeads, rows: rows)
    }

    /// The summary as the terminal shows it.
    var pageDetails: String {
        "<details><summary>The whole summary</summary>\n<pre>\(Markup.escaped(text))</pre>\n</details>"
    }

    private static func table(_ title: String, heads: [String], rows: [[String]]) -> String {
        func row(_ cells: [String], _ tag: String) -> String {
            "<tr>" + cells.map { "<\(tag)>\(Markup.escaped($0))</\(tag)>" }.joined() + "</tr>"
        }
        return """
            <section>
            <h2>\(title)</h2>
            <div class="scroll"><table>
            <thead>\(row(heads, "th"))</thead>
            <tbody>
            \(rows.map { row($0, "td") }.joined(separator: "\n"))
            </tbody>
            </table></div>
            </section>
            """
    }
}
