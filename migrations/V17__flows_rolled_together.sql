-- Flows without their places are rolled up together with the others again: the fewer wait, the shorter the projector shares the
-- processors with it. What waited is added up from the flows with places.
TRUNCATE goods_daily, goods_monthly;
INSERT INTO goods_daily
SELECT business_day, stage, chain_code, product_code, sum(quantity_milli), sum(movement_count)
FROM flow_daily GROUP BY 1, 2, 3, 4 HAVING sum(quantity_milli) <> 0 OR sum(movement_count) <> 0;
INSERT INTO goods_monthly
SELECT month_day, stage, chain_code, product_code, sum(quantity_milli), sum(movement_count)
FROM flow_monthly GROUP BY 1, 2, 3, 4 HAVING sum(quantity_milli) <> 0 OR sum(movement_count) <> 0;
ALTER TABLE flows_rolled DROP COLUMN goods_sequence;
