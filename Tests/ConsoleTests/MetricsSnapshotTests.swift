import Foundation
import Testing

@testable import Console

let promtoolPath = ["/usr/bin/promtool", "/usr/local/bin/promtool", "/opt/homebrew/bin/promtool"]
    .first { FileManager.default.isExecutableFile(atPath: $0) }

@Suite struct MetricsSnapshotTests {
    @Test func everyDocumentedMetricIsWritten() {
        let text = Samples.metrics().prometheusText(process: .current())
        let names = [
            "assay_requests_total{method=\"score\",status=\"OK\"} 1000007",
            "assay_requests_total{method=\"score\",status=\"INVALID_ARGUMENT\"} 3",
            "assay_decisions_total{bundle=\"cards\",version=\"2\",outcome=\"approve\",stage=\"online\"} 900000",
            "assay_score_duration_seconds_bucket{le=\"1e-06\"} 0",
            "assay_score_duration_seconds_bucket{le=\"2.5e-06\"} 900000",
            "assay_score_duration_seconds_bucket{le=\"0.1\"} 1000000",
            "assay_score_duration_seconds_bucket{le=\"+Inf\"} 1000007",
            "assay_score_duration_seconds_sum 2.25", "assay_score_duration_seconds_count 1000007",
            "assay_connections_open 12", "assay_connections_total 20", "assay_connections_closed_total{cause=\"idle_timeout\"} 1",
            "assay_tls_connections_open 5", "assay_tls_connections_total 9", "assay_tls_handshakes_failed_total 2",
            "assay_bytes_received_total 123456789012", "assay_bytes_sent_total 9876543210", "assay_frames_bad_total 4",
            "assay_loop_spins_total 31", "assay_loop_spins_paid_total 17",
            "assay_bundle_info{bundle=\"cards\",version=\"2\",alias=\"champion\",digest=\"\(String(repeating: "ab", count: 32))\"} 1",
            "assay_bundle_swaps_total 5", "assay_bundle_refused 1", "assay_audit_sequence_last 900007",
            "assay_audit_sequence_durable 900001", "assay_audit_sequence_shipped 899000", "assay_audit_records_total 900001",
            "assay_audit_backlog_bytes 65536", "assay_audit_ring_used_bytes 4096", "assay_audit_ring_bytes 33554432",
            "assay_audit_info{mode=\"drop\",durability=\"disk\"} 1", "assay_audit_syncs_total 300",
            "assay_audit_sync_seconds_total 1.5", "assay_audit_replies_held 8", "assay_audit_dropped_total 11",
            "assay_audit_checkpoints_total 41", "assay_audit_checkpoint_sequence 899990", "assay_audit_sequence_first 300001",
            "assay_audit_journal_bytes 99000", "assay_audit_segments_retired_total 3",
            "assay_audit_bytes_retired_total 49000", "assay_audit_retention_blocked 1",
            "assay_audit_failed 0", "assay_audit_disk_full 0", "assay_connections_refused_total 2", "assay_postgres_up 1",
            "assay_postgres_lag_records 1001", "assay_postgres_lag_seconds 0.25", "assay_postgres_refused 0",
            "assay_postgres_rows_total 898990", "assay_postgres_connections_total 3", "assay_ready 1", "assay_draining 0",
            "assay_workers 2", "assay_build_info{version=\"0.1.0\",swift=\"6.3.1\"} 1",
        ]
        let lines = Set(text.split(separator: "\n").map(String.init))
        for name in names { #expect(lines.contains(name), "\(name) is missing") }
        for name in [
            "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds", "process_start_time_seconds",
        ] {
            #expect(lines.contains { $0.hasPrefix(name + " ") }, "\(name) is missing")
        }
    }

    @Test func anUntouchedServerHasNoSeriesOfWhatItDoesNotHave() {
        let text = MetricsSnapshot().prometheusText(process: nil)
        #expect(!text.contains("assay_postgres"))
        #expect(!text.contains("assay_tls"))
        #expect(text.contains("assay_score_duration_seconds_count 0\n"))
    }

    @Test func equalFiguresGiveEqualBytes() {
        var shuffled = Samples.metrics()
        shuffled.requests.reverse()
        shuffled.decisions.reverse()
        #expect(shuffled.prometheusText(process: nil) == Samples.metrics().prometheusText(process: nil))
    }

    @Test(
        .enabled(if: promtoolPath != nil, "promtool is not installed (Debian: apt install prometheus)"), arguments: [true, false])
    func promtoolFindsNothingToSay(_ isEmpty: Bool) throws {
        let metrics = isEmpty ? MetricsSnapshot() : Samples.metrics()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(promtoolPath))
        process.arguments = ["check", "metrics"]
        let (input, output) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput, process.standardError) = (input, output, output)
        try process.run()
        input.fileHandleForWriting.write(Data(metrics.prometheusText(process: .current()).utf8))
        try input.fileHandleForWriting.close()
        let said = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(said == "")
        #expect(process.terminationStatus == 0)
    }
}

@Suite struct ProcessFiguresTests {
    // Of a process whose command is "a) b": the parentheses must not shift the fields.
    static let stat =
        "42 (a) b) S 1 42 42 0 -1 4194560 901 0 0 0 250 50 0 0 20 0 7 0 12300 1048576 25 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0"
    static let system = "cpu  1 2 3\nctxt 9\nbtime 1700000000\nprocesses 5\n"

    @Test func fieldsAreFoundBehindAnAwkwardCommandName() throws {
        let figures = try #require(
            ProcessFigures(
                stat: Self.stat, system: Self.system, pageByteCount: 4096, ticksPerSecond: 100, openDescriptorCount: 9,
                descriptorCountMax: 1024))
        #expect(figures.cpuSeconds == 3)
        #expect(figures.threadCount == 7)
        #expect(figures.startUnixSeconds == 1_700_000_123)
        #expect(figures.virtualByteCount == 1_048_576)
        #expect(figures.residentByteCount == 25 * 4096)
    }

    @Test(arguments: ["", "42 (a", "42 (a) S 1 2 3", "garbage"])
    func brokenStatIsRefused(_ stat: String) {
        #expect(
            ProcessFigures(
                stat: stat, system: Self.system, pageByteCount: 4096, ticksPerSecond: 100, openDescriptorCount: 0,
                descriptorCountMax: 0)
                == nil)
    }

    @Test func thisProcessHasFigures() throws {
        let figures = try #require(ProcessFigures.current())
        #expect(figures.residentByteCount > 1 << 20)
        #expect(figures.openDescriptorCount >= 3)
        #expect(figures.descriptorCountMax >= figures.openDescriptorCount)
        #expect(figures.startUnixSeconds > 1_600_000_000)
    }
}
