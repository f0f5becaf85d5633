-- Flows without their places: most questions ask what flowed, not where, and a day of 1,889 shops has eight times as many rows as a
-- day of goods, a month forty times.
CREATE TABLE goods_daily (
    business_day integer NOT NULL,
    -- As in chuoi.throughput.v1.Stage.
    stage smallint NOT NULL CHECK (stage BETWEEN 1 AND 14),
    chain_code text NOT NULL,
    product_code text NOT NULL,
    quantity_milli bigint NOT NULL,
    movement_count bigint NOT NULL,
    CHECK (quantity_milli <> 0 OR movement_count <> 0),
    PRIMARY KEY (business_day, stage, chain_code, product_code)
) WITH (fillfactor = 80);
INSERT INTO goods_daily
SELECT business_day, stage, chain_code, product_code, sum(quantity_milli), sum(movement_count)
FROM flow_daily GROUP BY 1, 2, 3, 4 HAVING sum(quantity_milli) <> 0 OR sum(movement_count) <> 0;

CREATE TABLE goods_monthly (
    -- First day of the month.
    month_day integer NOT NULL,
    stage smallint NOT NULL CHECK (stage BETWEEN 1 AND 14),
    chain_code text NOT NULL,
    product_code text NOT NULL,
    quantity_milli bigint NOT NULL,
    movement_count bigint NOT NULL,
    CHECK (quantity_milli <> 0 OR movement_count <> 0),
    PRIMARY KEY (month_day, stage, chain_code, product_code)
) WITH (fillfactor = 80);
INSERT INTO goods_monthly
SELECT month_day, stage, chain_code, product_code, sum(quantity_milli), sum(movement_count)
FROM flow_monthly GROUP BY 1, 2, 3, 4 HAVING sum(quantity_milli) <> 0 OR sum(movement_count) <> 0;

-- They are rolled up behind the flows with places, seldom: so many movements share a row then.
ALTER TABLE flows_rolled ADD COLUMN goods_sequence bigint NOT NULL DEFAULT 0;
UPDATE flows_rolled SET goods_sequence = sequence;
