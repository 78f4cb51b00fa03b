import Glibc

/// One line plot as SVG, drawn with the classes of the page's style sheet.
struct Plot {
    struct Point: Equatable {
        var x: Double
        var y: Double
    }

    struct Series {
        var name: String
        /// Classes: `a`, `b` or `c` for the colour; `dashed`; `filled` down to the axis; `dotted`: each point is shown.
        var style: String
        var points: [Point]
    }

    /// A vertical line.
    struct Mark {
        var x: Double
        var text: String
        var isError = false
    }

    let title: String
    /// What the y axis shows; `latency` is in nanoseconds.
    let unit: String
    var width = 920.0
    var height = 300.0
    var x = PlotAxis.seconds(1)
    var y = PlotAxis.linear(from: 0, over: [1])
    var series: [Series] = []
    var marks: [Mark] = []

    init(title: String, unit: String) {
        self.title = title
        self.unit = unit
    }

    private var left: Double { 74 }
    private var right: Double { width - 14 }
    private var top: Double { 34 }
    private var bottom: Double { height - 30 }

    var svg: String {
        let parts = [grid, markLines, series.map(draw).joined(separator: "\n"), legend]
        return """
            <svg viewBox="0 0 \(Self.number(width)) \(Self.number(height))" role="img" aria-label="\(Markup.escaped(title))">
            \(parts.filter { !$0.isEmpty }.joined(separator: "\n"))
            </svg>
            """
    }

    private func place(_ point: Point) -> (x: String, y: String) { (Self.number(placeX(point.x)), Self.number(placeY(point.y))) }
    private func placeX(_ value: Double) -> Double { left + x.share(value) * (right - left) }
    private func placeY(_ value: Double) -> Double { bottom - y.share(value) * (bottom - top) }

    private var grid: String {
        var lines: [String] = []
        for tick in y.ticks {
            let place = Self.number(placeY(tick.value))
            lines.append("<line class=\"grid\" x1=\"\(Self.number(left))\" x2=\"\(Self.number(right))\" y1=\"\(place)\" y2=\"\(place)\"/>")
            let text = Self.number(placeY(tick.value) + 4)
            lines.append("<text x=\"\(Self.number(left - 8))\" y=\"\(text)\" text-anchor=\"end\">\(Markup.escaped(tick.text))</text>")
        }
        for tick in x.ticks {
            let place = Self.number(placeX(tick.value))
            lines.append("<line class=\"grid\" x1=\"\(place)\" x2=\"\(place)\" y1=\"\(Self.number(top))\" y2=\"\(Self.number(bottom))\"/>")
            lines.append("<text x=\"\(place)\" y=\"\(Self.number(bottom + 18))\" text-anchor=\"middle\">\(Markup.escaped(tick.text))</text>")
        }
        lines.append("<line class=\"axis\" x1=\"\(Self.number(left))\" x2=\"\(Self.number(right))\" y1=\"\(Self.number(bottom))\" y2=\"\(Self.number(bottom))\"/>")
        return lines.joined(separator: "\n")
    }

    /// Lines for marks; a text is left out where it would run into the one before.
    private var markLines: String {
        var free = left
        var lines: [String] = []
        for mark in marks.sorted(by: { $0.x < $1.x }) {
            let place = placeX(mark.x)
            lines.append(
                "<line class=\"\(mark.isError ? "error" : "mark")\" x1=\"\(Self.number(place))\" x2=\"\(Self.number(place))\" "
                    + "y1=\"\(Self.number(top))\" y2=\"\(Self.number(bottom))\"/>")
            let width = Double(mark.text.count) * 6.5
            guard !mark.text.isEmpty, place >= free else { continue }
            let fits = place + 4 + width <= right
            lines.append(
                "<text x=\"\(Self.number(fits ? place + 4 : place - 4))\" y=\"\(Self.number(top + 11))\" "
                    + "text-anchor=\"\(fits ? "start" : "end")\">\(Markup.escaped(mark.text))</text>")
            free = place + width + 12
        }
        return lines.joined(separator: "\n")
    }

    private func draw(_ series: Series) -> String {
        guard let first = series.points.first, let last = series.points.last else { return "" }
        let places = series.points.map(place)
        let path = "M" + places.map { "\($0.x) \($0.y)" }.joined(separator: "L")
        let color = Self.color(series)
        var parts: [String] = []
        if series.style.contains("filled") {
            let ground = Self.number(bottom)
            parts.append("<path class=\"area\" d=\"\(path)L\(place(last).x) \(ground)L\(place(first).x) \(ground)Z\"/>")
        }
        parts.append("<path class=\"series \(color)\(series.style.contains("dashed") ? " dashed" : "")\" d=\"\(path)\"/>")
        if series.style.contains("dotted") {
            parts += places.map { "<circle class=\"\(color)\" cx=\"\($0.x)\" cy=\"\($0.y)\" r=\"3\"/>" }
        }
        return parts.joined(separator: "\n")
    }

    private var legend: String {
        var place = left
        return series.map { series in
            let style = "series \(Self.color(series))\(series.style.contains("dashed") ? " dashed" : "")"
            defer { place += 44 + Double(series.name.count) * 6.8 }
            return "<line class=\"\(style)\" x1=\"\(Self.number(place))\" x2=\"\(Self.number(place + 22))\" y1=\"14\" y2=\"14\"/>"
                + "<text x=\"\(Self.number(place + 28))\" y=\"18\">\(Markup.escaped(series.name))</text>"
        }.joined(separator: "\n")
    }

    private static func color(_ series: Series) -> String { String(series.style.prefix(1)) }

    /// A tenth of a pixel is enough.
    static func number(_ value: Double) -> String { Format.fixed(value.isFinite ? value : 0, 1) }

    static func log10(_ value: Double) -> Double { Glibc.log10(value) }
    static func power10(_ value: Double) -> Double { Glibc.pow(10, value) }
}
