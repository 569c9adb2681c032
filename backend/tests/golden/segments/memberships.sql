-- {"op": "and", "rules": [{"field": "segment", "operator": "not_member", "value": "seg_1"}, {"field": "shopify_segment", "operator": "member", "value": "gid://shopify/Segment/1"}, {"field": "list", "operator": "not_member", "value": "lst_1"}, {"field": "list", "operator": "member", "value": "lst_removed"}]}
SELECT customer_facts.customer_id AS id
FROM customer_facts LEFT OUTER JOIN customers ON customers.id = customer_facts.customer_id AND customers.shop_id = 7
WHERE customer_facts.shop_id = 7 AND (customer_facts.total_spent_minor > 50000) IS NOT true AND (customer_facts.average_order_minor BETWEEN 2500 AND 10000) IS NOT true AND (customer_facts.rfm_frequency IS DISTINCT FROM 1) IS NOT true AND (EXISTS (SELECT *
FROM (SELECT shopify_segment_members.customer_id AS customer_id
FROM shopify_segment_members
WHERE shopify_segment_members.shop_id = 7 AND shopify_segment_members.segment_id = 3) AS anon_1
WHERE anon_1.customer_id = customer_facts.customer_id)) AND NOT (EXISTS (SELECT *
FROM (SELECT customer_list_members.customer_id AS customer_id
FROM customer_list_members
WHERE customer_list_members.shop_id = 7 AND customer_list_members.list_id = 5) AS anon_2
WHERE anon_2.customer_id = customer_facts.customer_id)) AND (EXISTS (SELECT *
FROM (SELECT customer_list_members.customer_id AS customer_id
FROM customer_list_members
WHERE customer_list_members.shop_id = 7 AND customer_list_members.list_id = 0) AS anon_3
WHERE anon_3.customer_id = customer_facts.customer_id))
