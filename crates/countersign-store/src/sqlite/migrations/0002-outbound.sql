-- What is sent: where to, and of which types.

CREATE TABLE endpoints (
  name TEXT NOT NULL PRIMARY KEY,
  config TEXT NOT NULL,
  paused_reason TEXT,         -- both, or neither
  paused_at INTEGER,
  failing_since INTEGER,      -- when the first attempt failed since the last that arrived
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE event_types (
  name TEXT NOT NULL PRIMARY KEY,
  description TEXT NOT NULL,
  schema BLOB,                -- of payloads, as it was given
  changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Deliveries that are neither queued nor done are few, and found by their endpoint.
CREATE INDEX deliveries_held ON deliveries (endpoint) WHERE state = 4;
CREATE INDEX deliveries_cancelled ON deliveries (endpoint) WHERE state = 5;
