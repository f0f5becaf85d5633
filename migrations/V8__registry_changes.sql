-- What becomes of registered things: retired and in use again, numbers of GS1 that name them, codes that turned out to be one
-- thing. Facts with their days, as in V2; few rows, so what holds on a day is looked up when it is asked for. The journal can
-- rebuild all of it.

CREATE TABLE retirement_facts (
    -- organization, site, product or chain.
    kind text NOT NULL CHECK (kind IN ('organization', 'site', 'product', 'chain')),
    code text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    -- False where it is in use again.
    is_retired boolean NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX retirement_facts_by_day ON retirement_facts (kind, code, from_day, sequence, ordinal);

-- Numbers that things were registered with are among them.
CREATE TABLE number_facts (
    kind text NOT NULL CHECK (kind IN ('organization', 'site', 'product')),
    -- GLN or GTIN.
    number text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    -- The thing that it is said of.
    code text NOT NULL,
    -- False where it names that thing no longer.
    is_attached boolean NOT NULL,
    brand_owner_code text,
    moved_from_code text,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX number_facts_by_day ON number_facts (kind, number, from_day, sequence, ordinal);
CREATE INDEX number_facts_by_code ON number_facts (kind, code);
-- What was registered before this table was there.
INSERT INTO number_facts
SELECT 'organization', gln, from_day, sequence, ordinal, organization_code, true, NULL, NULL FROM organization_facts WHERE gln IS NOT NULL
UNION ALL SELECT 'site', gln, from_day, sequence, ordinal, site_code, true, NULL, NULL FROM site_facts WHERE gln IS NOT NULL
UNION ALL
SELECT 'product', gtin, from_day, sequence, ordinal, product_code, true, brand_owner_code, NULL FROM product_facts WHERE gtin IS NOT NULL;

CREATE TABLE merge_facts (
    kind text NOT NULL CHECK (kind IN ('organization', 'site', 'product')),
    duplicate_code text NOT NULL,
    survivor_code text NOT NULL,
    -- When it was found out; it holds for ever back.
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);

-- Every code that was given up, with the end of its chain of merges. Sums are taken under that one when they are read; the rows of
-- other tables keep the code that the journal says.
CREATE TABLE merged (
    kind text NOT NULL,
    code text NOT NULL,
    survivor_code text NOT NULL,
    PRIMARY KEY (kind, code)
);
CREATE INDEX merged_by_survivor ON merged (kind, survivor_code);
