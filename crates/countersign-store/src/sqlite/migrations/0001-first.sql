-- What a gateway remembers.
--
-- Rows of `events`, `deliveries` and `audits` are numbered by one counter, in the order in which they were
-- committed, so that these tables grow at their ends. The deliveries of an event have the numbers that follow its own.

-- One row. Groups of operations read it when they begin and write it before they commit.
CREATE TABLE counters (
  id INTEGER PRIMARY KEY CHECK (id = 0),
  next INTEGER NOT NULL,      -- the number that the next row gets
  bytes INTEGER NOT NULL,     -- of all heads and bodies in `events`
  revision INTEGER NOT NULL   -- how often sources, secrets, endpoints and types were changed
) STRICT;
INSERT INTO counters VALUES (0, 1, 0, 0);

-- For each hour in which something happened, the first and the last number of its events and audits: a search by time becomes
-- one by number, without an index that every row would have to be entered into.
CREATE TABLE spans (
  hour INTEGER PRIMARY KEY,   -- since 1970
  first INTEGER NOT NULL,
  last INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,        -- milliseconds since 1970, here and everywhere
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT,
  key TEXT NOT NULL,
  message_id TEXT,
  refused TEXT,               -- the reason, where the source was only observed
  deliveries INTEGER NOT NULL, -- how many it was queued for: they are the rows seq + 1 to seq + deliveries
  head BLOB NOT NULL,
  body BLOB NOT NULL          -- last, so that nobody reads past it who does not want it
) STRICT;
CREATE UNIQUE INDEX events_id ON events (id);
CREATE INDEX events_source ON events (source);

-- What was accepted before. `digest` is of the message and of the source that it came to. A claim is in `fresh` first, and is moved
-- into `claims` together with thousands of others; of two rows for one digest the later end counts.
CREATE TABLE fresh (
  seq INTEGER PRIMARY KEY,
  expires INTEGER NOT NULL,   -- the last moment at which it is known
  digest BLOB NOT NULL
) STRICT;
CREATE TABLE claims (
  digest BLOB NOT NULL PRIMARY KEY,
  expires INTEGER NOT NULL    -- the last moment at which it is known
) STRICT, WITHOUT ROWID;

CREATE TABLE audits (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  source TEXT NOT NULL,
  outcome TEXT NOT NULL,
  status INTEGER NOT NULL,
  event TEXT,
  columns BLOB NOT NULL
) STRICT;
CREATE INDEX audits_source ON audits (source, outcome);

CREATE TABLE deliveries (
  seq INTEGER PRIMARY KEY,
  event INTEGER NOT NULL,     -- its seq
  at INTEGER NOT NULL,        -- due, leased until, or ended
  state INTEGER NOT NULL,     -- 0 waiting, 1 leased, 2 done, 3 dead; 4 held, 5 cancelled since the second version
  fence INTEGER NOT NULL,     -- how often it was leased
  attempts INTEGER NOT NULL,
  endpoint TEXT NOT NULL,
  worker TEXT,                -- who leased it last
  status INTEGER,
  error TEXT
) STRICT;
-- The first that is due of each endpoint, however long their queues are. The state is there only to be counted.
CREATE INDEX deliveries_queue ON deliveries (endpoint, at, state) WHERE state < 2;
CREATE INDEX deliveries_dead ON deliveries (endpoint) WHERE state = 3;

CREATE TABLE hours (
  hour INTEGER NOT NULL,      -- its first moment
  source TEXT NOT NULL,
  outcome TEXT NOT NULL,
  count INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  micros BLOB NOT NULL,
  PRIMARY KEY (hour, source, outcome)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_uses (
  source TEXT NOT NULL,
  key TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE sources (
  name TEXT NOT NULL PRIMARY KEY,
  config TEXT,
  enabled INTEGER NOT NULL,
  enforce TEXT,
  learns_until INTEGER,
  changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  sealed BLOB NOT NULL,       -- encrypted under a key that is not here
  fingerprint TEXT NOT NULL,
  state INTEGER NOT NULL,     -- 0 live, 1 pending
  not_before INTEGER,
  not_after INTEGER,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (source, id)
) STRICT, WITHOUT ROWID;
