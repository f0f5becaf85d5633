-- The registry. Each fact is kept with the day from which it holds, since a measure of a past day asks what held then. Beside it
-- stands what holds now: the fact of the latest day, and of one day the last that was recorded. Names are joined when read, so a
-- new name costs one row. Whole words for the search are kept twice: as written, and folded (no marks, lower case).

CREATE TABLE district_facts (
    district_code text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    -- First day on which it is no more.
    ends_day integer,
    -- Words separated and surrounded by single spaces.
    words_written text NOT NULL,
    words_folded text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX district_facts_by_day ON district_facts (district_code, from_day, sequence, ordinal);
CREATE TABLE districts (LIKE district_facts INCLUDING CONSTRAINTS, PRIMARY KEY (district_code));

CREATE TABLE organization_facts (
    organization_code text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    gln text,
    -- Words separated and surrounded by single spaces.
    words_written text NOT NULL,
    words_folded text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX organization_facts_by_day ON organization_facts (organization_code, from_day, sequence, ordinal);
CREATE TABLE organizations (LIKE organization_facts INCLUDING CONSTRAINTS, PRIMARY KEY (organization_code));

CREATE TABLE site_facts (
    site_code text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    organization_code text NOT NULL,
    district_code text NOT NULL,
    gln text,
    latitude_e6 integer NOT NULL,
    longitude_e6 integer NOT NULL,
    -- Lots begin and are made there; what leaves such a site towards others is what a chain moves.
    is_producing boolean NOT NULL,
    -- Consumers buy there.
    is_shop boolean NOT NULL,
    -- Words separated and surrounded by single spaces.
    words_written text NOT NULL,
    words_folded text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX site_facts_by_day ON site_facts (site_code, from_day, sequence, ordinal);
CREATE TABLE sites (LIKE site_facts INCLUDING CONSTRAINTS, PRIMARY KEY (site_code));

CREATE TABLE product_facts (
    product_code text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    name text NOT NULL,
    name_en text NOT NULL,
    group_code text NOT NULL,
    ocop_group integer NOT NULL,
    base_unit text NOT NULL,
    indivisible boolean NOT NULL,
    -- Nominal mass of one base unit; 0 if unknown.
    mass_gram bigint NOT NULL CHECK (mass_gram >= 0),
    -- Pieces in one base unit; 0 if it does not apply.
    pieces bigint NOT NULL CHECK (pieces >= 0),
    content_milli bigint NOT NULL,
    content_unit text NOT NULL,
    content_kind text NOT NULL,
    shelf_life_days integer NOT NULL,
    temperature_min_celsius integer,
    temperature_max_celsius integer,
    gtin text,
    brand_owner_code text,
    -- A list of {name, numerator, denominator}.
    market_units jsonb NOT NULL,
    -- Words separated and surrounded by single spaces.
    words_written text NOT NULL,
    words_folded text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX product_facts_by_day ON product_facts (product_code, from_day, sequence, ordinal);
CREATE TABLE products (LIKE product_facts INCLUDING CONSTRAINTS, PRIMARY KEY (product_code));

CREATE TABLE chain_facts (
    chain_code text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    name text NOT NULL,
    lead_organization_code text NOT NULL,
    district_code text NOT NULL,
    group_code text NOT NULL,
    share_supermarket_percent integer NOT NULL,
    share_general_percent integer NOT NULL,
    share_specialty_percent integer NOT NULL,
    -- Words separated and surrounded by single spaces.
    words_written text NOT NULL,
    words_folded text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX chain_facts_by_day ON chain_facts (chain_code, from_day, sequence, ordinal);
CREATE TABLE chains (LIKE chain_facts INCLUDING CONSTRAINTS, PRIMARY KEY (chain_code));

CREATE INDEX organizations_by_gln ON organizations (gln);
CREATE INDEX sites_by_gln ON sites (gln);
CREATE INDEX products_by_gtin ON products (gtin);

CREATE TABLE membership_facts (
    chain_code text NOT NULL,
    -- site or product.
    member_kind text NOT NULL CHECK (member_kind IN ('site', 'product')),
    member_code text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    is_member boolean NOT NULL,
    is_primary boolean NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX membership_facts_by_day ON membership_facts (chain_code, member_kind, member_code, from_day, sequence, ordinal);
CREATE TABLE memberships (LIKE membership_facts INCLUDING CONSTRAINTS, PRIMARY KEY (chain_code, member_kind, member_code));
CREATE INDEX memberships_by_member ON memberships (member_kind, member_code);

CREATE TABLE capacity_facts (
    chain_code text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    quantity_per_day_milli bigint NOT NULL CHECK (quantity_per_day_milli >= 0),
    unit text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX capacity_facts_by_day ON capacity_facts (chain_code, from_day, sequence, ordinal);
CREATE TABLE capacities (LIKE capacity_facts INCLUDING CONSTRAINTS, PRIMARY KEY (chain_code));
