-- The consuming side: positions in the log, records set aside, alarms, and the relays' watermarks.

create table consumer_offset (
    consumer_group text not null,
    topic text not null,
    partition integer not null check (partition >= 0),
    history bigint,
    epoch bigint,
    next_offset bigint not null default 0 check (next_offset >= 0),
    last_digest bytea check (length(last_digest) = 32),
    resets bigint not null default 0,
    passed_over bigint not null default 0,
    from_lower_history bigint not null default 0,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (consumer_group, topic, partition)
) with (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
comment on table consumer_offset is 'Moved by compare-and-set on (next_offset, resets), first thing in the transaction that changes the read model. Names without the prefix.';
comment on column consumer_offset.last_digest is 'SHA-256 of the record at next_offset - 1: key, headers and value; null means that reading starts at the log''s beginning';
comment on column consumer_offset.history is 'Of the first readable record; null until one came';

create table consumer_control (
    consumer_group text primary key,
    stopped_at timestamptz,
    stopped_because text,
    resumed_at timestamptz,
    resumed_by text,
    allowance integer not null default 0 check (allowance >= 0),
    new_history bigint,
    new_epoch bigint,
    new_history_of text,
    asked_at timestamptz
);
comment on table consumer_control is 'What operators tell a running consumer: to go on after an alarm, or to begin again with a new history.';

create table parked_record (
    id bigint generated always as identity primary key,
    consumer_group text not null,
    identity text not null,
    topic text not null,
    partition integer not null,
    log_offset bigint not null,
    key bytea,
    headers jsonb not null,
    value bytea,
    value_size bigint,
    value_digest bytea,
    event_id uuid,
    type text,
    aggregate_id text,
    version bigint,
    recorded_ms bigint not null,
    error text not null,
    status text not null default 'parked' check (status in ('parked', 'retry_requested', 'healed', 'applied', 'skipped')),
    tries integer not null default 0,
    parked_at timestamptz not null default clock_timestamp(),
    closed_at timestamptz,
    closed_by text,
    unique (consumer_group, identity)
);
create index parked_record_open on parked_record (consumer_group, status) where status in ('parked', 'retry_requested');
create index parked_record_recent on parked_record (consumer_group, parked_at);
comment on column parked_record.identity is 'The event''s id where it can be read, else place and digest: the same record met again is not parked twice';
comment on column parked_record.headers is '[[name, value], …]; bytes that are not UTF-8 are written as \xhh';
comment on column parked_record.value is 'Whole up to the greatest value that an event may have, else its beginning; value_size and value_digest are of the whole';

create table parked_action (
    parked_id bigint not null references parked_record (id) on delete cascade,
    action text not null,
    actor text not null,
    detail text,
    at timestamptz not null default clock_timestamp()
);
create index parked_action_record on parked_action (parked_id);
comment on table parked_action is 'Append-only: who asked for what, and what came of it.';

create table consumer_alarm (
    consumer_group text not null,
    kind text not null,
    detail text not null check (length(detail) <= 500),
    times bigint not null default 1,
    first_at timestamptz not null default clock_timestamp(),
    last_at timestamptz not null default clock_timestamp(),
    cleared_at timestamptz,
    primary key (consumer_group, kind, detail)
);

create table watermark (
    service text not null,
    history bigint not null,
    epoch bigint not null,
    fence bigint not null,
    at timestamptz not null,
    ends jsonb not null,
    held_back bigint not null,
    primary key (service, at)
);
comment on column watermark.ends is '[[topic, partition, next offset], …], topics without the prefix';

grant select on consumer_offset, consumer_control, parked_record, consumer_alarm, watermark to app_role;
grant select, insert, update, delete on consumer_offset, consumer_control, parked_record, consumer_alarm, watermark to worker_role;
grant select, insert on parked_action to worker_role;
