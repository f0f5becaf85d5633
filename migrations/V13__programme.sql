-- What is certified, graded and aimed at, and how sites stand: each fact with the day from which it holds. What holds on a day is the
-- fact of the latest day up to it, and of one day the last that was recorded.

CREATE TABLE certificate_facts (
    -- As domain::event::programme::CertificateKind names it.
    kind text NOT NULL,
    number text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    holder_code text NOT NULL,
    issuer text NOT NULL,
    -- Lists of codes; all where empty.
    product_codes jsonb NOT NULL,
    site_codes jsonb NOT NULL,
    chain_code text,
    until_day integer,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX certificate_facts_by_number ON certificate_facts (kind, number, from_day);
CREATE INDEX certificate_facts_by_holder ON certificate_facts (holder_code);

CREATE TABLE certificate_standing_facts (
    kind text NOT NULL,
    number text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    standing text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX certificate_standing_facts_by_number ON certificate_standing_facts (kind, number, from_day);

CREATE TABLE ocop_registration_facts (
    dossier_number text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    subject_code text NOT NULL,
    product_code text NOT NULL,
    district_code text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX ocop_registration_facts_by_dossier ON ocop_registration_facts (dossier_number, from_day);

CREATE TABLE ocop_grading_facts (
    dossier_number text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    rule text NOT NULL,
    community_hundredths integer NOT NULL,
    marketing_hundredths integer NOT NULL,
    quality_hundredths integer NOT NULL,
    -- Both follow from the scores, as the domain computes them.
    stars integer NOT NULL CHECK (stars BETWEEN 1 AND 5),
    until_day integer,
    level text NOT NULL,
    decision_number text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX ocop_grading_facts_by_dossier ON ocop_grading_facts (dossier_number, from_day);

CREATE TABLE site_standing_facts (
    site_code text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    standing text NOT NULL,
    until_day integer,
    reason text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX site_standing_facts_by_site ON site_standing_facts (site_code, from_day);

CREATE TABLE district_succession_facts (
    from_district_code text NOT NULL,
    to_district_code text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    share_basis_points integer NOT NULL CHECK (share_basis_points BETWEEN 1 AND 10000),
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX district_succession_facts_by_unit ON district_succession_facts (from_district_code, from_day);

CREATE TABLE craft_village_facts (
    village_code text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    name text NOT NULL,
    trade text NOT NULL,
    -- Without marks, in lower case.
    trade_folded text NOT NULL,
    district_code text NOT NULL,
    recognition_number text,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX craft_village_facts_by_village ON craft_village_facts (village_code, from_day);

CREATE TABLE target_facts (
    measure text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    value bigint NOT NULL,
    due_day integer NOT NULL,
    source text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);

CREATE TABLE trademark_facts (
    case_number text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    subject_code text NOT NULL,
    mark text NOT NULL,
    step text NOT NULL,
    is_last boolean NOT NULL,
    due_day integer,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX trademark_facts_by_case ON trademark_facts (case_number, from_day);

CREATE TABLE label_facts (
    series text NOT NULL,
    from_day integer NOT NULL,
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    fate text NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL CHECK (last >= first),
    subject_code text,
    product_code text,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX label_facts_by_series ON label_facts (series, first);
