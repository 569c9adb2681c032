-- {"op": "not", "rule": {"op": "and", "rules": [{"field": "tags", "operator": "has", "value": "wholesale"}, {"op": "not", "rule": {"field": "city", "operator": "is", "value": "Berlin"}}]}}
SELECT customer_facts.customer_id AS id
FROM customer_facts LEFT OUTER JOIN customers ON customers.id = customer_facts.customer_id AND customers.shop_id = 7
WHERE customer_facts.shop_id = 7 AND ((customer_facts.tags @> ARRAY['wholesale']) IS NOT true OR customer_facts.city_folded = lower('Berlin'))
