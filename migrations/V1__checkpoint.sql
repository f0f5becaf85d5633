-- How far into the journal the views are, and what of it they could not take. Every batch of the projector moves this row in the
-- same transaction as its changes, compared and set: an entry cannot count twice, whoever writes. All tables of these migrations
-- can be dropped and rebuilt from the journal, to the same rows.

CREATE TABLE checkpoint (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- Goes up whenever the tables are rebuilt: a projector from before that fails.
    generation bigint NOT NULL CHECK (generation >= 1),
    journal_id uuid NOT NULL,
    sequence bigint NOT NULL CHECK (sequence >= 1),
    -- SHA-256 of the entry at that sequence.
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    record_time timestamptz NOT NULL,
    business_time_zone text NOT NULL,
    entry_count bigint NOT NULL CHECK (entry_count >= 1),
    command_count bigint NOT NULL,
    event_count bigint NOT NULL,
    registry_event_count bigint NOT NULL
);

-- A command that could be read but not folded: it waits for somebody, and everything else goes on.
CREATE TABLE parked (
    sequence bigint NOT NULL,
    command_index integer NOT NULL,
    organization_code text NOT NULL,
    command_id uuid NOT NULL,
    event_count integer NOT NULL,
    event_names text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (sequence, command_index)
);

-- What a parked command would have touched: figures about it may be wrong.
CREATE TABLE doubtful (
    lot_id uuid NOT NULL,
    -- Empty where it is not about a site.
    site_code text NOT NULL,
    PRIMARY KEY (lot_id, site_code)
);
