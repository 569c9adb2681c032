"""Customers are found by the beginnings of words, from an index that the app's role may use."""

from alembic import op

revision = "0015"
down_revision = "0014"

# A word carries its shop, so that a search reads no entry of another's. Names are cut: a lexeme has 2 kB at most.
WORDS = r"""
CREATE FUNCTION customer_words(shop_id bigint, first_name text, last_name text, email text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT array_to_tsvector(string_to_array(
    shop_id::text || ':' || replace(lower(translate(
      left(coalesce(first_name, ''), 200) || ' ' || left(coalesce(last_name, ''), 200) || ' '
        || left(coalesce(email, ''), 320), '@._+-''', '      ')), ' ', ' ' || shop_id::text || ':'), ' '))
$$
"""

# The tenant comes from the session and not from the caller. Of words that are common the newest rows fill the page; the
# index is read for all that match, which is cheap for words that are rare.
FIND = r"""
CREATE FUNCTION find_customers(words text[], before_id bigint, most integer) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  shop bigint := NULLIF(current_setting('storecast.shop_id', true), '')::bigint;
  reach integer := 200;
  patterns text[];
  wanted tsquery;
  found bigint[];
BEGIN
  SELECT array_agg('% ' || replace(replace(lower(word), '\', '\\'), '%', '\%') || '%')
    INTO patterns FROM unnest(words) AS word;
  LOOP
    SELECT array_agg(id) INTO found FROM (
      SELECT id FROM (
        SELECT id, first_name, last_name, email FROM customers
         WHERE shop_id = shop AND id < before_id ORDER BY id DESC LIMIT reach
      ) AS newest
       WHERE ' ' || lower(translate(concat_ws(' ', first_name, last_name, email), '@._+-''', '      ')) || ' '
             LIKE ALL (patterns)
       LIMIT most
    ) AS near;
    IF cardinality(found) = most THEN
      RETURN found;
    END IF;
    EXIT WHEN reach > 200 OR coalesce(cardinality(found), 0) * 20 < most;
    reach := 10000;
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
    op.execute(WORDS)
    op.execute(FIND)
    op.execute("REVOKE EXECUTE ON FUNCTION find_customers FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION find_customers TO storecast_app")
    op.execute(
        "CREATE INDEX ix_customers_words ON customers USING gin "
        "(customer_words(shop_id, first_name, last_name, email))"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_customers_words")
    op.execute("DROP FUNCTION find_customers")
    op.execute("DROP FUNCTION customer_words")
