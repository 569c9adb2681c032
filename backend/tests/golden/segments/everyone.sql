-- {"op": "and", "rules": []}
SELECT customers.id
FROM customers JOIN customer_facts ON customer_facts.customer_id = customers.id
WHERE customers.shop_id = 7 AND true
