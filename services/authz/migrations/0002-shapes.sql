-- Rules and scopes written by plain SQL have to be as well-formed as those that come through the API: a reader of the
-- log that cannot parse a policy would have to deny everything that it governs.

CREATE FUNCTION authz.is_operand(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE jsonb_typeof(value)
    WHEN 'object' THEN false
    WHEN 'array' THEN NOT EXISTS (
      SELECT FROM jsonb_array_elements(value) AS item
      WHERE jsonb_typeof(item) NOT IN ('string', 'number', 'boolean'))
    ELSE true
  END
$$;

CREATE FUNCTION authz.is_match(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_typeof(value) = 'object' AND NOT EXISTS (
    SELECT FROM jsonb_each(CASE jsonb_typeof(value) WHEN 'object' THEN value ELSE '{}' END) AS field
    WHERE NOT CASE jsonb_typeof(field.value)
      WHEN 'object' THEN NOT EXISTS (
        SELECT FROM jsonb_each(field.value) AS operator
        WHERE left(operator.key, 1) <> '$' OR NOT authz.is_operand(operator.value))
      ELSE authz.is_operand(field.value)
    END)
$$;

CREATE FUNCTION authz.is_group(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_typeof(value) = 'string' AND authz.wire_length(value #>> '{}') BETWEEN 1 AND 128
$$;

CREATE FUNCTION authz.are_rules(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE jsonb_typeof(value) WHEN 'array' THEN
    jsonb_array_length(value) <= 64 AND NOT EXISTS (
      SELECT FROM jsonb_array_elements(value) AS rule
      WHERE NOT CASE jsonb_typeof(rule)
        WHEN 'object' THEN
          coalesce(authz.is_group(rule -> 'group'), false)
          AND (NOT rule ? 'match' OR authz.is_match(rule -> 'match'))
        ELSE authz.is_group(rule)
      END)
  ELSE false END
$$;

CREATE FUNCTION authz.are_role_groups(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_typeof(value) = 'object' AND NOT EXISTS (
    SELECT FROM jsonb_each(CASE jsonb_typeof(value) WHEN 'object' THEN value ELSE '{}' END) AS role
    WHERE NOT CASE jsonb_typeof(role.value) WHEN 'array' THEN
      jsonb_array_length(role.value) <= 64
      AND NOT EXISTS (SELECT FROM jsonb_array_elements(role.value) AS name WHERE NOT authz.is_group(name))
    ELSE false END)
$$;

-- Rules by action, `allowed` being the actions; with `roles` where those may be granted.
CREATE FUNCTION authz.are_rules_by_action(value jsonb, allowed text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_typeof(value) = 'object' AND NOT EXISTS (
    SELECT FROM jsonb_each(CASE jsonb_typeof(value) WHEN 'object' THEN value ELSE '{}' END) AS entry
    WHERE NOT (
      entry.key = ANY (allowed)
      AND CASE entry.key WHEN 'roles' THEN authz.are_role_groups(entry.value) ELSE authz.are_rules(entry.value) END))
$$;

CREATE FUNCTION authz.are_property_rules(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_typeof(value) = 'object' AND NOT EXISTS (
    SELECT FROM jsonb_each(CASE jsonb_typeof(value) WHEN 'object' THEN value ELSE '{}' END) AS property
    WHERE property.key = 'id' OR left(property.key, 1) = '_' OR property.key = ''
      OR NOT authz.are_rules_by_action(property.value, ARRAY['read', 'update']))
$$;

CREATE FUNCTION authz.are_actions(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE jsonb_typeof(value) WHEN 'array' THEN
    value <@ '["read", "create", "update", "delete", "list"]'
  ELSE false END
$$;

CREATE FUNCTION authz.are_roles(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE jsonb_typeof(value) WHEN 'array' THEN
    jsonb_array_length(value) <= 64 AND NOT EXISTS (
      SELECT FROM jsonb_array_elements(value) AS role
      WHERE NOT coalesce(authz.is_group(role -> 'name') AND authz.are_actions(role -> 'actions'), false))
  ELSE false END
$$;

CREATE FUNCTION authz.are_scopes(value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_typeof(value) = 'object'
    AND (NOT value ? 'actions' OR authz.are_actions(value -> 'actions'))
    AND CASE WHEN NOT value ? 'topics' THEN true
      WHEN jsonb_typeof(value -> 'topics') <> 'array' THEN false
      ELSE jsonb_array_length(value -> 'topics') <= 100 AND NOT EXISTS (
        SELECT FROM jsonb_array_elements(value -> 'topics') AS topic WHERE jsonb_typeof(topic) <> 'string')
    END
$$;

-- `__proto__` is refused outright: parsers drop such a member, and a rule that loses a condition grants more.
ALTER TABLE authz.policies
  ADD CONSTRAINT policy_rules CHECK (
    authorization_rules IS NULL
    OR authz.are_rules_by_action(authorization_rules, ARRAY['read', 'create', 'update', 'delete', 'list', 'roles'])),
  ADD CONSTRAINT policy_property_rules CHECK (authz.are_property_rules(property_rules)),
  ADD CONSTRAINT policy_roles CHECK (authz.are_roles(roles)),
  ADD CONSTRAINT policy_names CHECK (
    position('"__proto__"' IN coalesce(authorization_rules::text, '') || property_rules::text || roles::text) = 0),
  -- A page of policies and every message that holds one stay far below what the bus carries.
  ADD CONSTRAINT policy_size CHECK (
    octet_length(coalesce(authorization_rules::text, '') || property_rules::text || roles::text) <= 131072);
ALTER TABLE authz.credentials ADD CONSTRAINT credential_scopes CHECK (scopes IS NULL OR authz.are_scopes(scopes));
