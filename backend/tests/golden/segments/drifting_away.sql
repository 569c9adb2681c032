-- {"op": "and", "rules": [{"field": "orders_count", "operator": "gte", "value": 2}, {"field": "last_order_at", "operator": "not_in_last_days", "value": 90}, {"field": "email_subscription", "operator": "is", "value": "subscribed"}]}
SELECT customer_facts.customer_id AS id
FROM customer_facts LEFT OUTER JOIN customers ON customers.id = customer_facts.customer_id AND customers.shop_id = 7
WHERE customer_facts.shop_id = 7 AND customer_facts.orders_count >= 2 AND (customer_facts.last_order_at >= '2026-08-23 00:00:00-04:00' AND customer_facts.last_order_at <= '2026-11-21 22:00:00+00:00') IS NOT true AND customer_facts.email_state = 'subscribed'
