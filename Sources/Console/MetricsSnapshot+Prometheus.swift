extension MetricsSnapshot {
    /// The body of `/metrics`. docs/OPERATIONS.md lists the metrics; names are a contract with dashboards and alerts.
    public func prometheusText(process: ProcessFigures?) -> String {
        var text = PrometheusText()
        addTraffic(&text)
        addConnections(&text)
        addBundles(&text)
        addAudit(&text)
        addServer(&text)
        process?.add(to: &text)
        return text.text
    }

    private func addTraffic(_ text: inout PrometheusText) {
        for entry in requests {
            text.counter(
                "assay_requests_total", help: "Requests answered, by method and status.", entry.count,
                labels: [("method", entry.method), ("status", entry.status)])
        }
        for entry in decisions {
            text.counter(
                "assay_decisions_total", help: "Decisions made; every row of a batch is one.", entry.count,
                labels: [
                    ("bundle", entry.bundle), ("version", String(entry.version)), ("outcome", entry.outcome),
                    ("stage", entry.stage),
                ])
        }
        text.histogram(
            "assay_score_duration_seconds", help: "Time from a request's bytes being read to its decision.", scoreDuration)
    }

    private func addConnections(_ text: inout PrometheusText) {
        text.gauge("assay_connections_open", help: "Connections of the wire protocol open now.", connections.open)
        text.counter("assay_connections_total", help: "Connections accepted.", connections.total)
        text.counter(
            "assay_connections_refused_total", help: "Connections closed at once, for want of room.", connections.refused)
        for entry in connections.closed {
            text.counter(
                "assay_connections_closed_total", help: "Connections closed, by cause.", entry.count,
                labels: [("cause", entry.cause)])
        }
        if let tls = connections.tls {
            text.gauge("assay_tls_connections_open", help: "Connections with TLS open now, handshakes included.", tls.open)
            text.counter("assay_tls_connections_total", help: "Connections accepted for TLS.", tls.total)
            text.counter(
                "assay_tls_handshakes_failed_total", help: "Handshakes of TLS that failed or took too long.",
                tls.handshakesFailed)
        }
        text.counter("assay_bytes_received_total", help: "Bytes read from the wire protocol's connections.", receivedByteCount)
        text.counter("assay_bytes_sent_total", help: "Bytes written to the wire protocol's connections.", sentByteCount)
        text.counter("assay_loop_spins_total", help: "Waits that began with polling (setting busy-poll).", spinCount)
        text.counter(
            "assay_loop_spins_paid_total", help: "Waits that began with polling and got something before they slept.",
            paidSpinCount)
        text.counter(
            "assay_frames_bad_total", help: "Frames that broke the contract; each closed its connection.", badFrameCount)
    }

    private func addBundles(_ text: inout PrometheusText) {
        for entry in bundles {
            text.gauge(
                "assay_bundle_info", help: "Versions being served and the aliases that name them; always 1.", UInt64(1),
                labels: [
                    ("bundle", entry.bundle), ("version", String(entry.version)), ("alias", entry.alias),
                    ("digest", entry.digest),
                ])
        }
        text.counter("assay_bundle_swaps_total", help: "Registry states published since the start.", swapCount)
        text.gauge("assay_bundle_refused", help: "Versions in the registry that are refused now.", refusedBundleCount)
    }

    private func addProof(_ text: inout PrometheusText) {
        if let checkpoints = audit.checkpoints {
            text.counter("assay_audit_checkpoints_total", help: "Checkpoints of the journal signed.", checkpoints.count)
            text.gauge(
                "assay_audit_checkpoint_sequence", help: "Newest record that a signed checkpoint covers.", checkpoints.sequence)
        }
        guard let retention = audit.retention else { return }
        text.gauge("assay_audit_sequence_first", help: "Oldest record that the journal keeps.", retention.firstSequence)
        text.gauge("assay_audit_journal_bytes", help: "Bytes of the journal's files.", retention.byteCount)
        text.counter("assay_audit_segments_retired_total", help: "Files of the journal deleted.", retention.retiredSegmentCount)
        text.counter("assay_audit_bytes_retired_total", help: "Bytes of the files deleted.", retention.retiredByteCount)
        text.gauge(
            "assay_audit_retention_blocked", help: "1 while files past the limits wait for the database to confirm them.",
            Self.flag(retention.isBlocked))
    }

    private func addAudit(_ text: inout PrometheusText) {
        text.gauge("assay_audit_sequence_last", help: "Newest record in the rings (survives the process).", audit.sequenceLast)
        text.gauge(
            "assay_audit_sequence_durable", help: "Newest record synced to disk (survives the machine).", audit.sequenceDurable)
        text.gauge("assay_audit_sequence_shipped", help: "Newest record in PostgreSQL.", audit.sequenceShipped)
        text.counter("assay_audit_records_total", help: "Records written into the journal.", audit.recordCount)
        text.gauge("assay_audit_backlog_bytes", help: "Journal bytes that PostgreSQL has not taken yet.", audit.backlogByteCount)
        text.gauge(
            "assay_audit_ring_used_bytes", help: "Bytes in the rings that the journal has not taken yet.", audit.ringByteCountUsed
        )
        text.gauge("assay_audit_segments", help: "Closed segments of the journal.", audit.closedSegmentCount)
        text.gauge(
            "assay_audit_segments_unindexed", help: "Closed segments without an index for look-ups yet.",
            audit.unindexedSegmentCount)
        text.counter("assay_audit_indexes_total", help: "Index files written.", audit.indexCount)
        text.gauge("assay_audit_ring_bytes", help: "Capacity of the rings.", audit.ringByteCount)
        text.gauge(
            "assay_audit_failed", help: "1 when the journal can't be written and no decision is made.", Self.flag(audit.hasFailed)
        )
        text.gauge(
            "assay_audit_disk_full", help: "1 while the journal's disk is full and records wait in the rings.",
            Self.flag(audit.isDiskFull))
        text.gauge(
            "assay_audit_info", help: "How the audit trail is set; always 1.", UInt64(1),
            labels: [("mode", audit.mode), ("durability", audit.durability)])
        text.counter("assay_audit_syncs_total", help: "Calls of fdatasync on the journal.", audit.syncCount)
        text.counter(
            "assay_audit_sync_seconds_total", help: "Time that calls of fdatasync on the journal took.", audit.syncSeconds)
        text.gauge("assay_audit_replies_held", help: "Replies that wait for the disk now.", audit.heldReplyCount)
        text.counter(
            "assay_audit_dropped_total", help: "Decisions made without a record because the trail took none.", audit.droppedCount)
        addProof(&text)
        guard let postgres else { return }
        text.gauge("assay_postgres_up", help: "1 when the shipper is connected to PostgreSQL.", Self.flag(postgres.isUp))
        if let lag = postgres.lagRecordCount {
            text.gauge("assay_postgres_lag_records", help: "Records that are not in PostgreSQL yet.", lag)
        }
        if let lag = postgres.lagSeconds {
            text.gauge("assay_postgres_lag_seconds", help: "Age of the oldest record that is not in PostgreSQL yet.", lag)
        }
        text.gauge(
            "assay_postgres_refused", help: "1 when shipping has stopped for good, because going on could harm.",
            Self.flag(postgres.isRefused))
        text.counter("assay_postgres_rows_total", help: "Rows that PostgreSQL has confirmed.", postgres.rowCount)
        text.counter("assay_postgres_connections_total", help: "Connections made to PostgreSQL.", postgres.connectionCount)
    }

    private func addServer(_ text: inout PrometheusText) {
        text.gauge("assay_ready", help: "1 when /readyz says ready.", Self.flag(isReady))
        text.gauge("assay_draining", help: "1 while the server drains.", Self.flag(isDraining))
        text.gauge("assay_workers", help: "Event loops.", workerCount)
        text.gauge(
            "assay_build_info", help: "Version of the server and of its compiler; always 1.", UInt64(1),
            labels: [("version", serverVersion), ("swift", swiftVersion)])
    }

    private static func flag(_ value: Bool) -> UInt64 { value ? 1 : 0 }
}
