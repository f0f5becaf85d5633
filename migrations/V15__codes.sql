-- Traceability codes: appended as they are said, and never changed. What was voided or corrected does not count: its command stands in
-- reversals.

CREATE TABLE codes (
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    organization_code text NOT NULL,
    command_id uuid NOT NULL,
    -- Without its check.
    code text NOT NULL,
    product_code text NOT NULL,
    -- None for all of the product.
    lot_id uuid,
    issued_day integer NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX codes_by_code ON codes (code);
CREATE INDEX codes_by_organization ON codes (organization_code, product_code);
CREATE INDEX codes_by_lot ON codes (lot_id) WHERE lot_id IS NOT NULL;

CREATE TABLE code_revocations (
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    organization_code text NOT NULL,
    command_id uuid NOT NULL,
    code text NOT NULL,
    revoked_day integer NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX code_revocations_by_code ON code_revocations (code);

CREATE TABLE code_scans (
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    organization_code text NOT NULL,
    command_id uuid NOT NULL,
    -- Its place among those of its event.
    line integer NOT NULL,
    code text NOT NULL,
    -- Empty where nobody knows.
    district_code text NOT NULL,
    scanned_day integer NOT NULL,
    scan_count bigint NOT NULL CHECK (scan_count > 0),
    PRIMARY KEY (sequence, ordinal, line)
);
CREATE INDEX code_scans_by_code ON code_scans (code);
