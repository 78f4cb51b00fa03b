extension LoadReport {
    /// The summary for people.
    public var text: String {
        var lines = [heading, "", throughputLine, latencyLine("latency", latency)]
        if let service { lines.append(latencyLine("from sending", service) + "   (uncorrected)") }
        if repliesMeasured > 0 {
            lines.append(row("server time", Format.duration(serverNanoseconds / repliesMeasured) + " mean, as replies state it"))
        }
        lines += sectionLines("stage", stages) + sectionLines("kind", parts)
        lines.append(row("outcomes", outcomesText))
        lines += versions.map {
            row(versionName($0), "\(Format.count($0.decisionCount))   sha256 \($0.digest.prefix(16))…")
        }
        lines.append(row("errors", Format.count(errorCount)))
        lines += errors.sorted.map { row("", "\($0.kind.status) \($0.kind.reason)  \(Format.count($0.count))") }
        lines += verificationLines
        lines.append(row("audit", auditText))
        if disconnects > 0 {
            let counts = "\(Format.count(disconnects)) lost with \(Format.count(requestsLost)) requests in flight"
            lines.append(row("connections", "\(counts), \(Format.count(reconnects)) opened again"))
        }
        lines.append(row("bytes", "\(Format.byteCount(bytesSent)) sent, \(Format.byteCount(bytesReceived)) received"))
        lines.append(row("generator", generatorText))
        if let ceiling { lines.append(row("ceiling", ceiling.text)) }
        lines += failConditions.map { row("fail if", "\($0)   \($0.holds(self) ? "yes" : "no"): \($0.actual(self))") }
        if let search { lines.append(row("found", search.text)) }
        lines += warnings.map { "! \($0)" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What makes the figures doubtful; each is worth reading before the figures are believed.
    public var warnings: [String] {
        var warnings: [String] = []
        if configuration.isOpenLoop, !isRateHeld {
            warnings.append(
                "the rate was not held: \(Format.count(arrivalsUnsent)) of \(Format.count(arrivalsDue)) requests that were due "
                    + "could not be sent; the latencies are those of an overloaded server")
        }
        if isGeneratorBusy {
            warnings.append(
                "a load thread used more than 90 % of its processor: the generator may be what limits the throughput "
                    + "(more --threads, or more --depth)")
        }
        if search != nil, search?.best == nil { warnings.append("the figures are those of the last rate, which did not hold") }
        if repliesMeasured == 0 { warnings.append("nothing was measured") }
        if wrongBundle > 0 { warnings.append("\(Format.count(wrongBundle)) decisions bear another bundle's name") }
        if sequencesRepeated > 0 { warnings.append("\(Format.count(sequencesRepeated)) audit sequences came twice") }
        if sequencesUnchecked > 0 {
            warnings.append("\(Format.count(sequencesUnchecked)) audit sequences lie too scattered to check")
        }
        return warnings + failures
    }

    var heading: String {
        let configuration = self.configuration
        let shares = configuration.bundles.map { bundle in
            configuration.bundles.count > 1 ? "\(bundle.name)=\(Self.short(bundle.weight))" : bundle.name
        }
        var model = shares.joined(separator: ",")
        if configuration.version > 0 {
            model += " version \(configuration.version)"
        } else {
            model += "@" + (configuration.alias.isEmpty ? "champion" : configuration.alias)
        }
        let connections = configuration.connectionCount == 1 ? "1 connection" : "\(configuration.connectionCount) connections"
        let loop: String
        if let profile = configuration.profile {
            let rate = profile.arrivalCount / profile.seconds
            let stages = profile.stages.count > 1 ? " in \(profile.stages.count) stages" : ""
            let arrivals = profile.arrivals == .poisson ? ", Poisson arrivals" : ""
            loop = "open loop, \(Format.count(UInt64(rate.rounded()))) requests/s\(stages)\(arrivals), \(connections)"
        } else {
            loop = "closed loop, \(connections) x \(configuration.depth) in flight"
        }
        var batch = configuration.rowsPerRequest > 1 ? ", \(configuration.rowsPerRequest) rows a request" : ""
        if configuration.batches.count > 1 {
            let shares = configuration.batches.map { "\($0.rowCount)=\(Self.short($0.weight))" }
            batch = ", rows a request \(shares.joined(separator: ","))"
        }
        let server = serverVersion.isEmpty ? "" : " (server \(serverVersion))"
        return """
            assay-load: \(model) on \(configuration.server)\(server)
            \(loop)\(batch), \(Format.seconds(measuredSeconds)) measured after \(Format.seconds(configuration.warmupSeconds)) of warm-up
            \(inputs.map { "\(Format.count(UInt64($0.rowCount))) distinct rows from \($0.origin.text)" }.joined(separator: ", "))
            """
    }

    /// `0.7`, `1`, `12.5`
    private static func short(_ weight: Double) -> String {
        weight == weight.rounded() ? String(Int(min(weight, 1e15))) : String(weight)
    }

    private func versionName(_ version: Version) -> String {
        (configuration.bundles.count > 1 ? version.bundle : "version") + " \(version.number)"
    }

    private func sectionLines(_ name: String, _ sections: [Section]) -> [String] {
        sections.enumerated().map { index, section in
            let latency = section.latency
            let figures = [
                Format.padded(section.name, 22), "\(Format.count(UInt64(section.decisionsPerSecond.rounded()))) tx/s",
                "p50 \(Format.duration(latency.p50))", "p99 \(Format.duration(latency.p99))",
                "p99.9 \(Format.duration(latency.p999))", "max \(Format.duration(latency.max))",
            ]
            let errors = section.errors > 0 ? "   \(Format.count(section.errors)) errors" : ""
            return row("\(name) \(index + 1)", figures.joined(separator: "   ") + errors)
        }
    }

    private var generatorText: String {
        let shares = threadUtilizations.map { Format.percent($0) }.joined(separator: ", ")
        guard requestsSent > 0 else { return "\(shares) of a processor" }
        let cost = processorNanosecondsPerRequest
        let most = Double(threadUtilizations.count) * 1e9 / max(1, cost)
        return
            "\(shares) of a processor, \(Format.duration(UInt64(cost))) a request: at most \(Format.count(UInt64(most))) requests/s"
    }

    private var throughputLine: String {
        var text = "\(Format.count(decisionsMeasured))   \(Format.count(UInt64(decisionsPerSecond.rounded()))) tx/s"
        if configuration.rowsPerRequest > 1 { text += "   (\(Format.count(repliesMeasured)) requests)" }
        if decisionsTotal != decisionsMeasured { text += "   (\(Format.count(decisionsTotal)) with warm-up)" }
        return row("decisions", text)
    }

    private func latencyLine(_ name: String, _ latency: Latency) -> String {
        let parts = [
            ("p50", latency.p50), ("p90", latency.p90), ("p99", latency.p99), ("p99.9", latency.p999), ("max", latency.max),
        ]
        return row(name, parts.map { "\($0.0) \(Format.duration($0.1))" }.joined(separator: "   "))
    }

    private var outcomesText: String {
        var parts = [
            "approve \(Format.count(outcomes[1]))", "review \(Format.count(outcomes[2]))", "decline \(Format.count(outcomes[3]))",
        ]
        if outcomes[0] > 0 { parts.append("unspecified \(Format.count(outcomes[0]))") }
        return parts.joined(separator: "   ")
    }

    private var auditText: String {
        "\(Format.count(sequencesDistinct)) distinct sequences"
            + (sequencesRepeated > 0 ? ", \(Format.count(sequencesRepeated)) repeated" : "")
            + (unrecorded > 0 ? ", \(Format.count(unrecorded)) decisions without a record" : "")
    }

    private var verificationLines: [String] {
        guard let verification else {
            return contradictions > 0 ? [row("mismatches", "\(Format.count(contradictions)) contradicting digests")] : []
        }
        let recomputed = "(\(Format.count(verification.recomputed)) scores recomputed)"
        var lines = [
            row("verified", "\(Format.count(verification.verified)) \(recomputed)"),
            row("mismatches", Format.count(verification.mismatches)),
        ]
        if verification.unverified > 0 { lines.append(row("unverified", Format.count(verification.unverified))) }
        return lines + verification.notes.map { row("", $0) }
    }

    private func row(_ name: String, _ text: String) -> String { Format.padded(name, 14) + text }
}

/// Numbers as people read them.
enum Format {
    /// `1,234,567`
    static func count(_ value: UInt64) -> String {
        let digits = String(value)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }

    /// Three significant digits and a unit: `812 ns`, `21.4 µs`, `1.50 ms`, `2.01 s`.
    static func duration(_ nanoseconds: UInt64) -> String {
        let value = Double(nanoseconds)
        switch value {
        case ..<1e3: return "\(nanoseconds) ns"
        case ..<1e6: return significant(value / 1e3) + " µs"
        case ..<1e9: return significant(value / 1e6) + " ms"
        default: return significant(value / 1e9) + " s"
        }
    }

    static func seconds(_ seconds: Double) -> String { fixed(seconds, 1) + " s" }
    static func percent(_ share: Double) -> String { fixed(share * 100, 0) + " %" }

    static func byteCount(_ value: UInt64) -> String {
        switch Double(value) {
        case ..<1e3: "\(value) B"
        case ..<1e6: significant(Double(value) / 1e3) + " kB"
        case ..<1e9: significant(Double(value) / 1e6) + " MB"
        default: significant(Double(value) / 1e9) + " GB"
        }
    }

    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    /// `value` in 0.001 ..< 1000.
    private static func significant(_ value: Double) -> String {
        fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0)
    }

    /// `digits` behind the point, rounded.
    static func fixed(_ value: Double, _ digits: Int) -> String {
        let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
        let scaled = Int64((value * scale).rounded())
        guard digits > 0 else { return String(scaled) }
        let whole = String(abs(scaled) / Int64(scale))
        let rest = String(abs(scaled) % Int64(scale))
        return (scaled < 0 ? "-" : "") + whole + "." + String(repeating: "0", count: digits - rest.count) + rest
    }
}

extension LoadReport {
    /// The latency distribution in HdrHistogram's text format (`.hgrm`), in microseconds.
    public var percentileDistribution: String {
        var text = ""
        latencies.outputPercentileDistribution(to: &text, outputValueUnitScalingRatio: 1_000)
        return text
    }
}
