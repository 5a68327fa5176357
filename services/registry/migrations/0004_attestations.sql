-- Conversations with clients: was the session held as it was recorded? One per session, business and confirmable version.

create table attested_session (
    session uuid primary key,
    version bigint not null check (version > 0),
    event_id uuid not null
);
comment on table attested_session is 'How far each session is known here; its row lock orders what the consumers do about one session';

create table attestation (
    id uuid primary key,
    session uuid not null,
    business uuid not null,
    confirmable_version int not null check (confirmable_version > 0),
    office text not null,
    trade_name text not null,
    day date not null,
    start time,
    contact_minutes int not null,
    field text not null,
    service text not null,
    channel text not null,
    recorded_by text not null,
    state text not null check (state in ('waiting', 'unreachable', 'attested', 'disputed', 'voided')),
    token_digest bytea unique check (octet_length(token_digest) = 32),
    code_digest bytea check (octet_length(code_digest) = 32),
    tries_left smallint not null check (tries_left between 0 and 5),
    opened_at timestamptz not null,
    expires_at timestamptz not null,
    version bigint not null default 0 check (version >= 0),
    method text check (method in ('code', 'link', 'paper')),
    settled_at timestamptz,
    paper_note text,
    unique (session, business, confirmable_version),
    check ((token_digest is null) = (code_digest is null)),
    check ((state in ('attested', 'disputed')) = (method is not null) and (method is null) = (settled_at is null)),
    check (state not in ('attested', 'disputed') or version > 0)
) with (fillfactor = 80);
create index attestation_page on attestation (office, state, opened_at, id);
comment on column attestation.office is 'that held the session, not the home of the business';
comment on column attestation.trade_name is 'as the client is told it';
comment on column attestation.recorded_by is 'opaque staff id: nobody attests on paper what he recorded himself';
comment on column attestation.version is 'counts the attestation''s events';

-- What is to be sent: a row for each conversation, written with it. Its key is the gateway's idempotency key.
create table attestation_message (
    attestation uuid primary key references attestation (id) on delete cascade,
    business uuid not null,
    person uuid not null,
    secret_sealed bytea,
    state text not null check (state in ('waiting', 'sent', 'given_up', 'withdrawn')),
    tries int not null default 0 check (tries >= 0),
    next_at timestamptz not null,
    give_up_at timestamptz not null,
    sent_at timestamptz,
    failure text
) with (fillfactor = 80);
create index attestation_message_due on attestation_message (next_at) where state = 'waiting';
create index attestation_message_secret on attestation_message (attestation) where secret_sealed is not null;
comment on column attestation_message.secret_sealed is 'token and code, sealed under the recipient''s key; null once it was sent or nobody may use it';

-- Whoever holds the token of a message may talk about that one session; shows where it stands, nothing else.
create function find_attestation(digest bytea) returns table (id uuid, office text)
language sql stable security definer set search_path = registry, pg_temp as $$
    select a.id, a.office from attestation a where a.token_digest = digest;
$$;
revoke all on function find_attestation from public;
grant execute on function find_attestation to app_role;

grant select on attestation to app_role;
grant update (state, tries_left, version, method, settled_at, paper_note) on attestation to app_role;
grant select, insert, update on attestation, attestation_message to worker_role;
grant select, insert, update, delete on attested_session to worker_role;
-- Of people the worker reads where to send and with which key, not who they are.
grant select (code, name) on office to worker_role;
grant select (id, trade_name) on business to worker_role;
grant select (business_id, person_id, position, phone_sealed) on business_owner to worker_role;
grant select on person_key to worker_role;

alter table attested_session enable row level security, force row level security;
alter table attestation enable row level security, force row level security;
alter table attestation_message enable row level security, force row level security;

create policy owner_all on attested_session to registry_owner using (true) with check (true);
create policy owner_all on attestation to registry_owner using (true) with check (true);
create policy owner_all on attestation_message to registry_owner using (true) with check (true);

create policy own_office on attestation to app_role
    using (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]))
    with check (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));

create policy worker_all on attested_session to worker_role using (true) with check (true);
create policy worker_all on attestation to worker_role using (true) with check (true);
create policy worker_all on attestation_message to worker_role using (true) with check (true);
create policy worker_reads on office for select to worker_role using (true);
create policy worker_reads on business for select to worker_role using (true);
create policy worker_reads on business_owner for select to worker_role using (true);
create policy worker_reads on person_key for select to worker_role using (true);
