-- How much flowed, by business day and by month: sums that a late or voided event changes on its own day. Months are kept because
-- a year of all chains from days takes seconds.

CREATE TABLE flow_daily (
    business_day integer NOT NULL,
    -- As in chuoi.throughput.v1.Stage.
    stage smallint NOT NULL CHECK (stage BETWEEN 1 AND 12),
    chain_code text NOT NULL,
    product_code text NOT NULL,
    -- Where it happened; for a dispatch the sender.
    site_code text NOT NULL,
    -- For a dispatch where it goes to; otherwise empty.
    to_site_code text NOT NULL,
    quantity_milli bigint NOT NULL,
    -- For a dispatch what had not been dispatched before; otherwise 0.
    first_milli bigint NOT NULL,
    movement_count bigint NOT NULL,
    CHECK (quantity_milli <> 0 OR first_milli <> 0 OR movement_count <> 0),
    PRIMARY KEY (business_day, stage, chain_code, product_code, site_code, to_site_code)
);
CREATE INDEX flow_daily_by_chain ON flow_daily (chain_code, business_day);

CREATE TABLE flow_monthly (
    -- First day of the month.
    month_day integer NOT NULL,
    stage smallint NOT NULL CHECK (stage BETWEEN 1 AND 12),
    chain_code text NOT NULL,
    product_code text NOT NULL,
    site_code text NOT NULL,
    to_site_code text NOT NULL,
    quantity_milli bigint NOT NULL,
    first_milli bigint NOT NULL,
    movement_count bigint NOT NULL,
    CHECK (quantity_milli <> 0 OR first_milli <> 0 OR movement_count <> 0),
    PRIMARY KEY (month_day, stage, chain_code, product_code, site_code, to_site_code)
);

-- How many movements of a chain count on a day: whether it entered anything.
CREATE TABLE chain_days (
    chain_code text NOT NULL,
    business_day integer NOT NULL,
    movement_count bigint NOT NULL CHECK (movement_count > 0),
    PRIMARY KEY (chain_code, business_day)
);
