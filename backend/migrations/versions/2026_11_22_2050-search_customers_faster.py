"""A search of customers looks at a row's text as it is before it takes the text apart."""

from alembic import op

revision = "0026"
down_revision = "0025"

# As before, but what is walked is sifted by a looser pattern first: of 2.7 µs a row `translate` takes 2.3, and few rows
# come so far. What was walked in vain is not walked again.
FIND = r"""
CREATE OR REPLACE FUNCTION find_customers(words text[], before_id bigint, most integer) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  shop bigint := NULLIF(current_setting('storecast.shop_id', true), '')::bigint;
  walked integer := 0;
  reach integer := 200;
  patterns text[];
  looser text[];
  wanted tsquery;
  near bigint[];
  found bigint[] := '{}';
BEGIN
  -- In the looser ones any character stands for what ends a word, and a word may begin anywhere.
  SELECT array_agg('% ' || escaped || '%'), array_agg('%' || replace(btrim(escaped), ' ', '_') || '%')
    INTO patterns, looser
    FROM (SELECT replace(replace(lower(word), '\', '\\'), '%', '\%') AS escaped FROM unnest(words) AS word) AS each;
  LOOP
    SELECT array_agg(id) INTO near FROM (
      SELECT id FROM (
        SELECT id, first_name, last_name, email FROM customers
         WHERE shop_id = shop AND id < before_id ORDER BY id DESC OFFSET walked LIMIT reach
      ) AS newest
       WHERE lower(concat_ws(' ', first_name, last_name, email)) LIKE ALL (looser)
         AND ' ' || lower(translate(concat_ws(' ', first_name, last_name, email), '@._+-''', '      ')) || ' '
             LIKE ALL (patterns)
       LIMIT most - cardinality(found)
    ) AS page;
    found := found || coalesce(near, '{}');
    IF cardinality(found) = most THEN
      RETURN found;
    END IF;
    EXIT WHEN walked > 0 OR cardinality(found) * 20 < most;
    walked := reach;
    reach := 9800;
  END LOOP;
  -- Of `ana@shop.example` the index is asked for `ana` alone: a domain that all share costs more than it saves.
  SELECT string_agg('''' || shop || ':' || replace(split_part(ltrim(lower(word)), ' ', 1), '\', '\\') || ''''
           || CASE WHEN ltrim(word) LIKE '% %' THEN '' ELSE ':*' END, ' & ')::tsquery
    INTO wanted FROM unnest(words) AS word;
  WITH hits AS MATERIALIZED (
    SELECT id, first_name, last_name, email FROM customers
     WHERE customer_words(shop_id, first_name, last_name, email) @@ wanted
       AND shop_id = shop AND id < before_id
     ORDER BY id DESC
  )
  SELECT array_agg(id) INTO found FROM (
    SELECT id FROM hits
     WHERE ' ' || lower(translate(concat_ws(' ', first_name, last_name, email), '@._+-''', '      ')) || ' '
           LIKE ALL (patterns)
     LIMIT most
  ) AS page;
  RETURN coalesce(found, '{}');
END
$$
"""


def upgrade() -> None:
    op.execute(FIND)


def downgrade() -> None:
    """The one before finds the same, more slowly: nothing that is older minds this one."""
