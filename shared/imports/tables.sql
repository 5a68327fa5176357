-- Imports of sheets: the job, its file and its rows, which are personal data and sealed under a key of the job.
-- A service that takes sheets includes this in a migration of its own.

create table import_job (
    id uuid primary key,
    office text not null,
    dry_run boolean not null,
    uploaded_by text not null,
    roles text[] not null,
    offices text[] not null,
    correlation_id uuid not null,
    size int not null check (size > 0),
    state text not null check (state in ('waiting', 'reading', 'working', 'done', 'cancelled', 'failed')),
    cancel_requested boolean not null default false,
    failure_message text,
    failure_cure text,
    found_sealed bytea,
    rows int not null default 0 check (rows >= 0),
    created int not null default 0 check (created >= 0),
    unchanged int not null default 0 check (unchanged >= 0),
    matched int not null default 0 check (matched >= 0),
    possible_duplicate int not null default 0 check (possible_duplicate >= 0),
    rejected int not null default 0 check (rejected >= 0),
    skipped int not null default 0 check (skipped >= 0),
    lease uuid,
    leased_until timestamptz,
    tries int not null default 0 check (tries >= 0),
    uploaded_at timestamptz not null,
    started_at timestamptz,
    ended_at timestamptz,
    forgotten_at timestamptz,
    check ((state in ('done', 'cancelled', 'failed')) = (ended_at is not null)),
    check ((state = 'failed') = (failure_message is not null) and (failure_message is null) = (failure_cure is null)),
    check (state in ('reading', 'failed')
           or rows >= created + unchanged + matched + possible_duplicate + rejected + skipped),
    check (state not in ('done', 'cancelled')
           or rows = created + unchanged + matched + possible_duplicate + rejected + skipped)
) with (fillfactor = 60);
create index import_job_page on import_job (office, uploaded_at desc, id desc);
create index import_job_open on import_job (office, uploaded_at) where ended_at is null;
create index import_job_kept on import_job (ended_at) where forgotten_at is null;
comment on column import_job.found_sealed is 'labels and columns as they were found; a sheet without a header may have a person''s row there';
comment on column import_job.roles is 'of the uploader with his offices, as his token said: every row is a command in his name';
comment on column import_job.lease is 'who works on it until leased_until; whoever writes without it has lost it';

create table import_key (
    import_id uuid primary key references import_job (id),
    office text not null,
    version int not null check (version > 0),
    kek text not null,
    sealed bytea not null
);
comment on table import_key is 'The key that seals file and rows, wrapped by a key of the installation; deleted, they are gone, in backups too';

create table import_piece (
    import_id uuid not null references import_job (id),
    office text not null,
    place int not null check (place >= 0),
    content bytea not null,
    primary key (import_id, place)
);
alter table import_piece alter content set storage external;
comment on table import_piece is 'The uploaded file, sealed piece by piece';

create table import_row (
    import_id uuid not null references import_job (id),
    office text not null,
    number int not null check (number > 0),
    content bytea not null,
    fingerprint bytea check (octet_length(fingerprint) = 32),
    status text check (
        status in ('created', 'unchanged', 'matched', 'possible_duplicate', 'rejected', 'skipped')
    ),
    subject uuid,
    remarks json,
    primary key (import_id, number),
    check ((status is null) = (remarks is null)),
    check (fingerprint is not null or status = 'skipped')
) with (fillfactor = 70);
create index import_row_same on import_row (import_id, fingerprint);
comment on column import_row.remarks is 'reasons and cures; never what a cell of a personal field holds';

create table import_seen (
    office text not null,
    fingerprint bytea not null check (octet_length(fingerprint) = 32),
    subject uuid not null,
    import_id uuid not null,
    number int not null,
    primary key (office, fingerprint)
);
comment on table import_seen is 'Rows that created something: the same row creates nothing a second time. HMACs under a key of this column';

create table import_mapping (
    office text primary key,
    fields json not null,
    changed_by text not null,
    changed_at timestamptz not null
);
comment on table import_mapping is 'Labels of an office''s sheets and the fields that they stand for';

-- Takes the next job that nobody works on, of whatever office: one job of an office at a time, the interrupted ones first.
create function claim_import(wanted uuid, instant timestamptz, until timestamptz) returns setof import_job
language plpgsql security definer set search_path = service_schema, pg_temp as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('service_schema.claim_import', 0));
    return query
        update import_job j
        set lease = wanted, leased_until = until, tries = j.tries + 1, started_at = coalesce(j.started_at, instant),
            state = case j.state when 'waiting' then 'reading' else j.state end
        where j.id = (
            select c.id from import_job c
            where c.ended_at is null and (c.leased_until is null or c.leased_until < instant)
              and not exists (
                  select from import_job o
                  where o.office = c.office and o.ended_at is null and o.id <> c.id and o.leased_until >= instant)
            order by c.state = 'waiting', c.uploaded_at, c.id limit 1
        )
        returning j.*;
end
$$;

-- Forgets files and rows of imports that ended before this; the counts stay. Some at a time; tells how many.
create function forget_imports(ended_before timestamptz, instant timestamptz, most int) returns int
language plpgsql security definer set search_path = service_schema, pg_temp as $$
declare
    old uuid[] := array(
        select id from import_job where forgotten_at is null and ended_at < ended_before order by ended_at limit most for update skip locked
    );
begin
    delete from import_key where import_id = any (old);
    delete from import_piece where import_id = any (old);
    delete from import_row where import_id = any (old);
    update import_job set forgotten_at = instant, found_sealed = null where id = any (old);
    return cardinality(old);
end
$$;

revoke all on function claim_import, forget_imports from public;
grant execute on function claim_import, forget_imports to app_role;

grant select, insert, update on import_job to app_role;
grant select, insert on import_key to app_role;
grant select, insert on import_piece to app_role;
grant select, insert, delete, update (status, subject, remarks) on import_row to app_role;
grant select, insert, update on import_seen to app_role;
grant select, insert, update on import_mapping to app_role;

do $$
declare
    guarded text;
begin
    foreach guarded in array array['import_job', 'import_key', 'import_piece', 'import_row', 'import_seen', 'import_mapping'] loop
        execute format('alter table %I enable row level security, force row level security', guarded);
        execute format('create policy owner_all on %I to current_user using (true) with check (true)', guarded);
        execute format(
            'create policy own_office on %I to app_role using (office = any ((select '
            'string_to_array(nullif(current_setting(''app.offices'', true), ''''), '',''))::text[])) with check (office = any ((select '
            'string_to_array(nullif(current_setting(''app.offices'', true), ''''), '',''))::text[]))', guarded);
    end loop;
end
$$;
