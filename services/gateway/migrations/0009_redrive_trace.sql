-- The request that ordered a redrive, as W3C trace context: what is sent again is linked to it.
ALTER TABLE redrives ADD COLUMN traceparent text NOT NULL DEFAULT '';
