-- Orders: appended as they are said, and never changed. What was voided or corrected does not count: its command stands in reversals.

CREATE TABLE orders (
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    organization_code text NOT NULL,
    command_id uuid NOT NULL,
    order_id uuid NOT NULL,
    order_code text NOT NULL,
    site_code text NOT NULL,
    chain_code text NOT NULL,
    ordered_day integer NOT NULL,
    due_day integer NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX orders_by_id ON orders (order_id);
CREATE INDEX orders_by_day ON orders (due_day);

CREATE TABLE order_lines (
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    product_code text NOT NULL,
    ordered_milli bigint NOT NULL CHECK (ordered_milli > 0),
    PRIMARY KEY (sequence, ordinal, product_code)
);

CREATE TABLE order_closings (
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    organization_code text NOT NULL,
    command_id uuid NOT NULL,
    order_id uuid NOT NULL,
    closed_day integer NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX order_closings_by_id ON order_closings (order_id);

-- Shipments that serve orders.
CREATE TABLE order_shipments (
    sequence bigint NOT NULL,
    ordinal integer NOT NULL,
    organization_code text NOT NULL,
    command_id uuid NOT NULL,
    order_id uuid NOT NULL,
    shipment_id uuid NOT NULL,
    PRIMARY KEY (sequence, ordinal)
);
CREATE INDEX order_shipments_by_order ON order_shipments (order_id);
