-- Idempotency: the answers of accepted commands, kept for 90 days, without identity in them.

create table accepted_command (
    principal text not null,
    key text not null,
    body_digest bytea not null,
    status smallint not null check (status between 200 and 299),
    answer json not null,
    event_ids uuid[] not null,
    accepted_at timestamptz not null default clock_timestamp(),
    primary key (principal, key)
);
create index accepted_command_age on accepted_command (accepted_at);
create index accepted_command_key on accepted_command (key);
comment on column accepted_command.body_digest is 'HMAC of method, path and body: bodies may hold a NIK';

-- Sets the scope, lets one of two equal commands wait for the other (lock_timeout), and returns the answer given before.
-- A function, because each of its statements takes a snapshot of its own: after the wait the other's answer is seen.
create function begin_command(offices text, who text, which text)
returns table (body_digest bytea, status smallint, answer json)
language plpgsql as $$
begin
    perform set_config('app.offices', offices, true), set_config('lock_timeout', '5s', true);
    perform pg_advisory_xact_lock(hashtextextended(who || E'\n' || which, 0));
    return query
        select c.body_digest, c.status, c.answer from accepted_command c where c.principal = who and c.key = which;
end
$$;

grant select, insert on accepted_command to app_role;
grant select, delete on accepted_command to worker_role;
