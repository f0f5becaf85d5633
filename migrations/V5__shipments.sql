-- Goods on their way. A shipment's row is there once anything names it: an unmatched receipt may come before its dispatch. A
-- line's received + refused + short never exceed what was sent (rule 5): nothing less than nothing is on its way.

CREATE TABLE shipments (
    shipment_id uuid PRIMARY KEY,
    -- The entry and event that first named it: its place in lists, for ever.
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    issuer_code text NOT NULL,
    shipment_code text NOT NULL,
    from_site_code text,
    to_site_code text,
    trip_id text,
    sscc text,
    dispatch_time timestamptz,
    dispatch_day integer,
    command_id uuid,
    -- Where its goods arrived before a dispatch was known.
    arrived_site_code text,
    -- The shipment whose goods it takes back.
    return_of_shipment_id uuid,
    -- Dispatches that stand: 0 if none is known or it was voided.
    dispatches integer NOT NULL
);
CREATE UNIQUE INDEX shipments_in_order ON shipments (sequence DESC, ordinal DESC, shipment_id DESC);
CREATE INDEX shipments_by_code ON shipments (shipment_code);

CREATE TABLE shipment_lines (
    shipment_id uuid NOT NULL,
    lot_id uuid NOT NULL,
    sent_milli bigint NOT NULL CHECK (sent_milli >= 0),
    -- Taken from what was sent, by receipts after the dispatch.
    received_milli bigint NOT NULL CHECK (received_milli >= 0),
    refused_milli bigint NOT NULL CHECK (refused_milli >= 0),
    short_milli bigint NOT NULL CHECK (short_milli >= 0),
    -- Received before the dispatch was known.
    unmatched_milli bigint NOT NULL CHECK (unmatched_milli >= 0),
    -- What of that the dispatch turned out to have sent.
    matched_milli bigint NOT NULL CHECK (matched_milli >= 0),
    open_milli bigint NOT NULL GENERATED ALWAYS AS
        (sent_milli - received_milli - refused_milli - short_milli - matched_milli) STORED CHECK (open_milli >= 0),
    PRIMARY KEY (shipment_id, lot_id)
);
CREATE INDEX shipment_lines_by_lot ON shipment_lines (lot_id);
CREATE INDEX shipment_lines_open ON shipment_lines (shipment_id) WHERE open_milli > 0;
