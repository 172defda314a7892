-- What was done to batches is listed among the audit's records, newest first.
CREATE INDEX batch_acts_by_time ON batch_acts (at, batch_id, version);
