import Platform

extension LoadReport {
    /// All figures; docs/LOAD.md lists the keys.
    public var json: JSON {
        var members: [(String, JSON)] = [
            ("server", JSON(configuration.server.description)), ("server_version", JSON(serverVersion)),
            ("bundle", JSON(configuration.bundles.map(\.name).joined(separator: ","))),
            ("mode", JSON(configuration.isOpenLoop ? "open" : "closed")),
            ("connections", JSON(configuration.connectionCount)), ("depth", JSON(configuration.depth)),
            ("threads", JSON(configuration.threadCount)), ("rows_per_request", JSON(configuration.rowsPerRequest)),
            ("rows", JSON(inputs.reduce(0) { $0 + $1.rowCount })),
            ("rows_from", JSON(inputs.map(\.origin.text).joined(separator: ", "))),
            ("warmup_seconds", JSON(configuration.warmupSeconds)), ("measured_seconds", JSON(measuredSeconds)),
            ("requests_sent", JSON(requestsSent)), ("replies_total", JSON(repliesTotal)), ("replies", JSON(repliesMeasured)),
            ("decisions_total", JSON(decisionsTotal)), ("decisions", JSON(decisionsMeasured)),
            ("requests_per_second", JSON(measuredSeconds > 0 ? Double(repliesMeasured) / measuredSeconds : 0)),
            ("decisions_per_second", JSON(decisionsPerSecond)), ("latency_ns", Self.json(latency)),
        ]
        if let service { members.append(("service_ns", Self.json(service))) }
        members.append(("server_ns_mean", JSON(repliesMeasured > 0 ? Double(serverNanoseconds) / Double(repliesMeasured) : 0)))
        members += resultMembers
        if configuration.isOpenLoop { members.append(("open_loop", openLoop)) }
        members.append(("stages", JSON(stages.map(Self.json))))
        members.append(("parts", JSON(parts.map(Self.json))))
        members.append(("find_max", search.map(Self.json) ?? .null))
        members.append(("ceiling", ceiling.map(Self.json) ?? .null))
        members.append(("fail_if", failIf))
        members.append(("timeline", timelineJSON))
        members.append(("processor_ns_per_request", JSON(processorNanosecondsPerRequest)))
        members.append(("thread_utilization", JSON(threadUtilizations.map { JSON($0) })))
        members.append(("generator_saturated", JSON(isGeneratorBusy)))
        members.append(("failures", JSON(failures.map { JSON($0) })))
        members.append(("exit_code", JSON(exitCode)))
        return .object(members)
    }

    private var resultMembers: [(String, JSON)] {
        [
            ("errors", JSON(errorCount)),
            (
                "errors_by_kind",
                JSON(
                    errors.sorted.map { kind, count in
                        .object([("status", JSON(kind.status)), ("reason", JSON(kind.reason)), ("count", JSON(count))])
                    })
            ),
            (
                "outcomes",
                .object([
                    ("approve", JSON(outcomes[1])), ("review", JSON(outcomes[2])), ("decline", JSON(outcomes[3])),
                    ("unspecified", JSON(outcomes[0])),
                ])
            ),
            (
                "versions",
                JSON(
                    versions.map {
                        .object([
                            ("bundle", JSON($0.bundle)), ("version", JSON($0.number)), ("digest", JSON($0.digest)),
                            ("decisions", JSON($0.decisionCount)),
                        ])
                    })
            ),
            ("mismatches", JSON(mismatchCount)), ("verification", verification.map(Self.json) ?? .null),
            ("wrong_bundle", JSON(wrongBundle)),
            (
                "audit_sequences",
                .object([
                    ("distinct", JSON(sequencesDistinct)), ("repeated", JSON(sequencesRepeated)),
                    ("unchecked", JSON(sequencesUnchecked)), ("unrecorded", JSON(unrecorded)),
                ])
            ),
            ("bytes_sent", JSON(bytesSent)), ("bytes_received", JSON(bytesReceived)),
            ("disconnects", JSON(disconnects)), ("reconnects", JSON(reconnects)), ("requests_lost", JSON(requestsLost)),
        ]
    }

    private var openLoop: JSON {
        .object([
            (
                "target_requests_per_second",
                JSON((configuration.profile?.arrivalCount ?? 0) / configuration.plannedSeconds)
            ), ("arrivals", JSON(configuration.arrivals.rawValue)), ("arrivals_due", JSON(arrivalsDue)),
            ("arrivals_unsent", JSON(arrivalsUnsent)), ("rate_held", JSON(isRateHeld)),
        ])
    }

    static func json(_ latency: Latency) -> JSON {
        .object([
            ("p50", JSON(latency.p50)), ("p90", JSON(latency.p90)), ("p99", JSON(latency.p99)), ("p99_9", JSON(latency.p999)),
            ("max", JSON(latency.max)), ("mean", JSON(latency.mean)), ("count", JSON(latency.count)),
        ])
    }

    private static func json(_ verification: Verification) -> JSON {
        .object([
            ("verified", JSON(verification.verified)), ("mismatches", JSON(verification.mismatches)),
            ("unverified", JSON(verification.unverified)), ("scores_recomputed", JSON(verification.recomputed)),
            ("notes", JSON(verification.notes.map { JSON($0) })),
        ])
    }
}
