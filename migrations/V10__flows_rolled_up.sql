-- Flows by day and month are rolled up behind the rest: they are sums of movements, and nearly every movement makes new rows of
-- them, which nobody has to wait for who wants to see a stock. Who reads them adds the movements after the last that is in them.
-- So a movement says what of it flowed where; the projector folds the journal once more from its beginning.
TRUNCATE checkpoint, parked, doubtful, district_facts, districts, organization_facts, organizations, site_facts, sites,
    product_facts, products, chain_facts, chains, membership_facts, memberships, capacity_facts, capacities, lots, stock,
    stock_totals, outside, events, reversals, movements, counts, shipments, shipment_lines, flow_daily, flow_monthly, chain_days,
    retirement_facts, number_facts, merge_facts, merged;

ALTER TABLE movements
    -- Where it passed its stage: for a dispatch the sender, and where that goes to; null where none is passed.
    ADD COLUMN stage_site_code text,
    ADD COLUMN stage_to_site_code text,
    -- For a dispatch what had not been dispatched before, signed like the stage; null where that is nothing.
    ADD COLUMN first_milli bigint CHECK (first_milli <> 0),
    ADD CHECK ((stage IS NULL) = (stage_site_code IS NULL));

-- What left a site that day and had not been dispatched before, wherever it went: what utilization asks, in few rows.
CREATE TABLE dispatch_daily (
    business_day integer NOT NULL,
    chain_code text NOT NULL,
    product_code text NOT NULL,
    site_code text NOT NULL,
    first_milli bigint NOT NULL CHECK (first_milli <> 0),
    PRIMARY KEY (business_day, chain_code, product_code, site_code)
) WITH (fillfactor = 80);
-- What of it went to a site: utilization leaves out the few that make goods themselves.
CREATE INDEX flow_daily_sent_to ON flow_daily (to_site_code, business_day) WHERE stage = 5;

-- Days are read by range, single chains from the table above; and a lot's id is derived from what names it.
DROP INDEX flow_daily_by_chain;
ALTER TABLE lots DROP CONSTRAINT lots_issuer_code_product_code_lot_code_key;

-- Up to which entry flows are rolled up: one row.
CREATE TABLE flows_rolled (
    sequence bigint NOT NULL
);
INSERT INTO flows_rolled (sequence) VALUES (0);
