-- The hash of the plan that a start is to keep to, where it carried one: eligibility compares it at the check.
ALTER TABLE transitions ADD COLUMN plan_hash text;
