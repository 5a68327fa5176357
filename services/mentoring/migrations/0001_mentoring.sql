-- Copies of offices and businesses as the registry tells them, consultants, and the sessions that they complete.

create table office_replica (
    code text primary key check (code ~ '^\d{2}\.\d{2}$'),
    name text not null,
    opened_on date not null,
    version bigint not null check (version > 0),
    event_id uuid not null
);

create table business_replica (
    id uuid primary key,
    version bigint not null default 0 check (version >= 0),
    event_id uuid,
    trade_name text,
    kinds text[] not null default '{}',
    kelurahan text,
    home_office text,
    status text,
    closed_on date,
    check ((version = 0) = (event_id is null)),
    check ((version = 0) = (status is null))
);
comment on table business_replica is
    'Version 0 is a placeholder: a session named the business before its event came. It has a session waiting for it.';

create table consultant (
    id uuid primary key,
    seq bigint generated always as identity unique,
    office text not null,
    staff text not null,
    name text not null,
    fields text[] not null check (cardinality(fields) > 0),
    active_from date not null,
    active_until date check (active_until >= active_from),
    revision bigint not null default 1 check (revision > 0),
    version bigint not null default 1 check (version > 0),
    unique (office, staff)
);
create index consultant_page on consultant (office, seq);
comment on column consultant.seq is 'The order of pages, no more';

create table session (
    id uuid primary key,
    seq bigint generated always as identity unique,
    office text not null,
    day date not null,
    start time,
    contact_minutes smallint not null check (contact_minutes >= 1),
    preparation_minutes smallint not null check (preparation_minutes >= 0),
    travel_minutes smallint not null check (travel_minutes >= 0),
    field text not null,
    service text not null,
    channel text not null,
    state text not null check (state in ('scheduled', 'completed', 'confirmed', 'contested', 'cancelled', 'no_show')),
    confirmable_version integer not null default 1 check (confirmable_version > 0),
    imported boolean not null default false,
    provisional boolean not null,
    revision bigint not null default 1 check (revision > 0),
    version bigint not null default 1 check (version > 0),
    recorded_by text not null,
    recorded_at timestamptz not null,
    check (contact_minutes + preparation_minutes + travel_minutes <= 1440)
);
create index session_page on session (office, seq);
create index session_unresolved on session (office, seq) where provisional;
comment on column session.provisional is 'A business of it is not known yet';

create table session_consultant (
    session uuid not null references session (id),
    consultant uuid not null references consultant (id),
    office text not null,
    day date not null,
    place smallint not null,
    primary key (session, consultant)
);
create index session_consultant_calendar on session_consultant (consultant, day);
comment on column session_consultant.day is 'The session''s day again: a calendar is read by consultant and day';

create table session_business (
    session uuid not null references session (id),
    business uuid not null,
    office text not null,
    place smallint not null,
    known boolean not null,
    kinds text[] not null,
    kelurahan text,
    home_office text,
    attested boolean not null default false,
    primary key (session, business),
    check (known = (home_office is not null))
);
create index session_business_waiting on session_business (business) where not known;
comment on table session_business is 'A business as it was known when the session met it; the replica goes on, this stays.';

do $$
declare
    guarded text;
begin
    foreach guarded in array array['consultant', 'session', 'session_consultant', 'session_business'] loop
        execute format('alter table %I enable row level security', guarded);
        execute format('alter table %I force row level security', guarded);
        execute format('create policy owner on %I to current_user using (true) with check (true)', guarded);
        execute format('create policy worker on %I to worker_role using (true) with check (true)', guarded);
        execute format(
            'create policy office on %I to app_role using (office = any ((select '
            'string_to_array(nullif(current_setting(''app.offices'', true), ''''), '',''))::text[]))', guarded);
    end loop;
end
$$;

-- A row lock asks for the right to update one column; `id` is never given another value.
grant select on office_replica to app_role;
grant select, insert (id), update (id) on business_replica to app_role;
grant select, insert, update (revision) on consultant to app_role;
grant select, insert on session, session_consultant, session_business to app_role;

grant select, insert, update, delete on office_replica, business_replica to worker_role;
grant select, update (provisional, revision, version) on session to worker_role;
grant select, update (known, kinds, kelurahan, home_office) on session_business to worker_role;
grant select on session_consultant to worker_role;
