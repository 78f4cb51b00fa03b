import Platform

/// The partitions of `assay_decisions`, made ahead of the days and on demand: a record may be years old when it comes.
struct PostgresPartitions {
    /// Those that are known to be there.
    private var known: Set<DecisionPartition> = []
    /// The day up to which partitions were made ahead.
    private var aheadOf: DecisionPartition?

    /// Makes what is missing. Each in a transaction of its own, under the lock that servers share for changing tables; attaching locks
    /// neither readers nor writers of the other days out.
    mutating func ensure(_ wanted: Set<DecisionPartition>, _ connection: PostgresConnection) throws(PostgresProblem) {
        for partition in wanted where !known.contains(partition) {
            try Self.make(partition, connection)
            known.insert(partition)
        }
    }

    /// Once a day: makes the coming days' partitions, so that midnight brings no wait. A role that may not make tables leaves it to whoever may.
    mutating func makeAhead(unixNanoseconds: Int64, _ connection: PostgresConnection) throws(PostgresProblem) {
        let now = unixNanoseconds / 1000
        let today = DecisionPartition(unixMicroseconds: now)
        if today == aheadOf { return }
        aheadOf = today
        for day in 0...AuditLimits.partitionDaysAhead {
            let partition = DecisionPartition(unixMicroseconds: now + Int64(day) * 86_400_000_000)
            do throws(PostgresProblem) {
                try ensure([partition], connection)
            } catch {
                switch error {
                // Whether a record needs the day will show.
                case .statementFailed, .dayDetached: try connection.execute("ROLLBACK")
                default: throw error
                }
            }
        }
    }

    private static func make(_ partition: DecisionPartition, _ connection: PostgresConnection) throws(PostgresProblem) {
        let found = try connection.execute("SELECT relispartition FROM pg_class WHERE oid = to_regclass('\(partition.name)')")
        switch found.first?.first {
        case "t": return
        // Somebody has taken the day out and not yet away: its rows would vanish from sight if it were attached again unasked.
        case "f": throw .dayDetached(table: partition.name)
        default: break
        }
        do throws(PostgresProblem) {
            try connection.execute(
                """
                BEGIN;
                SET LOCAL lock_timeout = \(AuditLimits.statementMilliseconds);
                SELECT pg_advisory_xact_lock(\(PostgresSchema.lockKey));
                CREATE TABLE IF NOT EXISTS \(partition.name) (LIKE assay_decisions)
                """)
            let isAttached = try connection.execute(
                "SELECT relispartition FROM pg_class WHERE oid = '\(partition.name)'::regclass")
            // Another server may have made it while this one waited for the lock.
            if isAttached.first?.first != "t" {
                try connection.execute(
                    "ALTER TABLE assay_decisions ATTACH PARTITION \(partition.name) FOR VALUES \(partition.bounds)")
            }
            try connection.execute("COMMIT")
        } catch .statementFailed(sqlState: "42P17") {
            // Its days lie in a partition that an administrator has made, of a month perhaps.
            try connection.execute("ROLLBACK")
        }
    }
}
