-- {"op": "and", "rules": [{"field": "email", "operator": "contains", "value": "@Example.com"}, {"field": "first_name", "operator": "starts_with", "value": "An"}, {"field": "last_name", "operator": "is_set"}, {"field": "locale", "operator": "not_set"}, {"field": "country", "operator": "is_not", "value": "DE"}, {"field": "tags", "operator": "has_not", "value": "vip"}]}
SELECT customers.id
FROM customers JOIN customer_facts ON customer_facts.customer_id = customers.id
WHERE customers.shop_id = 7 AND strpos(lower(customers.email), lower('@Example.com')) > 0 AND starts_with(lower(customers.first_name), lower('An')) AND customers.last_name != '' AND (customers.locale != '') IS NOT true AND lower(customers.country) IS DISTINCT FROM lower('DE') AND (customers.tags @> ARRAY['vip']) IS NOT true
