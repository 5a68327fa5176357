-- The life of a session: plans, corrections with their history, and what clients say of it.

alter table session
    add column place text,
    add column outcome text,
    add column follow_up text,
    add column follow_up_on date,
    add column unconfirmed_since timestamptz;
update session set unconfirmed_since = recorded_at where state = 'completed';
comment on column session.place is 'Where it was; like outcome and follow_up a text that no event carries';
comment on column session.unconfirmed_since is 'When its clients were last asked: at its recording, or at a correction of what they are asked';

create index session_state on session (office, state, seq);
create index session_business_of on session_business (business);

create table session_change (
    session uuid not null references session (id),
    revision bigint not null check (revision > 1),
    office text not null,
    deed text not null check (deed in
        ('complete', 'correct', 'restate', 'cancel', 'miss', 'attest', 'confirm', 'dispute')),
    actor text not null,
    changed_at timestamptz not null,
    reason text,
    changes jsonb not null,
    primary key (session, revision)
);
comment on table session_change is 'Append-only: what each edit of a session changed, from what to what, by whom and why';

alter table session_change enable row level security;
alter table session_change force row level security;
create policy owner on session_change to current_user using (true) with check (true);
create policy worker on session_change to worker_role using (true) with check (true);
create policy office on session_change to app_role using (office = any ((select
    string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));

grant select, insert on session_change to app_role, worker_role;

grant update (day, start, contact_minutes, preparation_minutes, travel_minutes, field, service, channel, state,
              confirmable_version, provisional, revision, version, place, outcome, follow_up, follow_up_on,
              unconfirmed_since)
    on session to app_role;
grant delete on session_consultant, session_business to app_role;
grant update (name, fields, active_from, active_until, version) on consultant to app_role;

grant update (state) on session to worker_role;
grant update (attested) on session_business to worker_role;
grant select on consultant to worker_role;
