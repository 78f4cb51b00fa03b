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

    /// A vertical line; its kind is its class in the style sheet.
    struct Mark {
        enum Kind: String { case error, swap, stage }

        var x: Double
        var text = ""
        var kind: Kind
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
        var parts: [String] = []
        for tick in y.ticks {
            let place = placeY(tick.value)
            parts.append(Self.line("grid", from: (left, place), to: (right, place)))
            parts.append(Self.text(tick.text, at: (left - 8, place + 4), anchor: "end"))
        }
        for tick in x.ticks {
            let place = placeX(tick.value)
            parts.append(Self.line("grid", from: (place, top), to: (place, bottom)))
            // A text that would leave the picture ends at its edge.
            let leaves = place + Double(tick.text.count) * 3.6 > width
            parts.append(Self.text(tick.text, at: (leaves ? width - 2 : place, bottom + 18), anchor: leaves ? "end" : "middle"))
        }
        parts.append(Self.line("axis", from: (left, bottom), to: (right, bottom)))
        return parts.joined(separator: "\n")
    }

    /// Lines for marks; a text is left out where it would run into the one before.
    private var markLines: String {
        var free = left
        var parts: [String] = []
        for mark in marks.sorted(by: { $0.x < $1.x }) {
            let place = placeX(mark.x)
            parts.append(Self.line(mark.kind.rawValue, from: (place, top), to: (place, bottom)))
            let textWidth = Double(mark.text.count) * 6.5
            guard !mark.text.isEmpty, place >= free else { continue }
            let fits = place + 4 + textWidth <= right
            parts.append(Self.text(mark.text, at: (place + (fits ? 4 : -4), top + 11), anchor: fits ? "start" : "end"))
            free = place + textWidth + 12
        }
        return parts.joined(separator: "\n")
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
            return Self.line(style, from: (place, 14), to: (place + 22, 14))
                + Self.text(series.name, at: (place + 28, 18), anchor: "start")
        }.joined(separator: "\n")
    }

    private static func line(_ style: String, from: (x: Double, y: Double), to: (x: Double, y: Double)) -> String {
        "<line class=\"\(style)\" x1=\"\(number(from.x))\" y1=\"\(number(from.y))\" x2=\"\(number(to.x))\" y2=\"\(number(to.y))\"/>"
    }

    private static func text(_ text: String, at place: (x: Double, y: Double), anchor: String) -> String {
        "<text x=\"\(number(place.x))\" y=\"\(number(place.y))\" text-anchor=\"\(anchor)\">\(Markup.escaped(text))</text>"
    }

    private static func color(_ series: Series) -> String { String(series.style.prefix(1)) }

    /// A tenth of a pixel is enough.
    static func number(_ value: Double) -> String { Format.fixed(value.isFinite ? value : 0, 1) }

    static func log10(_ value: Double) -> Double { Glibc.log10(value) }
    static func power10(_ value: Double) -> Double { Glibc.pow(10, value) }
}
