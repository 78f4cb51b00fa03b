extension LoadConfiguration {
    /// Checks ranges and combinations.
    public func validate() throws(LoadError) {
        try Self.check("connections", connectionCount, 1...LoadLimits.connectionCountMax)
        try Self.check("depth", depth, 1...LoadLimits.depthMax)
        try Self.check("threads", threadCount, 1...LoadLimits.threadCountMax)
        for batch in batches { try Self.check("batch", batch.rowCount, 1...LoadLimits.batchRowCountMax) }
        try Self.check("warmup", warmupSeconds, 0...LoadLimits.durationSecondsMax)
        try Self.check("timeout", timeoutSeconds, 0.001...3_600)
        if let durationSeconds { try Self.check("duration", durationSeconds, 0.001...LoadLimits.durationSecondsMax) }
        if let deadlineMilliseconds { try Self.check("deadline", deadlineMilliseconds, 0.001...3_600_000) }
        if let requestCount, requestCount == 0 { throw .usage("--requests must be at least 1") }
        guard threadCount <= connectionCount else { throw .usage("more --threads than --connections") }
        try validateArrivals()
        try validateBundles()
        try validateObjectives()
    }

    private func validateArrivals() throws(LoadError) {
        if let ratePerSecond { try Self.check("rate", ratePerSecond, 0.001...LoadLimits.rateMax) }
        guard ratePerSecond == nil || stages.isEmpty else { throw .usage("--rate and --stage or --ramp exclude each other") }
        guard durationSeconds != nil || requestCount != nil || !stages.isEmpty else {
            throw .usage("a run needs --duration or --requests")
        }
        guard stages.count <= LoadLimits.stageCountMax else { throw .usage("more than \(LoadLimits.stageCountMax) stages") }
        for stage in stages { try stage.validate() }
        if !stages.isEmpty {
            try Self.check("stage: all seconds", plannedSeconds, 0.001...LoadLimits.durationSecondsMax)
            guard (profile?.arrivalCount ?? 0) > 0 else { throw .usage("the stages send nothing") }
        }
        guard arrivals == .constant || isOpenLoop || !objectives.isEmpty else {
            throw .usage("--arrivals belongs to an open loop: --rate, --stage, --ramp or --find-max")
        }
    }

    private func validateBundles() throws(LoadError) {
        guard !bundles.isEmpty, bundles.allSatisfy({ !$0.name.isEmpty }) else {
            throw .usage("--bundle names the bundle to score with")
        }
        guard bundles.count <= LoadLimits.bundleCountMax, batches.count <= LoadLimits.batchCountMax else {
            throw .usage("at most \(LoadLimits.bundleCountMax) bundles and \(LoadLimits.batchCountMax) numbers of rows are mixed")
        }
        guard bundles.count == 1 || version == 0 else { throw .usage("--version belongs to one bundle: use aliases with --mix") }
        for bundle in bundles {
            guard bundle.rowsPath == nil || bundle.transactionsPath == nil else {
                throw .usage("--rows and --transactions exclude each other")
            }
            guard bundle.transactionsPath == nil || rowsPerRequest == 1 else {
                throw .usage("--transactions are sent one by one: a batch holds feature rows only")
            }
        }
    }

    private func validateObjectives() throws(LoadError) {
        guard !objectives.isEmpty else { return }
        guard objectives.count <= LoadLimits.conditionCountMax else {
            throw .usage("more than \(LoadLimits.conditionCountMax) conditions")
        }
        guard stages.isEmpty, requestCount == nil, acknowledgementsPath == nil else {
            throw .usage("--find-max chooses its rates: without --stage, --ramp, --requests and --record-acknowledged")
        }
    }

    private static func check<Value: Comparable>(_ option: String, _ value: Value, _ range: ClosedRange<Value>) throws(LoadError)
    {
        guard range.contains(value) else {
            throw .usage("--\(option) \(value) is outside \(range.lowerBound) ... \(range.upperBound)")
        }
    }
}
