-- Leases that ran out: of each an attempt may have been made that nobody reported.

ALTER TABLE deliveries ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
