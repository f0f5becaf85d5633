-- Stock as of a moment, ledgers, hours, and the time from harvest to shelf are read from movements. So a movement says where it
-- lies in the order of a day, as the domain's ledgers keep it: by day, rank, moment and step. A reversal lies where its original
-- lies, which its own event does not say. Nothing here is a running balance: a late movement changes no other row.
--
-- What stands in the tables lacks these columns: the projector folds the journal once more from its beginning.
TRUNCATE checkpoint, parked, doubtful, district_facts, districts, organization_facts, organizations, site_facts, sites,
    product_facts, products, chain_facts, chains, membership_facts, memberships, capacity_facts, capacities, lots, stock,
    stock_totals, outside, events, reversals, movements, counts, shipments, shipment_lines, flow_daily, flow_monthly, chain_days;

ALTER TABLE movements
    -- Place in the day on the side that the goods leave, and on the side that they enter: 0 before opening, 1 in on the day,
    -- 2 at a moment, 3 out on the day, 4 after closing.
    ADD COLUMN from_rank smallint NOT NULL CHECK (from_rank BETWEEN 0 AND 4),
    ADD COLUMN to_rank smallint NOT NULL CHECK (to_rank BETWEEN 0 AND 4),
    -- Microseconds since 1970 of a moment; 0 where only the day is known.
    ADD COLUMN moment_micros bigint NOT NULL,
    -- At one time: 0 goods move, 1 a shortfall is filled, 2 a count is made.
    ADD COLUMN step smallint NOT NULL CHECK (step BETWEEN 0 AND 2),
    -- As in chuoi.throughput.v1.Stage; null where none is passed.
    ADD COLUMN stage smallint CHECK (stage BETWEEN 1 AND 12),
    -- 1 where the quantity adds to the stage, -1 where it is taken from it.
    ADD COLUMN stage_sign smallint CHECK (stage_sign IN (-1, 1)),
    ADD CHECK ((stage IS NULL) = (stage_sign IS NULL));

-- A movement has one side at a site at most: these two hold it once.
CREATE INDEX movements_to_site ON movements (to_site_code, business_day) WHERE to_site_code IS NOT NULL;
CREATE INDEX movements_from_site ON movements (from_site_code, business_day) WHERE from_site_code IS NOT NULL;
CREATE INDEX movements_by_day ON movements (business_day);
CREATE INDEX shipments_by_dispatch ON shipments (dispatch_day);
