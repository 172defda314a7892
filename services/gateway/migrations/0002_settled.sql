-- A move of a transition rewrites its row, and no index: none speaks of a column that changes before it has settled.
ALTER TABLE transitions ADD COLUMN settled text; -- its state, once nothing more happens to it by itself
UPDATE transitions SET settled = state WHERE state IN ('Completed', 'Ineligible', 'Compensated', 'NeedsOperator');
DROP INDEX transitions_by_state;
CREATE INDEX transitions_under_way ON transitions (started_at, id) WHERE settled IS NULL;
CREATE INDEX transitions_settled ON transitions (settled, started_at, id) WHERE settled IS NOT NULL;
{postgres: ALTER TABLE transitions SET (fillfactor = 60);}

-- who has a customer is asked at each start: answered from the index, in the order of the answer
DROP INDEX customers_by_id;
CREATE INDEX customers_by_id ON customers (customer_id, partner_id);
