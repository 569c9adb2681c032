-- {"op": "not", "rule": {"op": "and", "rules": [{"field": "tags", "operator": "has", "value": "wholesale"}, {"op": "not", "rule": {"field": "city", "operator": "is", "value": "Berlin"}}]}}
SELECT customers.id
FROM customers JOIN customer_facts ON customer_facts.customer_id = customers.id
WHERE customers.shop_id = 7 AND ((customers.tags @> ARRAY['wholesale']) IS NOT true OR lower(customers.city) = lower('Berlin'))
