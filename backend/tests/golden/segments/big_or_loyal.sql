-- {"op": "or", "rules": [{"field": "total_spent", "operator": "gt", "value": "500.00"}, {"field": "average_order", "operator": "between", "value": [2500, 10000]}, {"field": "rfm_frequency", "operator": "neq", "value": 1}]}
SELECT customer_facts.customer_id AS id
FROM customer_facts LEFT OUTER JOIN customers ON customers.id = customer_facts.customer_id AND customers.shop_id = 7
WHERE customer_facts.shop_id = 7 AND (customer_facts.total_spent_minor > 50000 OR customer_facts.average_order_minor BETWEEN 2500 AND 10000 OR customer_facts.rfm_frequency IS DISTINCT FROM 1)
