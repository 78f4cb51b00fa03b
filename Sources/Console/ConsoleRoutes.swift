import Platform

/// The console's answers as a pure function of method and path; sockets and HTTP are `Console`'s.
struct ConsoleRoutes: Sendable {
    let source: ConsoleSource

    /// One whole answer.
    struct Answer: Sendable, Equatable {
        var status: Int
        var contentType: String
        var body: String
        /// Methods the path allows, when the request's is none of them.
        var allow: String?
    }

    static let jsonContentType = "application/json; charset=utf-8"

    /// - Parameter path: without the query.
    func answer(method: String, path: String) -> Answer {
        guard let make = route(path) else {
            return Self.problem(404, "no such page; there are /livez, /readyz, /metrics and /models")
        }
        guard method == "GET" || method == "HEAD" else {
            var answer = Self.problem(405, "only GET and HEAD are answered here")
            answer.allow = "GET, HEAD"
            return answer
        }
        return make()
    }

    private func route(_ path: String) -> (() -> Answer)? {
        switch path {
        case "/livez": { Answer(status: 200, contentType: Self.jsonContentType, body: "{\"live\": true}\n") }
        case "/readyz": readiness
        case "/metrics": metrics
        case "/models": models
        default: nil
        }
    }

    private func readiness() -> Answer {
        let report = source.readiness()
        return Self.json(report.isReady ? 200 : 503, report.json)
    }

    private func metrics() -> Answer {
        let text = source.metrics().prometheusText(process: .current())
        return Answer(status: 200, contentType: PrometheusText.contentType, body: text)
    }

    private func models() -> Answer {
        let models = source.models().sorted { ($0.bundle, $0.version) < ($1.bundle, $1.version) }
        return Self.json(200, JSON.object(["models": .array(models.map(\.json))]))
    }

    private static func json(_ status: Int, _ value: JSON) -> Answer {
        Answer(status: status, contentType: jsonContentType, body: value.serialized(pretty: true) + "\n")
    }

    private static func problem(_ status: Int, _ text: String) -> Answer {
        json(status, JSON.object(["error": .string(text)]))
    }
}
