-- What left a site in a month and had not been dispatched before, wherever it went: a year of all chains, with utilization, in
-- one row where its days have thirty.
CREATE TABLE dispatch_monthly (
    -- First day of the month.
    month_day integer NOT NULL,
    chain_code text NOT NULL,
    product_code text NOT NULL,
    site_code text NOT NULL,
    first_milli bigint NOT NULL CHECK (first_milli <> 0),
    PRIMARY KEY (month_day, chain_code, product_code, site_code)
) WITH (fillfactor = 80);
INSERT INTO dispatch_monthly
SELECT date_trunc('month', (date '1970-01-01' + business_day)::timestamp)::date - date '1970-01-01', chain_code, product_code,
       site_code, sum(first_milli)
FROM dispatch_daily GROUP BY 1, 2, 3, 4 HAVING sum(first_milli) <> 0;

-- What of it went to a site, as for the days.
CREATE INDEX flow_monthly_sent_to ON flow_monthly (to_site_code, month_day) WHERE stage = 5;
