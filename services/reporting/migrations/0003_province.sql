-- The read models of the whole province (docs/decisions/0014). Their rules are version 2: a set that was begun with
-- older rules goes on holding facts, and its totals are built by `plut rebuild reporting`.

drop table office_activity;
drop table businesses_by_region;

-- A set that has read nothing yet has nothing to rebuild.
update read_model_set s set rules = 2
where not exists (select from consumer_offset o where o.consumer_group = 'reporting-set-' || s.version and o.next_offset > 0);

-- Where and when a fact is listed, so that the facts behind a figure are found without looking into documents.

alter table fact_consultant add column office text collate "C";
update fact_consultant set office = state ->> 'office';
alter table fact_consultant alter column office set not null;

alter table fact_session
    add column office text collate "C",
    add column day date;
update fact_session set office = state ->> 'office', day = (state ->> 'day')::date;
alter table fact_session
    alter column office set not null,
    alter column day set not null;
create index fact_session_listed on fact_session (set_version, office, day, id);
comment on column fact_session.day is 'the business day, in WIB';

alter table fact_business
    add column office text collate "C",
    add column day date,
    add column home_office text collate "C",
    add column kelurahan text collate "C";
update fact_business
set office = coalesce(state ->> 'registered_by', state ->> 'home_office'), day = (state ->> 'registered_on')::date,
    home_office = state ->> 'home_office', kelurahan = state ->> 'kelurahan';
alter table fact_business
    alter column office set not null,
    alter column day set not null,
    alter column home_office set not null,
    alter column kelurahan set not null;
create index fact_business_listed on fact_business (set_version, office, day, id);
create index fact_business_placed on fact_business (set_version, home_office, kelurahan, id);
comment on column fact_business.office is 'the office that registered it; a move changes home_office only';
comment on column fact_business.day is 'the business day of its registration, in WIB';

-- Totals: sums of contributions(fact), over slices. A row of zeros says the same as none. A slice is the writer's own: it
-- may hold anything, also less than nothing, and only the sum over slices says something.

create table office_activity (
    set_version integer not null,
    office text collate "C" not null,
    grain text collate "C" not null check (grain in ('day', 'month', 'year')),
    starts date not null,
    slice smallint not null,
    registrations bigint not null,
    scheduled bigint not null,
    sessions bigint not null,
    confirmed bigint not null,
    contested bigint not null,
    imported bigint not null,
    cancelled bigint not null,
    no_show bigint not null,
    visits bigint not null,
    contact_minutes bigint not null,
    preparation_minutes bigint not null,
    travel_minutes bigint not null,
    confirmed_contact_minutes bigint not null,
    confirmed_preparation_minutes bigint not null,
    confirmed_travel_minutes bigint not null,
    primary key (set_version, office, grain, starts, slice)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
comment on column office_activity.starts is 'the first day, in WIB';
comment on column office_activity.sessions is 'held: completed, confirmed or contested; an imported one once it is accepted';
comment on column office_activity.visits is 'known businesses of the sessions held; one that came twice counts twice';

create table sessions_by_service (
    set_version integer not null,
    office text collate "C" not null,
    grain text collate "C" not null check (grain in ('day', 'month', 'year')),
    starts date not null,
    field text collate "C" not null,
    service text collate "C" not null,
    channel text collate "C" not null,
    slice smallint not null,
    sessions bigint not null,
    confirmed bigint not null,
    contact_minutes bigint not null,
    preparation_minutes bigint not null,
    travel_minutes bigint not null,
    confirmed_contact_minutes bigint not null,
    primary key (set_version, office, grain, starts, field, service, channel, slice)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

create table consultant_load (
    set_version integer not null,
    office text collate "C" not null,
    consultant uuid not null,
    month date not null,
    slice smallint not null,
    sessions bigint not null,
    confirmed bigint not null,
    contested bigint not null,
    contact_minutes bigint not null,
    preparation_minutes bigint not null,
    travel_minutes bigint not null,
    primary key (set_version, office, consultant, month, slice)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
create index consultant_load_month on consultant_load (set_version, office, month, consultant);

create table businesses_by_region (
    set_version integer not null,
    level text collate "C" not null check (level in ('regency', 'district', 'village')),
    region text collate "C" not null,
    home_office text collate "C" not null,
    kind text collate "C" not null,
    status text collate "C" not null,
    slice smallint not null,
    businesses bigint not null,
    primary key (set_version, level, region, home_office, kind, status, slice)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
comment on column businesses_by_region.region is 'Kemendagri code of that level';
comment on column businesses_by_region.kind is 'umkm, ikm, cooperative, prospective: one business may count under several; * counts each once';

create table businesses_over_time (
    set_version integer not null,
    regency text collate "C" not null,
    home_office text collate "C" not null,
    kind text collate "C" not null,
    month date not null,
    slice smallint not null,
    registered bigint not null,
    closed bigint not null,
    primary key (set_version, regency, home_office, kind, month, slice)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- What depends on several facts: a business's visits in the whole province. The row is locked, then all is derived from it.

create table served_business (
    set_version integer not null,
    subject uuid not null,
    visits json not null,
    offices text[] collate "C" not null,
    primary key (set_version, subject)
) with (fillfactor = 70, autovacuum_analyze_scale_factor = 0.05);
comment on column served_business.visits is '[session, office, day, contact minutes, 1 if this business attested it], by day and session; held sessions only';
comment on column served_business.offices is 'those that held the sessions';

create table businesses_served (
    set_version integer not null,
    office text collate "C" not null,
    grain text collate "C" not null check (grain in ('day', 'month', 'quarter', 'year', 'all')),
    starts date not null,
    slice smallint not null,
    served bigint not null,
    attested bigint not null,
    newly_served bigint not null,
    intensive bigint not null,
    primary key (set_version, office, grain, starts, slice)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
comment on table businesses_served is 'Each business once per office and period; * is the province';

create table intensive_business (
    set_version integer not null,
    office text collate "C" not null,
    year smallint not null,
    subject uuid not null,
    contact_minutes integer not null,
    primary key (set_version, office, year, subject)
) with (fillfactor = 80);
create index intensive_business_subject on intensive_business (set_version, subject);
comment on table intensive_business is 'Businesses with at least 300 contact minutes in a year, summed across offices: under * and under each office that served it then.';

-- Returns the visits of these subjects, each row locked until the transaction ends. `whom` comes sorted: one order for all.
-- A function, because each of its statements takes a snapshot of its own: what another applier committed meanwhile is seen.
create function lock_served(which integer, whom uuid[])
returns table (subject uuid, visits json)
language plpgsql as $$
#variable_conflict use_column
begin
    insert into served_business (set_version, subject, visits, offices)
    select which, one, '[]', '{}' from unnest(whom) as one
    on conflict do nothing;
    return query
    select b.subject, b.visits from served_business b
    where b.set_version = which and b.subject = any (whom)
    order by b.subject
    for update;
end
$$;

-- The latest activity: what happened in the last weeks, each event once.

create table happening (
    set_version integer not null,
    event_id uuid not null,
    type text not null,
    kind text not null,
    aggregate_id text not null,
    version bigint not null,
    office text collate "C" not null,
    occurred_at timestamptz not null,
    primary key (set_version, event_id)
);
create index happening_latest on happening (set_version, office, occurred_at desc, event_id desc);
create index happening_old on happening (occurred_at);

-- Facts behind figures, in pages by office, day and id. Functions, for facts are written by COPY, which row-level security
-- does not go with: each lets through what the caller's scope holds, and nothing else.

create function scope_offices() returns text[]
language sql stable as $$
    select string_to_array(nullif(current_setting('app.offices', true), ''), ',')
$$;

create function sessions_listed(
    which integer, whom text, first date, last date, after_day date, after_id uuid, most integer
) returns table (id uuid, version bigint, event_id uuid, slice smallint, subjects uuid[], state json)
language sql stable security definer set search_path = service_schema, pg_temp as $$
    select f.id, f.version, f.event_id, f.slice, f.subjects, f.state
    from fact_session f
    where f.set_version = which and f.office = whom and whom = any (scope_offices())
      and f.day between first and last and (f.day, f.id) > (after_day, after_id)
    order by f.day, f.id
    limit most
$$;

create function businesses_listed(
    which integer, whom text, first date, last date, after_day date, after_id uuid, most integer
) returns table (id uuid, version bigint, event_id uuid, slice smallint, subjects uuid[], state json)
language sql stable security definer set search_path = service_schema, pg_temp as $$
    select f.id, f.version, f.event_id, f.slice, f.subjects, f.state
    from fact_business f
    where f.set_version = which and f.office = whom and whom = any (scope_offices())
      and f.day between first and last and (f.day, f.id) > (after_day, after_id)
    order by f.day, f.id
    limit most
$$;
comment on function businesses_listed is 'by the office that registered them, and the day';

create function businesses_placed(
    which integer, whom text, first_kelurahan text, last_kelurahan text, after_kelurahan text, after_id uuid, most integer
) returns table (id uuid, version bigint, event_id uuid, slice smallint, subjects uuid[], state json)
language sql stable security definer set search_path = service_schema, pg_temp as $$
    select f.id, f.version, f.event_id, f.slice, f.subjects, f.state
    from fact_business f
    where f.set_version = which and f.home_office = whom and whom = any (scope_offices())
      and f.kelurahan between first_kelurahan and last_kelurahan and (f.kelurahan, f.id) > (after_kelurahan, after_id)
    order by f.kelurahan, f.id
    limit most
$$;
comment on function businesses_placed is 'those of one home office, by kelurahan';

-- The states of some businesses, as anybody of the scope may know them who served them or is their home.
create function businesses_named(which integer, whom uuid[])
returns table (id uuid, version bigint, event_id uuid, slice smallint, subjects uuid[], state json)
language sql stable security definer set search_path = service_schema, pg_temp as $$
    select f.id, f.version, f.event_id, f.slice, f.subjects, f.state
    from fact_business f
    where f.set_version = which and f.id = any (whom) and (
        f.home_office = any (scope_offices()) or exists (
            select from served_business b
            where b.set_version = which and b.subject = f.id and b.offices && scope_offices()
        )
    )
$$;

revoke all on function sessions_listed, businesses_listed, businesses_placed, businesses_named from public;
grant execute on function sessions_listed, businesses_listed, businesses_placed, businesses_named to app_role;

-- The second wall. `*` stands in app.offices for those who see the province as a whole.

alter table office_activity enable row level security;
alter table office_activity force row level security;
create policy office_activity_owner on office_activity to current_user using (true);
create policy office_activity_worker on office_activity to worker_role using (true);
create policy office_activity_app on office_activity for select to app_role
    using (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));

alter table sessions_by_service enable row level security;
alter table sessions_by_service force row level security;
create policy sessions_by_service_owner on sessions_by_service to current_user using (true);
create policy sessions_by_service_worker on sessions_by_service to worker_role using (true);
create policy sessions_by_service_app on sessions_by_service for select to app_role
    using (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));

alter table consultant_load enable row level security;
alter table consultant_load force row level security;
create policy consultant_load_owner on consultant_load to current_user using (true);
create policy consultant_load_worker on consultant_load to worker_role using (true);
create policy consultant_load_app on consultant_load for select to app_role
    using (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));

alter table businesses_by_region enable row level security;
alter table businesses_by_region force row level security;
create policy businesses_by_region_owner on businesses_by_region to current_user using (true);
create policy businesses_by_region_worker on businesses_by_region to worker_role using (true);
create policy businesses_by_region_app on businesses_by_region for select to app_role
    using (home_office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));

alter table businesses_over_time enable row level security;
alter table businesses_over_time force row level security;
create policy businesses_over_time_owner on businesses_over_time to current_user using (true);
create policy businesses_over_time_worker on businesses_over_time to worker_role using (true);
create policy businesses_over_time_app on businesses_over_time for select to app_role
    using (home_office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));

alter table served_business enable row level security;
alter table served_business force row level security;
create policy served_business_owner on served_business to current_user using (true);
create policy served_business_worker on served_business to worker_role using (true);
create policy served_business_app on served_business for select to app_role
    using (offices && (select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]);

alter table businesses_served enable row level security;
alter table businesses_served force row level security;
create policy businesses_served_owner on businesses_served to current_user using (true);
create policy businesses_served_worker on businesses_served to worker_role using (true);
create policy businesses_served_app on businesses_served for select to app_role
    using (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));

alter table intensive_business enable row level security;
alter table intensive_business force row level security;
create policy intensive_business_owner on intensive_business to current_user using (true);
create policy intensive_business_worker on intensive_business to worker_role using (true);
create policy intensive_business_app on intensive_business for select to app_role
    using (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));

alter table happening enable row level security;
alter table happening force row level security;
create policy happening_owner on happening to current_user using (true);
create policy happening_worker on happening to worker_role using (true);
create policy happening_app on happening for select to app_role
    using (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));

grant select on office_activity, sessions_by_service, consultant_load, businesses_by_region,
    businesses_over_time, served_business, businesses_served, intensive_business, happening to app_role;
grant select, insert, update, delete on office_activity, sessions_by_service, consultant_load, businesses_by_region,
    businesses_over_time, served_business, businesses_served, intensive_business, happening to worker_role;
