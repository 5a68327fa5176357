-- Read models: facts, totals, and the sets in which they live side by side (docs/decisions/0003, 0004).

create table read_model_set (
    version integer primary key check (version > 0),
    rules integer not null check (rules > 0),
    state text not null check (state in ('building', 'live', 'retired')),
    stage text not null check (stage in ('reading', 'summing', 'following')),
    summed_kind text collate "C",
    summed_id text collate "C",
    made_at timestamptz not null default clock_timestamp(),
    switched_at timestamptz,
    retired_at timestamptz,
    removed_at timestamptz
);
create unique index read_model_set_live on read_model_set (state) where state = 'live';
create unique index read_model_set_building on read_model_set (state) where state = 'building';
comment on column read_model_set.rules is 'the version of the read models (projections/): a set is fed by those rules only with which it was begun';
comment on column read_model_set.stage is 'reading: facts only; summing: stands still while totals are summed; following: facts and totals';
comment on column read_model_set.summed_id is 'with summed_kind: the last fact whose contributions stand in the totals';

create table read_model_pointer (
    one boolean primary key default true check (one),
    version integer not null references read_model_set (version)
);
insert into read_model_set (version, rules, state, stage, switched_at) values (1, 1, 'live', 'following', clock_timestamp());
insert into read_model_pointer (version) values (1);

-- Lets an applier into a set and tells it the set's stage. Whoever changes the stage holds the same lock exclusively.
-- A function, because each of its statements takes a snapshot of its own: after the wait the new stage is seen.
create function enter_set(which integer) returns text
language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(7305522, which);
    return (select s.stage from read_model_set s where s.version = which and s.state <> 'retired');
end
$$;

-- Facts: one row per aggregate, its newest state. `slice` is the partition from which it was written, and part of the key of
-- the totals that it moved; `subjects` are the canonical ids of the businesses that the state speaks of, in its order.
-- One table per kind of aggregate, for a uuid is found twice as fast as a text; json, for it is written whole and read whole.

create table fact_office (
    set_version integer not null,
    id text collate "C" not null,
    version bigint not null,
    event_id uuid not null,
    slice smallint not null,
    subjects uuid[] not null,
    state json not null,
    primary key (set_version, id)
) with (fillfactor = 90, autovacuum_analyze_scale_factor = 0.05);

create table fact_business (
    set_version integer not null,
    id uuid not null,
    version bigint not null,
    event_id uuid not null,
    slice smallint not null,
    subjects uuid[] not null,
    state json not null,
    primary key (set_version, id)
) with (fillfactor = 90, autovacuum_analyze_scale_factor = 0.05);

create table fact_consultant (
    set_version integer not null,
    id uuid not null,
    version bigint not null,
    event_id uuid not null,
    slice smallint not null,
    subjects uuid[] not null,
    state json not null,
    primary key (set_version, id)
) with (fillfactor = 90, autovacuum_analyze_scale_factor = 0.05);

create table fact_session (
    set_version integer not null,
    id uuid not null,
    version bigint not null,
    event_id uuid not null,
    slice smallint not null,
    subjects uuid[] not null,
    state json not null,
    primary key (set_version, id)
) with (fillfactor = 90, autovacuum_analyze_scale_factor = 0.05);

create table subject_alias (
    set_version integer not null,
    alias uuid not null,
    subject uuid not null,
    primary key (set_version, alias)
);
comment on table subject_alias is 'Businesses that turned out to be another one.';

-- Totals: sums of contributions(fact). A row of zeros says the same as none.

create table office_activity (
    set_version integer not null,
    office text collate "C" not null,
    grain text collate "C" not null check (grain in ('day', 'month', 'year')),
    starts date not null,
    slice smallint not null,
    registrations bigint not null,
    sessions bigint not null,
    businesses_served bigint not null,
    contact_minutes bigint not null,
    preparation_minutes bigint not null,
    travel_minutes bigint not null,
    primary key (set_version, office, grain, starts, slice)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
comment on column office_activity.starts is 'the first day, in WIB';
comment on column office_activity.businesses_served is 'known businesses of the sessions; one that came twice counts twice';

create table businesses_by_region (
    set_version integer not null,
    regency text collate "C" not null,
    home_office text collate "C" not null,
    kind text collate "C" not null,
    status text collate "C" not null,
    slice smallint not null,
    businesses bigint not null,
    primary key (set_version, regency, home_office, kind, status, slice)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
comment on column businesses_by_region.kind is 'umkm, ikm, cooperative, prospective: one business may count under several; * counts each once';

-- The second wall: the app sees the rows of its caller's offices only.

alter table fact_office enable row level security;
alter table fact_office force row level security;
create policy fact_office_owner on fact_office to current_user using (true);
create policy fact_office_worker on fact_office to worker_role using (true);
create policy fact_office_app on fact_office for select to app_role
    using (id = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));

alter table office_activity enable row level security;
alter table office_activity force row level security;
create policy office_activity_owner on office_activity to current_user using (true);
create policy office_activity_worker on office_activity to worker_role using (true);
create policy office_activity_app on office_activity for select to app_role
    using (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));

alter table businesses_by_region enable row level security;
alter table businesses_by_region force row level security;
create policy businesses_by_region_owner on businesses_by_region to current_user using (true);
create policy businesses_by_region_worker on businesses_by_region to worker_role using (true);
create policy businesses_by_region_app on businesses_by_region for select to app_role
    using (home_office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));

-- Logins of the browser: the cookie's digest only, so that a copy of this table opens nothing.
create table web_login (
    digest bytea primary key check (octet_length(digest) = 32),
    subject text not null,
    roles text[] not null,
    offices text[] not null,
    expires_at timestamptz not null
);
create index web_login_expiry on web_login (expires_at);

grant select on read_model_set, read_model_pointer, fact_office, office_activity, businesses_by_region to app_role;
grant select, insert, delete on web_login to app_role;
grant select, insert, update on read_model_set to worker_role;
grant select, update on read_model_pointer to worker_role;
grant select, insert, update, delete on fact_office, fact_business, fact_consultant, fact_session, subject_alias to worker_role;
grant select, insert, update, delete on office_activity, businesses_by_region to worker_role;
