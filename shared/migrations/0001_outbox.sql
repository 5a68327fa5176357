-- The outbox and the relay's place in it. Append-only: a row is never updated but by a change of history.

create table outbox (
    seq bigint generated always as identity primary key,
    xid xid8 not null default pg_current_xact_id(),
    event_id uuid not null unique,
    topic text not null check (topic in (
        'registry.office.v1', 'registry.business.v1', 'registry.attestation.v1', 'mentoring.consultant.v1', 'mentoring.session.v1'
    )),
    partition smallint not null check (partition between 0 and 11),
    aggregate_id text not null,
    version bigint not null check (version > 0),
    type text not null,
    payload json not null check (octet_length(payload::text) <= 262144),
    traceparent text,
    correlation_id uuid not null,
    created_at timestamptz not null default clock_timestamp(),
    unique (topic, aggregate_id, version)
);
create index outbox_xid on outbox (xid);
comment on column outbox.partition is 'murmur2(aggregate_id) mod 12, taken by the writer so that the relay need not';

create table relay_state (
    one boolean primary key default true check (one),
    fence bigint not null default 0,
    history bigint not null default 1 check (history > 0),
    epoch bigint not null default 1 check (epoch > 0),
    snapshot pg_snapshot not null default '3:3:',
    target pg_snapshot,
    after_seq bigint not null default 0,
    tails jsonb not null default '{}',
    system_identifier bigint,
    alarm_code text check (alarm_code in ('partitions', 'changed_history', 'new_history')),
    alarm text,
    replay_topic text,
    replay_after_seq bigint not null default 0,
    replay_until_seq bigint not null default 0,
    saved_at timestamptz not null default clock_timestamp()
) with (fillfactor = 20);
insert into relay_state default values;
comment on column relay_state.snapshot is 'Everything visible in it has been acknowledged; 3:3: is nothing';
comment on column relay_state.target is 'While a large difference is under way: the snapshot that it leads to, done up to after_seq';
comment on column relay_state.tails is '{topic: {partition: [next offset, last event id]}}';
comment on column relay_state.alarm is 'Why the relay publishes nothing, and the cure';
comment on column relay_state.replay_topic is 'Being sent again beside the live events, from replay_after_seq to replay_until_seq';

create table relay_held (
    seq bigint primary key references outbox (seq),
    topic text not null,
    aggregate_id text not null,
    error text not null,
    held_at timestamptz not null default clock_timestamp(),
    released_at timestamptz
);
comment on table relay_held is 'Records that Kafka refuses for good; the aggregate heals with its next event.';

create table history_change (
    history bigint primary key,
    epoch bigint not null,
    kept_until timestamptz,
    changed_at timestamptz not null default clock_timestamp(),
    run uuid not null,
    completed_at timestamptz
);
comment on table history_change is 'Each new history after a restore: what was acknowledged between kept_until and changed_at was taken away.';
comment on column history_change.run is 'One call of the operator over several services; not completed, it is gone on with by the next call';

create table restored_away (
    event_id uuid primary key,
    topic text not null,
    aggregate_id text not null,
    version bigint,
    type text,
    noticed_at timestamptz not null default clock_timestamp()
);
comment on table restored_away is 'Events that Kafka held and Postgres, restored to an earlier point, no longer did.';

grant select, insert on outbox to app_role;
grant select, insert, update (xid) on outbox to worker_role;
grant select, update on relay_state to worker_role;
grant select, insert, update on relay_held, history_change, restored_away to worker_role;
