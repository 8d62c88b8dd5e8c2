-- The schema `records`: registers, schemas and objects. Runs as the owner, after the migrations of relay and authz.
-- Every rule that must hold for plain SQL too is here, in triggers and constraints, and not in the service.

create schema if not exists records;

-- How long the slug of a deleted register or schema stays reserved. At least the window of the log: otherwise events
-- of the old one could be replayed to subscribers of a new one of the same name.
create table records.settings (
  only_row boolean primary key default true check (only_row),
  slug_reserved_for interval not null default '24 hours'
);
insert into records.settings default values;

create table records.registers (
  id uuid primary key,
  slug text not null,
  title text not null default '',
  description text not null default '',
  version bigint not null default 1,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  removed boolean not null default false,
  removed_at timestamptz,
  constraint register_slug_shape check (slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  constraint register_title_length check (char_length(title) <= 200),
  constraint register_description_length check (char_length(description) <= 2000)
);
create unique index registers_slug on records.registers (slug) where not removed;
create index registers_removed_slug on records.registers (slug, removed_at) where removed;

-- `properties` holds JSON Schema by property name, without rules: authz is the only owner of rules.
create table records.schemas (
  id uuid primary key,
  register_id uuid not null references records.registers (id),
  slug text not null,
  table_slug text not null,
  title text not null default '',
  description text not null default '',
  properties jsonb not null default '{}',
  required text[] not null default '{}',
  version bigint not null default 1,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  removed boolean not null default false,
  removed_at timestamptz,
  unique (id, register_id),
  constraint schema_slug_shape check (slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  constraint schema_table_shape check (table_slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  constraint schema_title_length check (char_length(title) <= 200),
  constraint schema_description_length check (char_length(description) <= 2000),
  constraint schema_properties_object check (jsonb_typeof(properties) = 'object'),
  constraint schema_properties_size check (octet_length(properties::text) <= 262144),
  constraint schema_property_names check (
    not properties ? 'id' and not jsonb_path_exists(properties, '$.keyvalue() ? (@.key starts with "_")')
  ),
  constraint schema_required_count check (cardinality(required) <= 200)
);
create unique index schemas_slug on records.schemas (register_id, slug) where not removed;
create unique index schemas_table on records.schemas (table_slug) where not removed;
create index schemas_removed_slug on records.schemas (register_id, slug, removed_at) where removed;
create index schemas_removed_table on records.schemas (table_slug, removed_at) where removed;

create table records.objects (
  uuid uuid primary key,
  register_id uuid not null,
  schema_id uuid not null,
  organisation uuid,
  owner text,
  properties jsonb not null default '{}',
  version bigint not null default 1,
  created timestamptz not null default clock_timestamp(),
  updated timestamptz not null default clock_timestamp(),
  foreign key (schema_id, register_id) references records.schemas (id, register_id),
  constraint object_owner_length check (char_length(owner) <= 200),
  constraint object_properties_object check (jsonb_typeof(properties) = 'object'),
  -- The log holds the image before and after a change; NATS' max_payload is set to fit two of this size.
  constraint object_properties_size check (octet_length(properties::text) <= 262144),
  constraint object_properties_depth check (not jsonb_path_exists(properties, 'strict $.**{33 to last}')),
  -- Beyond 2^53 - 1 a JavaScript reader sees another number than PostgreSQL compares: a rule could be met here and
  -- not there.
  constraint object_numbers_safe check (
    not jsonb_path_exists(
      properties,
      'strict $.** ? (@.type() == "number" && (@ > 9007199254740991 || @ < -9007199254740991))'
    )
  ),
  constraint object_property_names check (
    not properties ? 'id' and not jsonb_path_exists(properties, '$.keyvalue() ? (@.key starts with "_")')
  )
);
create index objects_by_created on records.objects (schema_id, created, uuid);
create index objects_by_updated on records.objects (schema_id, updated, uuid);
-- Every search reads the whole list of pending entries first: kept short, at some cost for writers.
create index objects_by_property on records.objects using gin (properties jsonb_path_ops)
  with (gin_pending_list_limit = 1024);

-- What is left of a deleted object: its version goes on from here when the uuid is used again, so that a version
-- never means two things.
create table records.tombstones (
  uuid uuid primary key,
  register_id uuid not null,
  schema_id uuid not null,
  register_slug text not null,
  schema_slug text not null,
  organisation uuid,
  version bigint not null,
  deleted_at timestamptz not null
);
create index tombstones_by_schema on records.tombstones (schema_id, deleted_at, uuid);

-- The clock of the wire: whole milliseconds. Two writes in one millisecond must differ, so it steps past `previous`.
create function records.tick(previous timestamptz) returns timestamptz
language sql volatile
return greatest(date_trunc('milliseconds', clock_timestamp()), previous + interval '1 millisecond');

create function records.format_timestamp(moment timestamptz) returns text
language sql stable
return to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- An object's state as the log carries it: properties at top level, system members beside them.
create function records.image(o records.objects, register_slug text, schema_slug text) returns jsonb
language sql stable
return o.properties || jsonb_build_object(
  '_uuid', o.uuid, '_register', register_slug, '_schema', schema_slug, '_organisation', o.organisation,
  '_owner', o.owner, '_version', o.version, '_created', records.format_timestamp(o.created),
  '_updated', records.format_timestamp(o.updated)
);

create function records.before_object_write() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  grave records.tombstones;
  living boolean;
begin
  if tg_op = 'INSERT' then
    -- The lock makes the deletion of a schema wait for inserts under way, and inserts wait for the deletion.
    select not s.removed into living from records.schemas s where s.id = new.schema_id for key share;
    if living is distinct from true then
      raise exception 'the schema % does not exist', new.schema_id
        using errcode = 'foreign_key_violation', constraint = 'object_schema_exists';
    end if;
    select * into grave from records.tombstones t where t.uuid = new.uuid;
    new.version := coalesce(grave.version, 0) + 1;
    new.updated := records.tick(grave.deleted_at);
    new.created := new.updated;
    return new;
  end if;
  if (new.uuid, new.register_id, new.schema_id, new.organisation)
     is distinct from (old.uuid, old.register_id, old.schema_id, old.organisation) then
    -- A move would change the object's subject under its subscribers: they would never be told.
    raise exception 'an object does not move: delete it and create it where it belongs, in one transaction'
      using errcode = 'check_violation', constraint = 'object_immutable_place';
  end if;
  new.version := old.version + 1;
  new.created := old.created;
  new.updated := records.tick(old.updated);
  return new;
end
$$;

create function records.after_object_write() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  current records.objects := case when tg_op = 'DELETE' then old else new end;
  action text := case tg_op when 'INSERT' then 'created' when 'UPDATE' then 'updated' else 'deleted' end;
  version bigint := current.version;
  place record;
begin
  select r.slug as register_slug, s.slug as schema_slug into strict place
    from records.schemas s join records.registers r on r.id = s.register_id where s.id = current.schema_id;
  if tg_op = 'INSERT' then
    -- An insert that waited for a concurrent delete of the same uuid took its version from an older tombstone.
    if exists (select from records.tombstones t where t.uuid = new.uuid and t.version >= new.version) then
      raise exception 'the object was deleted meanwhile' using errcode = 'serialization_failure';
    end if;
  elsif tg_op = 'DELETE' then
    -- A delete is a write and has a version of its own.
    version := old.version + 1;
    insert into records.tombstones as t
      (uuid, register_id, schema_id, register_slug, schema_slug, organisation, version, deleted_at)
    values (old.uuid, old.register_id, old.schema_id, place.register_slug, place.schema_slug, old.organisation,
            version, records.tick(old.updated))
    on conflict (uuid) do update set
      register_id = excluded.register_id, schema_id = excluded.schema_id,
      register_slug = excluded.register_slug, schema_slug = excluded.schema_slug,
      organisation = excluded.organisation, version = excluded.version, deleted_at = excluded.deleted_at;
  end if;
  perform outbox.enqueue(
    format('events.%s.%s.%s.%s.%s', coalesce(current.organisation::text, 'none'), place.register_slug,
           place.schema_slug, current.uuid, action),
    current.uuid::text,
    jsonb_build_object(
      'kind', 'object', 'action', action, 'uuid', current.uuid,
      'register', jsonb_build_object('id', current.register_id, 'slug', place.register_slug),
      'schema', jsonb_build_object('id', current.schema_id, 'slug', place.schema_slug),
      'organisation', current.organisation, 'version', version
    ) || outbox.provenance(),
    case when tg_op <> 'INSERT' then records.image(old, place.register_slug, place.schema_slug) end,
    case when tg_op <> 'DELETE' then records.image(new, place.register_slug, place.schema_slug) end
  );
  return null;
end
$$;

create function records.refuse_reserved(label text, until timestamptz, rule text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if until > clock_timestamp() then
    raise exception 'the slug "%" was used until recently and is reserved', label
      using errcode = 'unique_violation', constraint = rule,
            detail = format('reserved until %s', records.format_timestamp(until));
  end if;
end
$$;

-- Registers and schemas change in the same way; the parts that differ are in the two functions after this one.
create function records.before_catalogue_update() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if old.removed then
    raise exception 'it was deleted' using errcode = 'check_violation', constraint = 'catalogue_removed';
  end if;
  if (new.id, new.slug) is distinct from (old.id, old.slug) then
    raise exception 'slugs and ids never change' using errcode = 'check_violation', constraint = 'catalogue_immutable';
  end if;
  new.version := old.version + 1;
  new.created := old.created;
  new.updated := records.tick(old.updated);
  new.removed_at := case when new.removed then new.updated end;
  return new;
end
$$;

create function records.before_register_update() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if new.removed then
    update records.schemas s set removed = true where s.register_id = old.id and not s.removed;
  end if;
  return new;
end
$$;

create function records.before_schema_update() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if (new.register_id, new.table_slug) is distinct from (old.register_id, old.table_slug) then
    raise exception 'a schema does not move and its table keeps its slug'
      using errcode = 'check_violation', constraint = 'catalogue_immutable';
  end if;
  if new.removed then
    -- Stronger than the lock that this update holds: it waits for the inserts that look at the schema just now.
    perform from records.schemas s where s.id = old.id for update;
    delete from records.objects o where o.schema_id = old.id;
  end if;
  return new;
end
$$;

create function records.before_catalogue_insert() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  new.version := 1;
  new.updated := records.tick(null);
  new.created := new.updated;
  new.removed := false;
  new.removed_at := null;
  return new;
end
$$;

create function records.before_schema_insert() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  living boolean;
begin
  select not r.removed into living from records.registers r where r.id = new.register_id for share;
  if living is distinct from true then
    raise exception 'the register % does not exist', new.register_id
      using errcode = 'foreign_key_violation', constraint = 'schema_register_exists';
  end if;
  return new;
end
$$;

create function records.after_register_write() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    -- After the insert, because it may have waited for the deletion of the slug's last holder.
    perform records.refuse_reserved(new.slug, max(r.removed_at) + max(c.slug_reserved_for), 'slug_reserved')
      from records.registers r, records.settings c where r.removed and r.slug = new.slug;
  end if;
  perform outbox.enqueue(
    format('catalogue.register.%s', new.id), new.id::text,
    jsonb_build_object('kind', 'rights', 'state', records.register_state(new)) || outbox.provenance(), null, null);
  return null;
end
$$;

create function records.after_schema_write() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    perform records.refuse_reserved(new.slug, max(s.removed_at) + max(c.slug_reserved_for), 'slug_reserved')
      from records.schemas s, records.settings c
      where s.removed and s.register_id = new.register_id and s.slug = new.slug;
    perform records.refuse_reserved(new.table_slug, max(s.removed_at) + max(c.slug_reserved_for), 'table_reserved')
      from records.schemas s, records.settings c where s.removed and s.table_slug = new.table_slug;
  end if;
  perform outbox.enqueue(
    format('catalogue.schema.%s', new.id), new.id::text,
    jsonb_build_object('kind', 'rights', 'state', records.schema_state(new)) || outbox.provenance(), null, null);
  return null;
end
$$;

-- The state of a register as the log and `catalogue.v1.state` carry it.
create function records.register_state(r records.registers) returns jsonb
language sql stable
return jsonb_build_object('kind', 'register', 'id', r.id, 'slug', r.slug, 'title', r.title,
  'description', r.description, 'version', r.version, 'removed', r.removed);

create function records.schema_state(s records.schemas) returns jsonb
language sql stable
return jsonb_build_object('kind', 'schema', 'id', s.id, 'slug', s.slug, 'register', s.register_id,
  'table', s.table_slug, 'title', s.title, 'description', s.description, 'properties', s.properties,
  'required', to_jsonb(s.required), 'version', s.version, 'removed', s.removed);

-- RFC 7396: members of the patch replace those of the target, null removes, objects are merged into objects.
create function records.merge_patch(target jsonb, patch jsonb) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  result jsonb := case when jsonb_typeof(target) = 'object' then target else '{}' end;
  member record;
begin
  if jsonb_typeof(patch) <> 'object' then return patch; end if;
  for member in select * from jsonb_each(patch) loop
    if member.value = 'null' then
      result := result - member.key;
    else
      result := result || jsonb_build_object(member.key, records.merge_patch(result -> member.key, member.value));
    end if;
  end loop;
  return result;
end
$$;

create function records.refuse_statement() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception '% of %.% is refused: %', tg_op, tg_table_schema, tg_table_name, tg_argv[0]
    using errcode = 'feature_not_supported';
end
$$;

-- Names sort into the order in which triggers of one kind fire.
create trigger a_place before insert or update on records.objects
  for each row execute function records.before_object_write();
create trigger z_event after insert or update or delete on records.objects
  for each row execute function records.after_object_write();
create trigger a_version before insert on records.registers
  for each row execute function records.before_catalogue_insert();
create trigger b_version before update on records.registers
  for each row execute function records.before_catalogue_update();
create trigger c_contents before update on records.registers
  for each row execute function records.before_register_update();
create trigger z_event after insert or update on records.registers
  for each row execute function records.after_register_write();
create trigger a_version before insert on records.schemas
  for each row execute function records.before_catalogue_insert();
create trigger b_place before insert on records.schemas
  for each row execute function records.before_schema_insert();
create trigger b_version before update on records.schemas
  for each row execute function records.before_catalogue_update();
create trigger c_contents before update on records.schemas
  for each row execute function records.before_schema_update();
create trigger z_event after insert or update on records.schemas
  for each row execute function records.after_schema_write();
create trigger refuse_delete before delete on records.registers
  for each statement execute function records.refuse_statement('set removed = true instead, its slug stays reserved');
create trigger refuse_delete before delete on records.schemas
  for each statement execute function records.refuse_statement('set removed = true instead, its slug stays reserved');
create trigger refuse_truncate before truncate on records.objects
  for each statement execute function records.refuse_statement('it would make no events, use DELETE');
create trigger refuse_truncate before truncate on records.registers
  for each statement execute function records.refuse_statement('it would make no events');
create trigger refuse_truncate before truncate on records.schemas
  for each statement execute function records.refuse_statement('it would make no events');
create trigger refuse_truncate before truncate on records.tombstones
  for each statement execute function records.refuse_statement('versions would begin again');

-- Also under session_replication_role = replica: a restore or a logical apply must not write past the log.
do $$
declare
  t record;
begin
  for t in select c.relname, g.tgname from pg_trigger g join pg_class c on c.oid = g.tgrelid
            join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'records' and not g.tgisinternal loop
    execute format('alter table records.%I enable always trigger %I', t.relname, t.tgname);
  end loop;
end
$$;

revoke all on all functions in schema records from public;
revoke all on schema records from public;
grant usage on schema records to tidewire_records;
grant select on records.registers, records.schemas, records.objects, records.tombstones, records.settings
  to tidewire_records;
grant insert (id, slug, title, description), update (title, description, removed)
  on records.registers to tidewire_records;
grant insert (id, register_id, slug, table_slug, title, description, properties, required),
  update (title, description, properties, required, removed) on records.schemas to tidewire_records;
grant insert (uuid, register_id, schema_id, organisation, owner, properties), update (properties, owner), delete
  on records.objects to tidewire_records;
grant execute on function records.register_state(records.registers), records.schema_state(records.schemas),
  records.format_timestamp(timestamptz), records.image(records.objects, text, text),
  records.merge_patch(jsonb, jsonb) to tidewire_records;
