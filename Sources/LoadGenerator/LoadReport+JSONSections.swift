import Platform

/// The parts of the JSON that only some runs have.
extension LoadReport {
    static func json(_ section: Section) -> JSON {
        var members: [(String, JSON)] = [
            ("name", JSON(section.name)), ("target_requests_per_second", section.rate.map { JSON($0) } ?? .null),
            ("seconds", JSON(section.seconds)), ("replies", JSON(section.replies)), ("decisions", JSON(section.decisions)),
            ("decisions_per_second", JSON(section.decisionsPerSecond)), ("errors", JSON(section.errors)),
            ("latency_ns", json(section.latency)),
        ]
        if let service = section.service { members.append(("service_ns", json(service))) }
        return .object(members)
    }

    static func json(_ search: RateSearchResult) -> JSON {
        .object([
            ("requests_per_second", search.best.map { JSON($0) } ?? .null),
            ("slo", JSON(search.objectives.map { JSON($0.description) })),
            (
                "steps",
                JSON(
                    search.steps.map { step in
                        .object([
                            ("target_requests_per_second", JSON(step.rate)), ("holds", JSON(step.holds)),
                            ("decisions_per_second", JSON(step.decisionsPerSecond)), ("errors", JSON(step.errors)),
                            ("latency_ns", json(step.latency)), ("failures", JSON(step.failures.map { JSON($0) })),
                        ])
                    })
            ),
        ])
    }

    static func json(_ ceiling: Ceiling) -> JSON {
        .object([
            ("requests_per_second", JSON(ceiling.requestsPerSecond)),
            ("processor_ns_per_request", JSON(ceiling.processorNanosecondsPerRequest)),
            ("requests_per_second_max", JSON(ceiling.requestsPerSecondMax)),
        ])
    }

    var failIf: JSON {
        let met = conditionsMet
        return JSON(
            failConditions.map { .object([("condition", JSON($0.description)), ("met", JSON(met.contains($0)))]) })
    }

    /// Columns, not rows: a long run has thousands of intervals.
    var timelineJSON: JSON {
        func column(_ value: (Timeline.Point) -> JSON) -> JSON { JSON(timeline.points.map(value)) }
        return .object([
            ("interval_seconds", JSON(timeline.intervalSeconds)),
            ("decisions_per_second", column { JSON($0.decisionsPerSecond.rounded()) }),
            ("p50_ns", column { JSON($0.p50) }), ("p99_ns", column { JSON($0.p99) }), ("p99_9_ns", column { JSON($0.p999) }),
            ("max_ns", column { JSON($0.max) }), ("errors", column { JSON($0.errors) }),
            (
                "marks",
                JSON(timeline.marks.map { .object([("seconds", JSON($0.seconds)), ("text", JSON($0.text))]) })
            ),
        ])
    }
}
