-- The states of registers and schemas tell when they were made: names that are derived from slugs (GraphQL's) go to the
-- oldest of those that would share one.

create or replace function records.register_state(r records.registers) returns jsonb
language sql stable
return jsonb_build_object('kind', 'register', 'id', r.id, 'slug', r.slug, 'title', r.title,
  'description', r.description, 'version', r.version, 'created', records.format_timestamp(r.created),
  'removed', r.removed);

create or replace function records.schema_state(s records.schemas) returns jsonb
language sql stable
return jsonb_build_object('kind', 'schema', 'id', s.id, 'slug', s.slug, 'register', s.register_id,
  'table', s.table_slug, 'title', s.title, 'description', s.description, 'properties', s.properties,
  'required', to_jsonb(s.required), 'version', s.version, 'created', records.format_timestamp(s.created),
  'removed', s.removed);
