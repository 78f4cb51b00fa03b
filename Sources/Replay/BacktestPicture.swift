import Glibc

/// A backtest at a glance, as SVG: score histograms, flip matrix, alerts a day.
public struct BacktestPicture {
    private static let recordedColor = "#64748b"
    private static let challengerColor = "#2563eb"
    private static let outcomes = ["approve", "review", "decline"]

    private let report: BacktestReport
    private var shapes = ""

    public init(_ report: BacktestReport) {
        self.report = report
        drawHeader()
        drawHistogram(x: 70, y: 130, width: 530, height: 190)
        drawMatrix(x: 720, y: 130, width: 240, height: 190)
        drawDays(x: 70, y: 410, width: 890, height: 160)
    }

    public var svg: String {
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 640" width="1000" height="640" \
        font-family="system-ui, 'DejaVu Sans', sans-serif" font-size="13" fill="#0f172a">
        <rect width="1000" height="640" fill="white"/>
        \(shapes)</svg>

        """
    }

    // MARK: Parts

    private mutating func drawHeader() {
        let share = report.count > 0 ? Double(report.flipCount) / Double(report.count) * 100 : 0
        text(30, 40, "Backtest of \(report.challengerName) \(report.challengerDigest.hex.prefix(12))", size: 22, weight: 600)
        text(
            30, 64,
            "\(grouped(report.count)) decisions by \(report.name), \(grouped(report.flipCount)) flipped (\(shortNumber(share)) %)"
                + " · review from \(shortNumber(report.reviewThreshold)), decline from \(shortNumber(report.declineThreshold))",
            color: "#475569")
        rect(30, 82, 12, 12, fill: Self.recordedColor)
        text(48, 93, "recorded")
        rect(124, 82, 12, 12, fill: Self.challengerColor)
        text(142, 93, "challenger")
    }

    /// Two step lines over the scores; counts on a logarithmic scale, for most scores are near one end.
    private mutating func drawHistogram(x: Double, y: Double, width: Double, height: Double) {
        let bins = report.bins
        let largest = (bins.recorded + bins.challenger).max() ?? 0
        let decades = max(1, (log10(max(largest, 1))).rounded(.up))
        text(x, y - 12, "Scores", weight: 600)
        for decade in 0...Int(decades) {
            let level = y + height - height * Double(decade) / decades
            line(x, level, x + width, level, color: "#e2e8f0")
            text(x - 8, level + 4, Self.power(decade), anchor: "end", size: 11, color: "#64748b")
        }
        for tick in 0...4 {
            let place = x + width * Double(tick) / 4
            let value = bins.bounds.lowerBound + (bins.bounds.upperBound - bins.bounds.lowerBound) * Double(tick) / 4
            text(place, y + height + 18, shortNumber(value), anchor: "middle", size: 11, color: "#64748b")
        }
        for (values, color, opacity) in [
            (bins.recorded, Self.recordedColor, 0.25), (bins.challenger, Self.challengerColor, 0.15),
        ]
        where !values.isEmpty {
            var path = "M\(n(x)) \(n(y + height))"
            let step = width / Double(values.count)
            for (index, value) in values.enumerated() {
                let level = y + height - height * (value >= 1 ? log10(value) + 0.02 * decades : 0) / (decades * 1.02)
                path += "V\(n(level))H\(n(x + step * Double(index + 1)))"
            }
            shapes += "<path d=\"\(path)V\(n(y + height))Z\" fill=\"\(color)\" fill-opacity=\"\(opacity)\" stroke=\"\(color)\" "
            shapes += "stroke-width=\"1.5\"/>\n"
        }
        drawThreshold(report.reviewThreshold, "review", x, y, width, height)
        drawThreshold(report.declineThreshold, "decline", x, y, width, height)
    }

    private mutating func drawThreshold(
        _ threshold: Double, _ name: String, _ x: Double, _ y: Double, _ width: Double, _ height: Double
    ) {
        let bounds = report.bins.bounds
        guard bounds.contains(threshold), bounds.upperBound > bounds.lowerBound else { return }
        let place = x + width * (threshold - bounds.lowerBound) / (bounds.upperBound - bounds.lowerBound)
        line(place, y - 4, place, y + height, color: "#dc2626", dashes: "4 3")
        let isLeft = place - x > 60
        text(place + (isLeft ? -4 : 4), y + 8, name, anchor: isLeft ? "end" : "start", size: 11, color: "#dc2626")
    }

    /// Rows: recorded, columns: challenger. The darker, the larger the share of its row.
    private mutating func drawMatrix(x: Double, y: Double, width: Double, height: Double) {
        let (cell, tall) = (width / 3, height / 3)
        text(x, y - 30, "Recorded (rows) and challenger", weight: 600)
        for index in 0..<3 {
            text(
                x + cell * (Double(index) + 0.5), y - 8, Self.outcomes[index], anchor: "middle", size: 12,
                color: Self.challengerColor)
            text(
                x - 8, y + tall * (Double(index) + 0.5) + 4, Self.outcomes[index], anchor: "end", size: 12,
                color: Self.recordedColor)
        }
        for row in 0..<3 {
            let sum = report.flips[row].reduce(0, +)
            for column in 0..<3 {
                let count = report.flips[row][column]
                let share = sum > 0 ? Double(count) / Double(sum) : 0
                let color = row == column ? "#16a34a" : row < column ? "#ea580c" : "#0891b2"
                let (left, top) = (x + cell * Double(column), y + tall * Double(row))
                rect(left + 1, top + 1, cell - 2, tall - 2, fill: color, opacity: count > 0 ? 0.08 + 0.5 * share : 0.02)
                text(
                    left + cell / 2, top + tall / 2, grouped(count), anchor: "middle", size: 14, weight: row == column ? 400 : 600
                )
                text(
                    left + cell / 2, top + tall / 2 + 17, "\(shortNumber((share * 1000).rounded() / 10)) %", anchor: "middle",
                    size: 11,
                    color: "#475569")
            }
        }
    }

    /// Two bars a day; of many days the last that fit.
    private mutating func drawDays(x: Double, y: Double, width: Double, height: Double) {
        let days = report.days.suffix(60)
        let left = report.days.count - days.count
        text(x, y - 12, "Alerts a day (reviews and declines)" + (left > 0 ? ", the last \(days.count) days" : ""), weight: 600)
        let largest = Double(max(1, days.map { max($0.recordedAlerts, $0.challengerAlerts) }.max() ?? 1))
        for quarter in 0...2 {
            let level = y + height - height * Double(quarter) / 2
            line(x, level, x + width, level, color: "#e2e8f0")
            text(x - 8, level + 4, shortNumber(largest * Double(quarter) / 2), anchor: "end", size: 11, color: "#64748b")
        }
        let slot = width / Double(max(days.count, 1))
        let bar = min(slot * 0.38, 40)
        // Not every label fits beside its neighbour.
        let every = max(1, Int((90 / slot).rounded(.up)))
        for (index, day) in days.enumerated() {
            let middle = x + slot * (Double(index) + 0.5)
            let recorded = height * Double(day.recordedAlerts) / largest
            let challenger = height * Double(day.challengerAlerts) / largest
            rect(middle - bar - 1, y + height - recorded, bar, recorded, fill: Self.recordedColor)
            rect(middle + 1, y + height - challenger, bar, challenger, fill: Self.challengerColor)
            if index % every == 0 { text(middle, y + height + 18, day.text, anchor: "middle", size: 11, color: "#64748b") }
        }
    }

    // MARK: Shapes

    private mutating func text(
        _ x: Double, _ y: Double, _ text: String, anchor: String = "start", size: Int = 13, weight: Int = 400,
        color: String = "#0f172a"
    ) {
        shapes += "<text x=\"\(n(x))\" y=\"\(n(y))\" text-anchor=\"\(anchor)\" font-size=\"\(size)\" font-weight=\"\(weight)\" "
        shapes += "fill=\"\(color)\">\(Self.escaped(text))</text>\n"
    }

    private mutating func rect(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, fill: String, opacity: Double = 1
    ) {
        shapes += "<rect x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(width))\" height=\"\(n(height))\" rx=\"1.5\" fill=\"\(fill)\" "
        shapes += "fill-opacity=\"\(n(opacity))\"/>\n"
    }

    private mutating func line(
        _ x: Double, _ y: Double, _ toX: Double, _ toY: Double, color: String, dashes: String = "none"
    ) {
        shapes += "<line x1=\"\(n(x))\" y1=\"\(n(y))\" x2=\"\(n(toX))\" y2=\"\(n(toY))\" stroke=\"\(color)\" "
        shapes += "stroke-dasharray=\"\(dashes)\"/>\n"
    }

    /// Two digits behind the point are enough for a picture.
    private func n(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }

    private func grouped(_ count: Int) -> String {
        var text = ""
        for (index, digit) in String(count).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }

    private static func power(_ decade: Int) -> String { decade < 4 ? ["1", "10", "100", "1,000"][decade] : "1e\(decade)" }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            default: result.append(character)
            }
        }
    }
}
