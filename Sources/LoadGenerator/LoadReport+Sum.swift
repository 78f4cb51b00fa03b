import Platform

extension LoadReport {
    /// Adds up what the threads found.
    init(_ configuration: LoadConfiguration, _ results: [LoadLoop.Result], schedule: LoadSchedule) {
        self.configuration = configuration
        var sequences = SequenceSet()
        var lastReply = schedule.measureFrom
        for result in results {
            let tally = result.tally
            add(tally)
            sequences.formUnion(tally.sequences)
            unrecorded += tally.unrecorded
            lastReply = max(lastReply, tally.lastReplyNanoseconds)
            arrivalsDue += result.dueCount
            arrivalsUnsent += result.unsentCount
            processorNanoseconds += result.processorNanoseconds
            threadUtilizations.append(Double(result.processorNanoseconds) / Double(result.elapsedNanoseconds))
            if let failure = result.failure { failures.append(failure.description) }
        }
        sequencesDistinct = sequences.count
        sequencesRepeated = sequences.repeated
        sequencesUnchecked = sequences.unchecked
        measuredSeconds = Double(lastReply - schedule.measureFrom) / 1e9
        versions.sort { ($0.bundle, $0.number) < ($1.bundle, $1.number) }
        addSections(results.map(\.tally), schedule)
        timeline = Timeline(results.map(\.tally.timeline), bundleNames: configuration.bundles.map(\.name))
    }

    private mutating func addSections(_ tallies: [Tally], _ schedule: LoadSchedule) {
        let profile = configuration.profile?.stages ?? []
        var whole = StageTally(isOpenLoop: configuration.isOpenLoop)
        for index in schedule.stageEnds.indices {
            var sum = StageTally(isOpenLoop: configuration.isOpenLoop)
            for tally in tallies { sum.add(tally.stages[index]) }
            whole.add(sum)
            guard profile.count > 1 || (profile.first?.isRamp ?? false) else { continue }
            stages.append(Section(sum, profile[index]))
        }
        latencies = whole.latency
        services = whole.service
        latency = Latency(whole.latency)
        service = whole.service.map(Latency.init)
        for (index, part) in configuration.parts.enumerated() where configuration.parts.count > 1 {
            var sum = StageTally()
            for tally in tallies { sum.add(tally.parts[index]) }
            let rows = part.rowsPerRequest == 1 ? "single rows" : "\(Format.count(UInt64(part.rowsPerRequest))) rows"
            parts.append(Section(sum, name: "\(part.name), \(rows)", seconds: measuredSeconds))
        }
    }

    private mutating func add(_ tally: Tally) {
        requestsSent += tally.requestsSent
        repliesTotal += tally.repliesTotal
        repliesMeasured += tally.repliesMeasured
        decisionsTotal += tally.decisionsTotal
        decisionsMeasured += tally.decisionsMeasured
        serverNanoseconds &+= tally.serverNanoseconds
        errors.add(tally.errors)
        for index in outcomes.indices { outcomes[index] += tally.outcomes[index] }
        wrongBundle += tally.wrongBundle
        bytesSent += tally.bytesSent
        bytesReceived += tally.bytesReceived
        disconnects += tally.disconnects
        reconnects += tally.reconnects
        requestsLost += tally.requestsLost
        for (bundle, observations) in zip(configuration.bundles, tally.observations) {
            contradictions += observations.digestContradictions
            for version in observations.versions { add(version, bundle.name) }
        }
    }

    /// Two threads that saw different digests under one number make two entries.
    private mutating func add(_ version: Observations.Version, _ bundle: String) {
        let digest = SHA256Digest(bytes: version.digest.bytes)?.hex ?? ""
        if let known = versions.firstIndex(where: {
            $0.bundle == bundle && $0.number == version.number && $0.digest == digest
        }) {
            versions[known].decisionCount += version.decisionCount
        } else {
            if versions.contains(where: { $0.bundle == bundle && $0.number == version.number }) {
                contradictions += version.decisionCount
            }
            versions.append(
                Version(
                    bundle: bundle, number: version.number, digest: digest, decisionCount: version.decisionCount))
        }
    }
}

extension LoadReport.Section {
    init(_ tally: StageTally, name: String, rate: Double? = nil, seconds: Double) {
        self.init(
            name: name, rate: rate, seconds: seconds, replies: tally.replies, decisions: tally.decisions, errors: tally.errors,
            latency: LoadReport.Latency(tally.latency), service: tally.service.map(LoadReport.Latency.init))
    }

    init(_ tally: StageTally, _ stage: LoadProfile.Stage) {
        let from = Format.count(UInt64(stage.fromPerSecond.rounded()))
        let name = stage.isRamp ? "\(from) to \(Format.count(UInt64(stage.toPerSecond.rounded())))/s" : "\(from)/s"
        self.init(
            tally, name: name, rate: stage.isRamp ? nil : stage.fromPerSecond, seconds: stage.seconds)
    }
}
