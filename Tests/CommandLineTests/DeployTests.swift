import Foundation
import Platform
import Testing

@testable import Console

/// The files of `deploy/`, by the tools that will read them.
@Suite struct DeployTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let promtool = ["/usr/bin/promtool", "/usr/local/bin/promtool"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    @Test(
        .enabled(if: promtool != nil, "promtool is not installed (Debian: apt install prometheus)"),
        arguments: [
            ["check", "config", "prometheus.yml"], ["check", "rules", "assay.rules.yml"],
            ["test", "rules", "assay.rules.test.yml"],
        ])
    func promtoolAccepts(_ arguments: [String]) throws {
        let directory = Self.root.appendingPathComponent("deploy/prometheus")
        let result = try RunCommand.run(try #require(Self.promtool), arguments, in: directory.path)
        #expect(result.status == 0, "\(result.output)\(result.errors)")
    }

    /// Metrics that dashboards and alerts ask for exist, by that name.
    @Test(arguments: ["deploy/prometheus/assay.rules.yml", "deploy/grafana/assay.json"])
    func everyMetricThatIsAskedForExists(_ file: String) throws {
        let text = try String(contentsOf: Self.root.appendingPathComponent(file), encoding: .utf8)
        let asked = Set(text.matches(of: /\b(?:assay|process)_[a-z_]+[a-z]/).map { String($0.output) })
        #expect(asked.count > 15)
        let unknown = asked.subtracting(try Self.exposedNames())
        #expect(unknown == [], "\(file) asks for what is not exposed")
    }

    @Test func everyMetricIsDocumented() throws {
        let text = try String(contentsOf: Self.root.appendingPathComponent("docs/OPERATIONS.md"), encoding: .utf8)
        for name in try Self.exposedNames() where name.hasPrefix("assay_") && !name.hasSuffix("_bucket") {
            let family = name.hasSuffix("_sum") || name.hasSuffix("_count") ? String(name.prefix { $0 != "." }) : name
            let base = family.replacing("_seconds_sum", with: "_seconds").replacing("_seconds_count", with: "_seconds")
            #expect(text.contains("`\(base)`"), "\(base)")
        }
    }

    @Test func theDashboardIsJSONWithoutOverlappingPanels() throws {
        let bytes = Array(try Data(contentsOf: Self.root.appendingPathComponent("deploy/grafana/assay.json")))
        let panels = try #require(try JSON.parse(bytes)["panels"]?.array)
        var cells: Set<[Int64]> = []
        for panel in panels {
            let place = try #require(panel["gridPos"])
            let x = try #require(place["x"]?.integer), y = try #require(place["y"]?.integer)
            for column in x..<(x + (place["w"]?.integer ?? 0)) {
                for row in y..<(y + (place["h"]?.integer ?? 0)) { #expect(cells.insert([column, row]).inserted) }
            }
        }
        #expect(panels.count > 15)
    }

    private static func exposedNames() throws -> Set<String> {
        var metrics = MetricsSnapshot()
        metrics.requests = [.init(method: "score", status: "OK", count: 1)]
        metrics.decisions = [.init(bundle: "b", version: 1, outcome: "approve", stage: "online", count: 1)]
        metrics.connections.closed = [("reset", 1)]
        metrics.bundles = [.init(bundle: "b", version: 1, alias: "a", digest: "d")]
        metrics.audit.checkpoints = .init(count: 1, sequence: 1)
        metrics.audit.retention = .init(
            firstSequence: 1, byteCount: 1, retiredSegmentCount: 1, retiredByteCount: 1, isBlocked: false)
        metrics.postgres = .init(isUp: true, lagRecordCount: 1, lagSeconds: 0.5)
        let figures = try #require(ProcessFigures.current())
        let lines = metrics.prometheusText(process: figures).split(separator: "\n")
        return Set(lines.filter { !$0.hasPrefix("#") }.map { String($0.prefix { $0 != "{" && $0 != " " }) })
    }
}
