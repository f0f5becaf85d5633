-- What keeps goods from moving on, what somebody has to look at, and what was seen: holds, recalls, discrepancies, observations,
-- logistic units. All of it is only ever appended to; what was taken back is in `reversals`. A shipment that turned round has a
-- figure of its own, and so has what a consumer brought back. Discrepancies stand in the journal from its beginning: the projector
-- folds it once more.
TRUNCATE checkpoint, parked, doubtful, district_facts, districts, organization_facts, organizations, site_facts, sites,
    product_facts, products, chain_facts, chains, membership_facts, memberships, capacity_facts, capacities, lots, stock,
    stock_totals, outside, events, reversals, movements, counts, shipments, shipment_lines, flow_daily, flow_monthly, chain_days,
    retirement_facts, number_facts, merge_facts, merged, dispatch_daily;
UPDATE flows_rolled SET sequence = 0;

-- Stages 13 (returned by consumers) and 14 (cancelled on the road) of chuoi.throughput.v1.Stage.
ALTER TABLE flow_daily DROP CONSTRAINT flow_daily_stage_check, ADD CHECK (stage BETWEEN 1 AND 14);
ALTER TABLE flow_monthly DROP CONSTRAINT flow_monthly_stage_check, ADD CHECK (stage BETWEEN 1 AND 14);
ALTER TABLE movements DROP CONSTRAINT movements_stage_check, ADD CHECK (stage BETWEEN 1 AND 14);

-- What an event says besides what moves: {finding, temperature, reason, plot …}; null if nothing.
ALTER TABLE events ADD COLUMN details jsonb;
-- Few events name a plot or bring goods back; of the rest the journal's order is nearly that of recording.
CREATE INDEX events_by_plot ON events ((details ->> 'plot_key'), business_day) WHERE kind = 'Harvested' AND details ->> 'plot_key' IS NOT NULL;
CREATE INDEX events_treated ON events (site_code, business_day) WHERE kind = 'Observed' AND details #>> '{treatment,plot_key}' IS NOT NULL;
CREATE INDEX events_back ON events (business_day) WHERE kind IN ('DeliveryRefused', 'CustomerReturned');
CREATE INDEX events_recorded ON events USING brin (record_time) WITH (pages_per_range = 32, autosummarize = on);

-- Whether the goods stay the sender's until they are sold.
ALTER TABLE shipments ADD COLUMN is_consignment boolean NOT NULL DEFAULT false;

ALTER TABLE shipment_lines DROP COLUMN open_milli;
ALTER TABLE shipment_lines
    -- Back where it left.
    ADD COLUMN cancelled_milli bigint NOT NULL CHECK (cancelled_milli >= 0),
    ADD COLUMN open_milli bigint NOT NULL GENERATED ALWAYS AS
        (sent_milli - received_milli - refused_milli - short_milli - matched_milli - cancelled_milli) STORED CHECK (open_milli >= 0);
CREATE INDEX shipment_lines_open ON shipment_lines (shipment_id) WHERE open_milli > 0;

-- Lots that an event speaks of without moving them.
CREATE TABLE event_lots (
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    lot_id uuid NOT NULL,
    PRIMARY KEY (sequence, ordinal, lot_id)
);
CREATE INDEX event_lots_by_lot ON event_lots (lot_id);

-- Holds and recalls, by the command that said them.
CREATE TABLE blocks (
    organization_code text NOT NULL,
    command_id uuid NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    is_recall boolean NOT NULL,
    -- Where alone it holds; null for everywhere.
    site_code text,
    reason text NOT NULL,
    -- As in chuoi.event.v1.RecallForm; 0 for a hold.
    form smallint NOT NULL,
    decision_number text NOT NULL,
    acknowledge_by timestamptz,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX blocks_by_command ON blocks (command_id);

-- Lots that they name. What was made of a recalled lot is found through movements.
CREATE TABLE block_lots (
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    lot_id uuid NOT NULL,
    PRIMARY KEY (sequence, ordinal, lot_id)
);
CREATE INDEX block_lots_by_lot ON block_lots (lot_id);

-- What ended them: a row for each lot that was named, or one without a lot for all.
CREATE TABLE releases (
    organization_code text NOT NULL,
    command_id uuid NOT NULL,
    lot_id uuid,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL
);
CREATE INDEX releases_by_block ON releases (command_id);

-- Sites that have heard of a recall.
CREATE TABLE acknowledgements (
    organization_code text NOT NULL,
    command_id uuid NOT NULL,
    site_code text NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL
);
CREATE INDEX acknowledgements_by_recall ON acknowledgements (command_id);

-- What somebody has to look at, an event each.
CREATE TABLE discrepancies (
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    -- As the domain names it.
    kind text NOT NULL,
    organization_code text NOT NULL,
    command_id uuid NOT NULL,
    site_code text,
    shipment_id uuid,
    business_day integer NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX discrepancies_by_site ON discrepancies (site_code, sequence DESC);
CREATE INDEX discrepancies_by_command ON discrepancies (command_id);

-- What came of them, a command each.
CREATE TABLE resolutions (
    organization_code text NOT NULL,
    command_id uuid NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    resolution text NOT NULL
);
CREATE INDEX resolutions_by_command ON resolutions (command_id);

-- What went into logistic units (1) and came out (-1): lots, and units inside units.
CREATE TABLE packings (
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    line integer NOT NULL,
    sscc text NOT NULL,
    site_code text NOT NULL,
    direction smallint NOT NULL CHECK (direction IN (1, -1)),
    lot_id uuid,
    quantity_milli bigint CHECK (quantity_milli > 0),
    unit_sscc text,
    PRIMARY KEY (sequence, ordinal, line),
    CHECK ((lot_id IS NULL) = (quantity_milli IS NULL)),
    CHECK (num_nonnulls(lot_id, unit_sscc) = 1)
);
CREATE INDEX packings_by_unit ON packings (sscc);
CREATE INDEX packings_by_lot ON packings (lot_id) WHERE lot_id IS NOT NULL;
