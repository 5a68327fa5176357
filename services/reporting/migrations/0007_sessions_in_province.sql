-- Sessions by service of the whole province, month by month and year by year (docs/decisions/0027). The rules are version
-- 3: a set that was begun with older ones is read office by office, until `plut rebuild reporting` has built the next.

create table sessions_in_province (
    set_version integer not null,
    office text collate "C" not null check (office = '*'),
    grain text collate "C" not null check (grain in ('month', 'year')),
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
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- The second wall. `*` stands in app.offices for those who see the province as a whole.
alter table sessions_in_province enable row level security;
alter table sessions_in_province force row level security;
create policy sessions_in_province_owner on sessions_in_province to current_user using (true);
create policy sessions_in_province_worker on sessions_in_province to worker_role using (true);
create policy sessions_in_province_app on sessions_in_province for select to app_role
    using (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));

grant select on sessions_in_province to app_role;
grant select, insert, update, delete on sessions_in_province to worker_role;

-- A set that has read nothing yet has nothing to rebuild.
update read_model_set s set rules = 3
where not exists (select from consumer_offset o where o.consumer_group = 'reporting-set-' || s.version and o.next_offset > 0);
