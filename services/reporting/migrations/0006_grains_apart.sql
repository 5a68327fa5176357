-- Sessions by service of months and years lie together, apart from those of days (docs/decisions/0024).
--
-- Days are nine rows of ten and grow without end. Among them the rows of a month stood one to a page: a question about a
-- month read thousands of pages, and the more there had happened, the less often they were still in memory.

alter table sessions_by_service rename to sessions_together;
alter index sessions_by_service_pkey rename to sessions_together_pkey;

create table sessions_by_service (
    set_version integer not null,
    office text collate "C" not null,
    grain text collate "C" not null,
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
) partition by list (grain);

create table sessions_by_service_day partition of sessions_by_service for values in ('day')
    with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
create table sessions_by_service_month partition of sessions_by_service for values in ('month')
    with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
create table sessions_by_service_year partition of sessions_by_service for values in ('year')
    with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

insert into sessions_by_service
select set_version, office, grain, starts, field, service, channel, slice, sessions, confirmed, contact_minutes,
    preparation_minutes, travel_minutes, confirmed_contact_minutes
from sessions_together
order by set_version, office, grain, starts;

drop table sessions_together;

-- The second wall. Nobody is let at the parts by themselves.
alter table sessions_by_service enable row level security;
alter table sessions_by_service force row level security;
create policy sessions_by_service_owner on sessions_by_service to current_user using (true);
create policy sessions_by_service_worker on sessions_by_service to worker_role using (true);
create policy sessions_by_service_app on sessions_by_service for select to app_role
    using (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));

grant select on sessions_by_service to app_role;
grant select, insert, update, delete on sessions_by_service to worker_role;
