-- Run once per database by its superuser: one schema and three roles for each service, none of which sees another's schema.
-- Passwords are set afterwards (alter role … password …), so that none stands in a file. Safe to run again.

create schema if not exists extensions;
create extension if not exists pg_trgm schema extensions;
revoke all on schema public from public;

do $$
declare
    service text;
    kind text;
    who text;
begin
    foreach service in array array['registry', 'mentoring', 'reporting'] loop
        foreach kind in array array['owner', 'app', 'worker'] loop
            who := service || '_' || kind;
            if not exists (select from pg_roles where rolname = who) then
                execute format('create role %I login nosuperuser nobypassrls nocreatedb nocreaterole', who);
            end if;
            -- No reader, check or export holds a snapshot for minutes; a vanished host frees its locks.
            execute format('alter role %I set idle_in_transaction_session_timeout = ''30s''', who);
            execute format('alter role %I set tcp_keepalives_idle = 5', who);
            execute format('alter role %I set tcp_keepalives_interval = 2', who);
            execute format('alter role %I set tcp_keepalives_count = 3', who);
            execute format('alter role %I set tcp_user_timeout = ''10s''', who);
            execute format('alter role %I set timezone = ''UTC''', who);
            execute format('grant usage on schema extensions to %I', who);
        end loop;
        execute format('alter role %I set transaction_timeout = ''30s''', service || '_app');
        execute format('alter role %I set statement_timeout = ''20s''', service || '_app');
        execute format('alter role %I set transaction_timeout = ''60s''', service || '_worker');
        execute format('create schema if not exists %I authorization %I', service, service || '_owner');
        execute format('grant usage on schema %I to %I, %I', service, service || '_app', service || '_worker');
    end loop;
    execute format('revoke all on database %I from public', current_database());
    foreach service in array array['registry', 'mentoring', 'reporting'] loop
        execute format('grant connect on database %I to %I, %I, %I', current_database(),
                       service || '_owner', service || '_app', service || '_worker');
    end loop;
end
$$;
