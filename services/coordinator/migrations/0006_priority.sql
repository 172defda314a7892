-- Who waits for it: nobody does for one in the background, and it begins only where no interactive one waits.
ALTER TABLE transitions ADD COLUMN background boolean NOT NULL DEFAULT false;
-- The row of a batch that it is of, and which attempt at that row.
ALTER TABLE transitions ADD COLUMN batch_id uuid;
ALTER TABLE transitions ADD COLUMN batch_row bigint;
ALTER TABLE transitions ADD COLUMN batch_attempt bigint;
-- The request of the interactive start that found it in line in the background, and moved it up: the same again is answered the same.
ALTER TABLE transitions ADD COLUMN moved_up_by uuid;
CREATE UNIQUE INDEX transitions_moved_up ON transitions (partner_id, moved_up_by) WHERE moved_up_by IS NOT NULL;

-- The lines: of each partner one for either priority, the oldest first.
DROP INDEX transitions_waiting;
CREATE INDEX transitions_waiting ON transitions (background, partner_id, started_at, id) WHERE waiting;
