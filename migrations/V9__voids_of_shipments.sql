-- An event that takes back what was said of a shipment names that shipment: whoever watches it hears of it, also where nothing on
-- it moves. The rows that stand do not say it: the projector folds the journal once more from its beginning.
TRUNCATE checkpoint, parked, doubtful, district_facts, districts, organization_facts, organizations, site_facts, sites,
    product_facts, products, chain_facts, chains, membership_facts, memberships, capacity_facts, capacities, lots, stock,
    stock_totals, outside, events, reversals, movements, counts, shipments, shipment_lines, flow_daily, flow_monthly, chain_days,
    retirement_facts, number_facts, merge_facts, merged;

-- Rows of balances and flows change again and again. Room on their pages lets PostgreSQL write a new version beside the old one,
-- without touching indexes.
ALTER TABLE stock SET (fillfactor = 80);
ALTER TABLE stock_totals SET (fillfactor = 80);
ALTER TABLE outside SET (fillfactor = 80);
ALTER TABLE shipments SET (fillfactor = 85);
ALTER TABLE flow_daily SET (fillfactor = 90);
ALTER TABLE flow_monthly SET (fillfactor = 85);
ALTER TABLE chain_days SET (fillfactor = 80);

-- Days come nearly in order: ranges of pages do where an index of every row cost a fifth of what a movement takes to write.
DROP INDEX movements_by_day;
CREATE INDEX movements_by_day ON movements USING brin (business_day) WITH (pages_per_range = 32, autosummarize = on);
