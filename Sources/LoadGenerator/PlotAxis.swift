/// One axis of a plot: where a value lies, and what is written beside it.
struct PlotAxis {
    struct Tick {
        var value: Double
        var text: String
    }

    private let isLogarithmic: Bool
    private let from: Double
    private let to: Double
    let ticks: [Tick]

    /// Where `value` lies between the ends: 0 ... 1.
    func share(_ value: Double) -> Double {
        let share = isLogarithmic ? Plot.log10(max(value, from) / from) / Plot.log10(to / from) : (value - from) / (to - from)
        return min(1, max(0, share))
    }

    /// Latencies in nanoseconds: decades with 2 and 5 in between, where there is room.
    static func logarithmic(over values: [Double]) -> PlotAxis {
        let low = max(1, values.min() ?? 1)
        let high = max(low * 1.1, values.max() ?? 10)
        let steps = (0..<12).flatMap { decade in [1.0, 2, 5].map { $0 * Plot.power10(Double(decade)) } }
        let from = steps.last { $0 <= low } ?? 1
        let to = steps.first { $0 >= high } ?? high
        let inside = steps.filter { $0 >= from && $0 <= to }
        let shown = inside.count > 8 ? inside.filter { $0 == from || $0 == to || String(Int($0)).first == "1" } : inside
        return PlotAxis(
            isLogarithmic: true, from: from, to: max(to, from * 2),
            ticks: shown.map { Tick(value: $0, text: duration($0)) })
    }

    /// From a value to the largest, in about five steps.
    static func linear(from: Double, over values: [Double]) -> PlotAxis {
        let high = max(values.max() ?? 1, from + 1)
        let step = roundStep((high - from) / 5)
        let count = Int(((high - from) / step).rounded(.up))
        let ticks = (0...count).map { Tick(value: from + Double($0) * step, text: Self.count(from + Double($0) * step)) }
        return PlotAxis(isLogarithmic: false, from: from, to: from + Double(count) * step, ticks: ticks)
    }

    static func seconds(_ end: Double) -> PlotAxis {
        let step = roundStep(max(end, 0.1) / 10)
        let ticks = stride(from: 0, through: end, by: step).map {
            Tick(value: $0, text: Format.fixed($0, step < 1 ? 1 : 0) + " s")
        }
        return PlotAxis(isLogarithmic: false, from: 0, to: max(end, 0.1), ticks: ticks)
    }

    static func rate(over values: [Double]) -> PlotAxis {
        let axis = linear(from: 0, over: values)
        return PlotAxis(
            isLogarithmic: false, from: axis.from, to: axis.to,
            ticks: axis.ticks.map { Tick(value: $0.value, text: $0.text + "/s") })
    }

    /// Percentiles by their nines: 0 is p0, 1 is p90, 2 is p99 …
    static func nines(_ count: Int) -> PlotAxis {
        let names = ["p0", "p90", "p99", "p99.9", "p99.99", "p99.999", "p99.9999"]
        var ticks = (0...count).map { Tick(value: Double($0), text: names[$0]) }
        ticks.insert(Tick(value: 0.30103, text: "p50"), at: 1)
        return PlotAxis(isLogarithmic: false, from: 0, to: Double(count), ticks: ticks)
    }

    /// 1, 2 or 5 times a power of ten, not below `least`.
    private static func roundStep(_ least: Double) -> Double {
        var unit = 1e-3
        while true {
            for factor in [1.0, 2, 5] where factor * unit >= least * 0.999 { return factor * unit }
            unit *= 10
        }
    }

    private static func duration(_ nanoseconds: Double) -> String {
        let units = [(1e9, " s"), (1e6, " ms"), (1e3, " µs"), (1, " ns")]
        let (scale, unit) = units.first { nanoseconds >= $0.0 } ?? (1, " ns")
        return Format.count(UInt64((nanoseconds / scale).rounded())) + unit
    }

    private static func count(_ value: Double) -> String {
        switch value {
        case 1e6...: Format.fixed(value / 1e6, value.truncatingRemainder(dividingBy: 1e6) == 0 ? 0 : 1) + " M"
        case 1e4...: Format.count(UInt64((value / 1e3).rounded())) + " k"
        default: Format.count(UInt64(max(0, value.rounded())))
        }
    }
}
