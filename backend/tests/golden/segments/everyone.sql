-- {"op": "and", "rules": []}
SELECT customer_facts.customer_id AS id
FROM customer_facts LEFT OUTER JOIN customers ON customers.id = customer_facts.customer_id AND customers.shop_id = 7
WHERE customer_facts.shop_id = 7 AND true
