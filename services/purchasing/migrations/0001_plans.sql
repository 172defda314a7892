-- Azure plans: those that the newest facts tell of (origin 'document'; of an older version than the customer's they count as
-- deleted), and those that were bought here (origin 'bought', facts_version 0).
-- activated_by: the transition that bought it, or made it active again last.
-- suspended_by: the transition whose compensation suspended it; such a plan is made active again rather than buying another.
CREATE TABLE plans (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    plan_id uuid NOT NULL,
    reseller text NOT NULL,
    status text NOT NULL,
    origin text NOT NULL CHECK (origin IN ('document', 'bought')),
    facts_version bigint NOT NULL,
    activated_by uuid,
    suspended_by uuid,
    changed_at bigint NOT NULL,
    PRIMARY KEY (partner_id, customer_id, plan_id)
) {sqlite: WITHOUT ROWID};

-- Never two: whatever two transitions or two workers do at once.
CREATE UNIQUE INDEX one_active_bought_plan ON plans (partner_id, customer_id, reseller) WHERE origin = 'bought' AND status = 'active';
