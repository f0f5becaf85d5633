-- Notices: appended as they are given, and never changed. A key is given once.

CREATE TABLE notices (
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    -- Its command: derived from the key.
    command_id uuid NOT NULL,
    record_time timestamptz NOT NULL,
    given_day integer NOT NULL,
    -- As the domain names it.
    kind text NOT NULL,
    key text NOT NULL,
    lot_id uuid,
    product_code text,
    site_code text,
    chain_code text,
    certificate_kind text,
    certificate_number text,
    organization_code text,
    about_command_id uuid,
    about_day integer,
    days integer,
    quantity_milli bigint,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX notices_by_key ON notices (key);
