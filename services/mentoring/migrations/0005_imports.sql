-- Imports of sheets of past sessions, and who read them.

\ir ../../../shared/imports/tables.sql

-- Once it was read, the file is dropped: what is not kept of it may be personal data.
grant delete on import_piece to app_role;

create table import_access (
    seq bigint generated always as identity primary key,
    import_id uuid not null references import_job (id),
    office text not null,
    action text not null check (action in ('upload_import', 'read_import')),
    actor text not null,
    correlation_id uuid not null,
    happened_at timestamptz not null
);
create index import_access_of on import_access (import_id, seq);
comment on table import_access is 'Append-only: who uploaded a sheet and who read its result';

grant select, insert on import_access to app_role;

alter table import_access enable row level security, force row level security;
create policy owner_all on import_access to current_user using (true) with check (true);
create policy own_office on import_access to app_role
    using (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]))
    with check (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));
