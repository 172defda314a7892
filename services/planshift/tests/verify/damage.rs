//! What is done to the stored data, and under which invariants it must be found.

/// A damage.
pub struct Damage {
    pub what: &'static str,
    /// In whose database.
    pub service: &'static str,
    pub sql: &'static str,
    /// All invariants that are violated by it.
    pub found: &'static [&'static str],
}

const fn damage(what: &'static str, service: &'static str, sql: &'static str, found: &'static [&'static str]) -> Damage {
    Damage { what, service, sql, found }
}

/// Azure and commerce subscription `…0001` are a line of the completed transition, `…0002` the other.
pub const DAMAGES: &[Damage] = &[
    damage(
        "another owner",
        "mapping",
        "UPDATE ownership SET plan_id = '00000000-0000-4000-8000-000000000001'
         WHERE azure_subscription_id = 'b1beb621-3cad-4d7a-b360-62db33ce0001'
           AND (from_at, revision) = (SELECT from_at, revision FROM ownership WHERE azure_subscription_id = 'b1beb621-3cad-4d7a-b360-62db33ce0001'
                                      ORDER BY from_at DESC, revision DESC LIMIT 1)",
        &["I2"],
    ),
    damage("owners that change within an hour", "mapping", "UPDATE ownership SET from_at = from_at + 60000000", &["I2"]),
    damage("a revision that is missing", "mapping", "UPDATE ownership SET revision = revision + 100 WHERE revision = 0", &["I2"]),
    damage(
        "detached",
        "mapping",
        "UPDATE azure_subscriptions SET plan_id = NULL, attached_by = NULL WHERE azure_subscription_id = 'b1beb621-3cad-4d7a-b360-62db33ce0001'",
        &["I2", "I4"],
    ),
    damage(
        "not suspended",
        "suspension",
        "UPDATE commerce_subscriptions SET status = 'active' WHERE commerce_subscription_id = 'b1beb621-3cad-4d7a-b360-62db33ce0001'",
        &["I4"],
    ),
    damage(
        "a ledger without the mappings",
        "mapping",
        "DELETE FROM ledger WHERE item = 'b1beb621-3cad-4d7a-b360-62db33ce0001' AND state = 'done'",
        &["I3", "I12", "S6"],
    ),
    damage(
        "mapped long after it was suspended",
        "mapping",
        "UPDATE ledger SET at = at + 3600000000 WHERE item = 'b1beb621-3cad-4d7a-b360-62db33ce0001' AND state = 'done'",
        &["I3"],
    ),
    damage(
        "a line that is gone",
        "coordinator",
        "DELETE FROM lines WHERE azure_subscription_id = 'b1beb621-3cad-4d7a-b360-62db33ce0001'
            AND transition_id IN (SELECT id FROM transitions WHERE state = 'Completed')",
        &["I7", "I12", "S6"],
    ),
    damage(
        "a line that eligibility does not know",
        "eligibility",
        "DELETE FROM lines WHERE azure_subscription_id = 'b1beb621-3cad-4d7a-b360-62db33ce0001'",
        &["I12"],
    ),
    damage(
        "a second active plan",
        "purchasing",
        "DROP INDEX one_active_bought_plan;
         INSERT INTO plans SELECT partner_id, customer_id, '00000000-0000-4000-8000-000000000001', reseller, status, origin, facts_version,
             activated_by, suspended_by, changed_at FROM plans WHERE reseller = '4847383' AND origin = 'bought'",
        &["I7", "I23"],
    ),
    damage(
        "a plan bought while one was put away",
        "purchasing",
        "INSERT INTO plans SELECT partner_id, customer_id, '00000000-0000-4000-8000-000000000001', reseller, 'suspended', origin, facts_version,
             activated_by, activated_by, changed_at FROM plans WHERE reseller = '4847383' AND origin = 'bought'",
        &["I23"],
    ),
    damage(
        "usage that was given to another than its owner",
        "gateway",
        "INSERT INTO usage_records (azure_id, start_at, identity, partner_id, end_at, rated, plan_id, whole, high, low, resource, revision, import_id)
         VALUES ('b1beb621-3cad-4d7a-b360-62db33ce0001', 0, '00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002', 3600000000,
                 0, '00000000-0000-4000-8000-000000000003', 1, 0, 0, '00000000-0000-4000-8000-000000000004', 0, '00000000-0000-4000-8000-000000000005')",
        &["I20"],
    ),
    damage(
        "a change of an owner that mapping has never said",
        "gateway",
        "INSERT INTO usage_points (azure_id, from_at, revision, plan_id, transition_id)
         VALUES ('b1beb621-3cad-4d7a-b360-62db33ce0001', 0, 0, NULL, '00000000-0000-4000-8000-000000000003')",
        &["I2"],
    ),
    damage("a plan of another reseller", "purchasing", "UPDATE plans SET reseller = '1' WHERE reseller = '4847383'", &["I8"]),
    damage("a plan in use that is put away", "purchasing", "UPDATE plans SET status = 'suspended' WHERE reseller = '4847383'", &["I13"]),
    damage(
        "a role that is gone",
        "mapping",
        "UPDATE azure_subscriptions SET roles = '[]' WHERE azure_subscription_id = 'b1beb621-3cad-4d7a-b360-62db33ce0001'",
        &["I9"],
    ),
    damage(
        "two transitions of one customer that are not at an end",
        "coordinator",
        "DROP INDEX transitions_live; UPDATE transitions SET ended_at = NULL, state = 'Compensating' WHERE customer_id = 'c501c3c4-d776-40ef-9ecf-9cefb59442c1'",
        &["I10", "I14"],
    ),
    damage(
        "Compensated set by hand",
        "coordinator",
        "UPDATE transitions SET state = 'Compensated', ended_at = started_at, left_state = NULL WHERE state = 'NeedsOperator'",
        &["I12", "I14", "I16", "S1"],
    ),
    damage(
        "undone, says the coordinator, and the ledger does not",
        "mapping",
        "UPDATE ledger SET state = 'done' WHERE state = 'fenced'",
        &["S1"],
    ),
    damage("a history that was changed", "coordinator", "UPDATE history SET text = text || '.' WHERE number = 2", &["I19"]),
    damage("a history that was cut off", "coordinator", "DELETE FROM history WHERE state = 'Completed'", &["I14", "I19"]),
    damage("a customer's chain that was changed", "coordinator", "UPDATE customer_audit SET actor = 'nobody' WHERE number = 2", &["I19"]),
    damage(
        "a customer's chain that was cut off",
        "coordinator",
        "DELETE FROM customer_audit WHERE (partner_id, customer_id, number) IN (SELECT partner_id, customer_id, entries FROM customer_chains)",
        &["I19"],
    ),
    damage(
        "a customer's chain that was cut off together with its end",
        "coordinator",
        "DELETE FROM customer_audit; UPDATE customer_chains SET entries = 0",
        &["I19"],
    ),
    damage(
        "a history that its customer's chain has sealed, and that is gone with all that tells of it",
        "coordinator",
        "UPDATE transitions SET history = 0, history_hash = '' WHERE state = 'Ineligible';
         DELETE FROM history WHERE transition_id IN (SELECT id FROM transitions WHERE state = 'Ineligible')",
        &["I19"],
    ),
    damage(
        "undone after the pivot",
        "purchasing",
        "UPDATE ledger SET state = 'undone' WHERE transition_id IN (SELECT activated_by FROM plans WHERE status = 'active')",
        &["I3", "S2"],
    ),
    damage(
        "an effect of nobody's",
        "mapping",
        "INSERT INTO ledger (transition_id, step, item, state, attempt, at)
         VALUES ('00000000-0000-4000-8000-000000000001', 'mapping', 'b1beb621-3cad-4d7a-b360-62db33ce0001', 'done', 1, 1)",
        &["S6"],
    ),
];
