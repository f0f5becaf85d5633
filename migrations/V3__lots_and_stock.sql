-- Lots, and where their goods are. Each of stock, shipment lines (V5) and outside is a sum of the journal's postings, so for every
-- lot the three add up to nothing: conservation can be seen in the tables. A balance of zero has no row.

CREATE TABLE lots (
    lot_id uuid PRIMARY KEY,
    issuer_code text NOT NULL,
    product_code text NOT NULL,
    lot_code text NOT NULL,
    chain_code text NOT NULL,
    -- Last business day on which it may be sold.
    expiry_day integer,
    harvest_day integer,
    harvest_time timestamptz,
    -- What began it: the last harvest or transformation that did, or else what opened it first.
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    -- Events that began or opened it and stand; 0 where all were voided.
    begins bigint NOT NULL,
    UNIQUE (issuer_code, product_code, lot_code)
);
CREATE INDEX lots_by_code ON lots (lot_code);
CREATE INDEX lots_by_expiry ON lots (expiry_day, lot_id) WHERE expiry_day IS NOT NULL;

-- No site holds less than nothing of a lot (rule 2).
CREATE TABLE stock (
    site_code text NOT NULL,
    lot_id uuid NOT NULL,
    quantity_milli bigint NOT NULL CHECK (quantity_milli > 0),
    PRIMARY KEY (site_code, lot_id)
);
CREATE INDEX stock_by_lot ON stock (lot_id);

-- The same by site, chain and product: what most questions ask, in a hundredth of the rows.
CREATE TABLE stock_totals (
    site_code text NOT NULL,
    chain_code text NOT NULL,
    product_code text NOT NULL,
    quantity_milli bigint NOT NULL CHECK (quantity_milli > 0),
    PRIMARY KEY (site_code, product_code, chain_code)
);
CREATE INDEX stock_totals_by_chain ON stock_totals (chain_code);
CREATE INDEX stock_totals_by_product ON stock_totals (product_code);

-- What left to outside less what entered from there, by reason: above zero for sinks, below for sources.
CREATE TABLE outside (
    lot_id uuid NOT NULL,
    reason text NOT NULL,
    quantity_milli bigint NOT NULL CHECK (quantity_milli <> 0),
    PRIMARY KEY (lot_id, reason)
);
