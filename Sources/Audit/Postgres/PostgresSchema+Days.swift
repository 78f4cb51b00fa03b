extension PostgresSchema {
    /// Step 2: `assay_decisions` becomes partitioned by the day of `decided_at`, and the rows go into their days. Their order stays that of the
    /// old table, nearly that of time. Rights that were granted on the table are granted anew.
    ///
    /// The primary key needs `decided_at` beside `(server_id, sequence)`, because PostgreSQL has no unique index across partitions. That
    /// no number comes twice is the cursor's doing, which moves in the same transaction.
    ///
    /// What each index costs PostgreSQL for a row is in docs/POSTGRES.md. Rows of a bundle's version lie together in time, so block ranges (BRIN)
    /// find them at a fifth of a B-tree's price; approvals are most rows and nobody searches for "approved", so that index leaves them out.
    /// A hash index over transaction ids would be cheaper and would take ever longer for an id that comes again and again.
    static let partitionedByDay = """
        ALTER TABLE assay_decisions RENAME TO assay_decisions_1;
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
            subject_ref bytea,
            record bytea NOT NULL
        ) PARTITION BY RANGE (decided_at);
        DO $$
        DECLARE
            day date;
            held record;
        BEGIN
            IF EXISTS (SELECT FROM assay_decisions_1 WHERE decided_at < '2020-01-01 00:00:00+00') THEN
                CREATE TABLE assay_decisions_early PARTITION OF assay_decisions FOR VALUES FROM (MINVALUE) TO ('2020-01-01 00:00:00+00');
            END IF;
            IF EXISTS (SELECT FROM assay_decisions_1 WHERE decided_at >= '2100-01-01 00:00:00+00') THEN
                CREATE TABLE assay_decisions_late PARTITION OF assay_decisions FOR VALUES FROM ('2100-01-01 00:00:00+00') TO (MAXVALUE);
            END IF;
            FOR day IN
                SELECT DISTINCT (decided_at AT TIME ZONE 'UTC')::date FROM assay_decisions_1
                WHERE decided_at >= '2020-01-01 00:00:00+00' AND decided_at < '2100-01-01 00:00:00+00'
            LOOP
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF assay_decisions FOR VALUES FROM (%L) TO (%L)', 'assay_decisions_' || to_char(day, 'YYYYMMDD'),
                    to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(day + 1, 'YYYY-MM-DD') || ' 00:00:00+00');
            END LOOP;
            FOR held IN
                SELECT privilege_type, grantee FROM pg_class, aclexplode(relacl) AS acl
                WHERE pg_class.oid = 'assay_decisions_1'::regclass AND acl.grantee <> relowner
            LOOP
                EXECUTE format(
                    'GRANT %s ON assay_decisions TO %s', held.privilege_type,
                    CASE held.grantee WHEN 0 THEN 'PUBLIC' ELSE held.grantee::regrole::text END);
            END LOOP;
        END $$;
        INSERT INTO assay_decisions (
            server_id, sequence, decided_at, bundle, version, digest, outcome, stage, score, scores, transaction_id, caller, request_id,
            alias, server_ns, unproven, record)
        SELECT server_id, sequence, decided_at, bundle, version, digest, outcome, stage, score, scores, transaction_id, caller, request_id,
            alias, server_ns, unproven, record
        FROM assay_decisions_1;
        DROP TABLE assay_decisions_1;
        ALTER TABLE assay_decisions ADD PRIMARY KEY (server_id, sequence, decided_at);
        CREATE INDEX assay_decisions_transaction_id ON assay_decisions (transaction_id) WHERE transaction_id IS NOT NULL;
        CREATE INDEX assay_decisions_subject_ref ON assay_decisions (subject_ref) WHERE subject_ref IS NOT NULL;
        CREATE INDEX assay_decisions_time_bundle ON assay_decisions
            USING brin (decided_at, bundle text_bloom_ops, version int8_minmax_multi_ops) WITH (pages_per_range = 32, autosummarize = on);
        CREATE INDEX assay_decisions_outcome ON assay_decisions (outcome, decided_at) WHERE outcome <> 'approve';
        COMMENT ON TABLE assay_decisions IS 'Every decision of every Assay server; record is the AuditRecord, byte for byte as in the journal';
        """
}
