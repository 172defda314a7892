-- Operators sort the customers of all partners by any column, too: each order has an index of its own that does not begin with the partner.
CREATE INDEX all_customers_by_standing ON customers (standing, customer_id, partner_id);
CREATE INDEX all_customers_by_azure ON customers (azure_subscriptions, customer_id, partner_id);
CREATE INDEX all_customers_by_reseller ON customers (first_reseller, customer_id, partner_id);
CREATE INDEX all_customers_by_country ON customers (country, customer_id, partner_id);
CREATE INDEX all_customers_by_blockers ON customers (blockers, customer_id, partner_id);

-- A customer that has moved and was tried again stands for both: it has moved, unless nothing was left, and the rest was refused or undone.
UPDATE customers SET standing = CASE
    WHEN standing = 'Ineligible' AND EXISTS (
        SELECT 1 FROM packets AS k
        WHERE k.transition_id = (SELECT t.id FROM transitions AS t
                                 WHERE t.customer_id = customers.customer_id AND t.partner_id = customers.partner_id
                                 ORDER BY t.started_at DESC, t.id DESC LIMIT 1)
          AND k.step = 'eligibility' AND k.action = 'do' AND k.packet = 0
          AND (k.body LIKE '%"code":"UpgradeAlreadyCompleted"%' OR k.body LIKE '%"code":"NoAzureSubscriptions"%')) THEN 'Completed'
    ELSE 'Completed+' || standing END
WHERE standing IN ('Ineligible', 'Compensated') AND EXISTS (
    SELECT 1 FROM transitions AS t
    WHERE t.customer_id = customers.customer_id AND t.partner_id = customers.partner_id AND t.state = 'Completed');
