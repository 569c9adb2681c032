-- {"op": "and", "rules": [{"field": "opened", "operator": "did", "value": {"times": 3, "days": 90}}, {"field": "clicked", "operator": "did_not", "value": {"campaign": "cmp_1"}}, {"field": "viewed", "operator": "did", "value": {"times": 2, "product": "gid://shopify/Product/1"}}, {"field": "added_to_cart", "operator": "did", "value": {"times": 2, "days": 30, "collection": "gid://shopify/Collection/1"}}]}
SELECT customer_facts.customer_id AS id
FROM customer_facts LEFT OUTER JOIN customers ON customers.id = customer_facts.customer_id AND customers.shop_id = 7
WHERE customer_facts.shop_id = 7 AND customer_facts.opened_at[3] >= '2026-08-23 00:00:00-04:00' AND NOT (EXISTS (SELECT *
FROM (SELECT customer_interests.customer_id AS customer_id
FROM customer_interests
WHERE customer_interests.shop_id = 7 AND customer_interests.kind = 'clicked' AND customer_interests.subject = '11' AND customer_interests.recent_at[1] IS NOT NULL) AS anon_1
WHERE anon_1.customer_id = customer_facts.customer_id)) AND (EXISTS (SELECT *
FROM (SELECT customer_interests.customer_id AS customer_id
FROM customer_interests
WHERE customer_interests.shop_id = 7 AND customer_interests.kind = 'viewed' AND customer_interests.subject = 'gid://shopify/Product/1' AND customer_interests.recent_at[2] IS NOT NULL) AS anon_2
WHERE anon_2.customer_id = customer_facts.customer_id)) AND (EXISTS (SELECT *
FROM (SELECT customer_interests.customer_id AS customer_id
FROM customer_interests
WHERE customer_interests.shop_id = 7 AND customer_interests.kind = 'added_to_cart' AND customer_interests.subject IN (SELECT collection_products.product_gid
FROM collection_products
WHERE collection_products.shop_id = 7 AND collection_products.collection_gid = 'gid://shopify/Collection/1') AND customer_interests.recent_at[1] >= '2026-10-22 00:00:00-04:00' GROUP BY customer_interests.customer_id
HAVING count(*) + (count(*) FILTER (WHERE customer_interests.recent_at[2] >= '2026-10-22 00:00:00-04:00')) >= 2) AS anon_3
WHERE anon_3.customer_id = customer_facts.customer_id))
