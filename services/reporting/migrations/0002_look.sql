-- What an applier does first, as one question: it enters its set and looks at the facts that its batch is about.

-- A function, because each of its statements takes a snapshot of its own: after the wait for whoever changes the stage,
-- the new stage is seen, and the facts are those of that instant.
create function look_at_facts(which integer, offices text[], businesses uuid[], consultants uuid[], sessions uuid[])
returns table (
    stage text, has_aliases boolean, kind text, id text, version bigint, event_id uuid, slice smallint, subjects uuid[],
    state json
)
language plpgsql as $$
#variable_conflict use_column
declare
    entered text := enter_set(which);
begin
    return query
    select entered, exists (select from subject_alias a where a.set_version = which), found.*
    from (values (1)) as one left join (
        select 'office', f.id, f.version, f.event_id, f.slice, f.subjects, f.state
        from fact_office f where f.set_version = which and f.id = any (offices)
        union all
        select 'business', f.id::text, f.version, f.event_id, f.slice, f.subjects, f.state
        from fact_business f where f.set_version = which and f.id = any (businesses)
        union all
        select 'consultant', f.id::text, f.version, f.event_id, f.slice, f.subjects, f.state
        from fact_consultant f where f.set_version = which and f.id = any (consultants)
        union all
        select 'session', f.id::text, f.version, f.event_id, f.slice, f.subjects, f.state
        from fact_session f where f.set_version = which and f.id = any (sessions)
    ) as found on true;
end
$$;
