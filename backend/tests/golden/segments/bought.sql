-- {"op": "or", "rules": [{"field": "ordered", "operator": "did", "value": {"days": 30}}, {"field": "ordered", "operator": "did", "value": {"times": 5}}, {"field": "ordered", "operator": "did", "value": {"times": 2, "days": 365}}, {"field": "ordered", "operator": "did_not", "value": {"days": 90, "product": "gid://shopify/Product/1"}}, {"field": "ordered", "operator": "did", "value": {"times": 2, "collection": "gid://shopify/Collection/1"}}]}
SELECT customer_facts.customer_id AS id
FROM customer_facts LEFT OUTER JOIN customers ON customers.id = customer_facts.customer_id AND customers.shop_id = 7
WHERE customer_facts.shop_id = 7 AND (customer_facts.last_order_at >= '2026-10-22 00:00:00-04:00' OR customer_facts.orders_count >= 5 OR customer_facts.ordered_at[2] >= '2025-11-21 00:00:00-05:00' OR NOT (EXISTS (SELECT *
FROM (SELECT orders.customer_id AS customer_id
FROM orders
WHERE orders.shop_id = 7 AND orders.cancelled_at IS NULL AND orders.test IS false AND orders.customer_id IS NOT NULL AND orders.placed_at >= '2026-08-23 00:00:00-04:00' AND orders.id IN (SELECT order_lines.order_id
FROM order_lines
WHERE order_lines.shop_id = 7 AND order_lines.product_gid = 'gid://shopify/Product/1')) AS anon_1
WHERE anon_1.customer_id = customer_facts.customer_id)) OR (EXISTS (SELECT *
FROM (SELECT orders.customer_id AS customer_id
FROM orders
WHERE orders.shop_id = 7 AND orders.cancelled_at IS NULL AND orders.test IS false AND orders.customer_id IS NOT NULL AND orders.id IN (SELECT order_lines.order_id
FROM order_lines
WHERE order_lines.shop_id = 7 AND order_lines.product_gid IN (SELECT collection_products.product_gid
FROM collection_products
WHERE collection_products.shop_id = 7 AND collection_products.collection_gid = 'gid://shopify/Collection/1')) GROUP BY orders.customer_id
HAVING count(*) >= 2) AS anon_2
WHERE anon_2.customer_id = customer_facts.customer_id)))
