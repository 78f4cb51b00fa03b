/// The tables in PostgreSQL, as numbered steps. A step that has been released is never changed; docs/POSTGRES.md describes the result.
enum PostgresSchema {
    struct Migration {
        let version: Int
        let name: String
        let sql: String
    }

    /// Serialises servers that start at the same time; an arbitrary constant ("assay" in ASCII), held to the transaction's end.
    static let lockKey = 0x61_73_73_61_79

    static let migrations = [
        Migration(
            version: 1, name: "decisions and cursor",
            sql: """
                CREATE TABLE assay_decisions (
                    server_id uuid NOT NULL,
                    sequence bigint NOT NULL,
                    decided_at timestamptz NOT NULL,
                    bundle text NOT NULL,
                    version bigint NOT NULL,
                    digest bytea NOT NULL,
                    outcome text NOT NULL,
                    stage text NOT NULL,
                    score double precision NOT NULL,
                    scores double precision[],
                    transaction_id text,
                    caller text,
                    request_id numeric(20, 0) NOT NULL,
                    alias text,
                    server_ns bigint NOT NULL,
                    unproven boolean NOT NULL,
                    record bytea NOT NULL,
                    PRIMARY KEY (server_id, sequence)
                );
                CREATE INDEX assay_decisions_transaction_id ON assay_decisions (transaction_id) WHERE transaction_id IS NOT NULL;
                CREATE INDEX assay_decisions_decided_at ON assay_decisions (decided_at);
                CREATE INDEX assay_decisions_bundle ON assay_decisions (bundle, version, decided_at);
                CREATE INDEX assay_decisions_outcome ON assay_decisions (outcome, decided_at);
                CREATE TABLE assay_cursor (
                    server_id uuid PRIMARY KEY,
                    next_sequence bigint NOT NULL,
                    chain bytea,
                    updated_at timestamptz NOT NULL DEFAULT now()
                );
                COMMENT ON TABLE assay_decisions IS 'Every decision of every Assay server; record is the AuditRecord, byte for byte as in the journal';
                COMMENT ON TABLE assay_cursor IS 'How far each server''s journal is in assay_decisions; chain is the SHA-256 of the last block shipped';
                """),
        Migration(version: 2, name: "a partition a day", sql: partitionedByDay),
    ]

    static var version: Int { migrations.last?.version ?? 0 }

    /// Brings the tables to this program's version; asks only when they are there already, so that a role without the right to create
    /// tables will do.
    /// `onStep` is told of each step that is about to be done: with many rows one may take long.
    static func migrate(_ connection: PostgresConnection, onStep: (Migration) -> Void) throws(PostgresProblem) {
        if try appliedVersion(connection) == version { return }
        try connection.execute(
            """
            BEGIN;
            SET LOCAL statement_timeout = 0;
            SET LOCAL lock_timeout = \(AuditLimits.statementMilliseconds);
            SELECT pg_advisory_xact_lock(\(lockKey));
            CREATE TABLE IF NOT EXISTS assay_schema_migrations (
                version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
            """)
        // Another server may have done it while this one waited for the lock.
        let applied = try appliedVersion(connection) ?? 0
        for migration in migrations where migration.version > applied {
            onStep(migration)
            try connection.execute(migration.sql, milliseconds: AuditLimits.migrationMilliseconds)
            try connection.execute(
                "INSERT INTO assay_schema_migrations (version, name) VALUES (\(migration.version), '\(migration.name)')")
        }
        try connection.execute("COMMIT")
    }

    /// nil: there is no table of migrations yet.
    private static func appliedVersion(_ connection: PostgresConnection) throws(PostgresProblem) -> Int? {
        let exists = try connection.execute("SELECT to_regclass('assay_schema_migrations') IS NOT NULL")
        guard exists.first?.first == "t" else { return nil }
        let rows = try connection.execute("SELECT coalesce(max(version), 0) FROM assay_schema_migrations")
        guard let text = rows.first?.first ?? nil, let applied = Int(text) else { throw .unexpectedAnswer }
        guard applied <= version else { throw .schemaTooNew(version: applied, known: version) }
        return applied
    }
}
