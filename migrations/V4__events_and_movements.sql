-- What happened, in the journal's order, for traces: only ever appended to. `ordinal` is an event's place in its entry.

CREATE TABLE events (
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    event_id uuid NOT NULL,
    kind text NOT NULL,
    event_time timestamptz NOT NULL,
    utc_offset_minutes integer NOT NULL,
    -- 1 moment, 2 day, 3 before opening, 4 after closing: as in chuoi.event.v1.TimePrecision.
    precision smallint NOT NULL,
    business_day integer NOT NULL,
    typed_time text NOT NULL,
    record_time timestamptz NOT NULL,
    organization_code text NOT NULL,
    command_id uuid NOT NULL,
    actor text NOT NULL,
    device text NOT NULL,
    client text NOT NULL,
    reported_fact boolean NOT NULL,
    note text NOT NULL,
    -- {issuer, kind, year, number}.
    document jsonb,
    -- A list of {rule, reason, detail}; null if it broke none.
    violations jsonb,
    site_code text,
    to_site_code text,
    shipment_id uuid,
    -- Of a transformation: as in chuoi.event.v1.Process.
    process smallint,
    loss_gram bigint,
    -- Of a void or a correction.
    reverses_command_id uuid,
    reason text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);

-- Which commands were taken back, and by which event.
CREATE TABLE reversals (
    organization_code text NOT NULL,
    command_id uuid NOT NULL,
    -- Corrected: another stands in its place.
    is_correction boolean NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    by_command_id uuid NOT NULL,
    PRIMARY KEY (organization_code, command_id)
);

-- Postings: a quantity of one lot leaves one place and enters another. Reversals stand with the places exchanged.
CREATE TABLE movements (
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    line integer NOT NULL,
    lot_id uuid NOT NULL,
    from_site_code text,
    from_shipment_id uuid,
    from_outside text,
    to_site_code text,
    to_shipment_id uuid,
    to_outside text,
    quantity_milli bigint NOT NULL CHECK (quantity_milli > 0),
    -- For a reversal that of the original.
    business_day integer NOT NULL,
    is_reversal boolean NOT NULL,
    -- How it was given or typed, where that differs from the base unit.
    given text,
    PRIMARY KEY (sequence, ordinal, line),
    CHECK (num_nonnulls(from_site_code, from_shipment_id, from_outside) = 1),
    CHECK (num_nonnulls(to_site_code, to_shipment_id, to_outside) = 1)
);
CREATE INDEX movements_by_lot ON movements (lot_id);

-- What was counted, also where it was what the book said.
CREATE TABLE counts (
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    line integer NOT NULL,
    lot_id uuid NOT NULL,
    -- As in chuoi.event.v1.CountBasis.
    basis smallint NOT NULL,
    -- Null unless the basis is a stocktake.
    counted_milli bigint,
    expected_milli bigint NOT NULL,
    variance_milli bigint NOT NULL,
    PRIMARY KEY (sequence, ordinal, line)
);
CREATE INDEX counts_by_lot ON counts (lot_id);
