-- Who wrote an object last and in which transaction, and a trash from which deleted objects can be restored. Why polls
-- go by transactions: docs/decisions/0007-polling-by-snapshot.md.

-- `created_by`, `updated_by`: {id, name, organisation}, as the events name the actor; null where nobody wrote it down.
-- `transaction`: of the last write. 0, which no transaction has: written before there were cursors that could ask.
alter table records.objects
  add column created_by jsonb,
  add column updated_by jsonb,
  add column transaction xid8 not null default '0';
create index objects_by_transaction on records.objects (schema_id, transaction);

-- The last image, by which rules decide who is told of the delete and who may restore it. It is emptied in time
-- (records.empty_trash): `properties` is null then, and nothing of what people wrote is left.
alter table records.tombstones
  add column owner text,
  add column properties jsonb,
  add column created timestamptz,
  add column updated timestamptz,
  add column created_by jsonb,
  add column updated_by jsonb,
  add column deleted_by jsonb,
  add column restorable boolean not null default false,
  add column transaction xid8 not null default '0',
  add constraint tombstone_image_whole
    check (properties is null or (created is not null and updated is not null)),
  add constraint tombstone_restorable_image check (properties is not null or not restorable);
-- One per schema and organisation in which the uuid was used: those who could see it there are told of the delete,
-- whatever becomes of the uuid elsewhere. A transfer to another organisation is a delete, too.
alter table records.tombstones drop constraint tombstones_pkey;
create unique index tombstones_place on records.tombstones (uuid, schema_id, organisation) nulls not distinct;
create index tombstones_by_transaction on records.tombstones (schema_id, transaction);
create index tombstones_full on records.tombstones (deleted_at) where properties is not null;

create or replace function records.before_object_write() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  grave records.tombstones;
  living boolean;
begin
  new.transaction := pg_current_xact_id();
  new.updated_by := outbox.provenance() -> 'actor';
  if tg_op = 'INSERT' then
    -- The lock makes the deletion of a schema wait for inserts under way, and inserts wait for the deletion.
    select not s.removed into living from records.schemas s where s.id = new.schema_id for key share;
    if living is distinct from true then
      raise exception 'the schema % does not exist', new.schema_id
        using errcode = 'foreign_key_violation', constraint = 'object_schema_exists';
    end if;
    select * into grave from records.tombstones t where t.uuid = new.uuid order by t.version desc limit 1;
    new.version := coalesce(grave.version, 0) + 1;
    new.updated := records.tick(grave.deleted_at);
    -- Only a restored object comes with the time of its creation; for any other, it is now.
    if grave.restorable and grave.schema_id = new.schema_id and grave.created = new.created then
      new.created_by := grave.created_by;
    else
      new.created := new.updated;
      new.created_by := new.updated_by;
    end if;
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
  new.created_by := old.created_by;
  new.updated := records.tick(old.updated);
  return new;
end
$$;

create or replace function records.after_object_write() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  current records.objects := case when tg_op = 'DELETE' then old else new end;
  action text := case tg_op when 'INSERT' then 'created' when 'UPDATE' then 'updated' else 'deleted' end;
  version bigint := current.version;
  provenance jsonb := outbox.provenance();
  place record;
begin
  select r.slug as register_slug, s.slug as schema_slug into strict place
    from records.schemas s join records.registers r on r.id = s.register_id where s.id = current.schema_id;
  if tg_op = 'INSERT' then
    -- An insert that waited for a concurrent delete of the same uuid took its version from an older tombstone.
    if exists (select from records.tombstones t where t.uuid = new.uuid and t.version >= new.version) then
      raise exception 'the object was deleted meanwhile' using errcode = 'serialization_failure';
    end if;
    -- It lives again: there is nothing to restore. The image stays, whoever polls may not have heard of the delete.
    update records.tombstones t set restorable = false where t.uuid = new.uuid and t.restorable;
  elsif tg_op = 'DELETE' then
    -- A delete is a write and has a version of its own.
    version := old.version + 1;
    insert into records.tombstones as t
      (uuid, register_id, schema_id, register_slug, schema_slug, organisation, version, deleted_at, owner, properties,
       created, updated, created_by, updated_by, deleted_by, restorable, transaction)
    values (old.uuid, old.register_id, old.schema_id, place.register_slug, place.schema_slug, old.organisation,
            version, records.tick(old.updated), old.owner, old.properties, old.created, old.updated, old.created_by,
            old.updated_by, provenance -> 'actor',
            coalesce(current_setting('tidewire.permanent', true), '') <> 'on', pg_current_xact_id())
    on conflict (uuid, schema_id, organisation) do update set
      register_id = excluded.register_id, register_slug = excluded.register_slug,
      schema_slug = excluded.schema_slug, version = excluded.version, deleted_at = excluded.deleted_at, owner = excluded.owner, properties = excluded.properties,
      created = excluded.created, updated = excluded.updated, created_by = excluded.created_by,
      updated_by = excluded.updated_by, deleted_by = excluded.deleted_by, restorable = excluded.restorable,
      transaction = excluded.transaction;
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
    ) || provenance,
    case when tg_op <> 'INSERT' then records.image(old, place.register_slug, place.schema_slug) end,
    case when tg_op <> 'DELETE' then records.image(new, place.register_slug, place.schema_slug) end
  );
  return null;
end
$$;

-- What a deleted object was, as a row of records.objects; null when the trash does not hold it any more.
create function records.buried(t records.tombstones) returns records.objects
language sql immutable
return case when t.properties is not null then
  row(t.uuid, t.register_id, t.schema_id, t.organisation, t.owner, t.properties, t.version - 1, t.created, t.updated,
      t.created_by, t.updated_by, t.transaction)::records.objects
end;

-- Brings a deleted object back as it was: its version goes on, its creation stays. Null when it is not in the trash,
-- or not with the version that the caller decided by.
create function records.restore(target uuid, home uuid, expected bigint) returns records.objects
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  grave records.tombstones;
  restored records.objects;
begin
  -- Locked, so that of two who restore the same object the second finds it restored.
  select * into grave from records.tombstones t
    where t.uuid = restore.target and t.schema_id = restore.home and t.version = restore.expected and t.restorable
    for update;
  if not found then return null; end if;
  insert into records.objects (uuid, register_id, schema_id, organisation, owner, properties, created)
  values (grave.uuid, grave.register_id, grave.schema_id, grave.organisation, grave.owner, grave.properties,
          grave.created)
  returning * into restored;
  return restored;
end
$$;

-- Empties what has been in the trash for longer than `retention`, at most so many. Returns how many it were.
create function records.empty_trash(retention interval, most integer) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  emptied bigint;
begin
  with old as (
    select t.uuid, t.version from records.tombstones t
    where t.properties is not null and t.deleted_at < clock_timestamp() - empty_trash.retention
    order by t.deleted_at limit empty_trash.most for update skip locked
  )
  update records.tombstones t
    set properties = null, owner = null, created_by = null, updated_by = null, deleted_by = null, restorable = false
    from old where (t.uuid, t.version) = (old.uuid, old.version);
  get diagnostics emptied = row_count;
  return emptied;
end
$$;

revoke all on function records.buried(records.tombstones), records.restore(uuid, uuid, bigint),
  records.empty_trash(interval, integer) from public;
grant execute on function records.buried(records.tombstones), records.restore(uuid, uuid, bigint),
  records.empty_trash(interval, integer) to tidewire_records;
