-- Rows of balances and flows change again and again. Room on their pages lets PostgreSQL write a new version beside the old one,
-- without touching indexes.
ALTER TABLE stock SET (fillfactor = 80);
ALTER TABLE stock_totals SET (fillfactor = 80);
ALTER TABLE outside SET (fillfactor = 80);
ALTER TABLE shipments SET (fillfactor = 85);
ALTER TABLE flow_daily SET (fillfactor = 90);
ALTER TABLE flow_monthly SET (fillfactor = 85);
ALTER TABLE chain_days SET (fillfactor = 80);
