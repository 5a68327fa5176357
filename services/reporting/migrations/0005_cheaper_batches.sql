-- What an applier asks, with rows locked where they are found. Older programs go on with the functions that they know.

-- A fact that is about to be replaced is locked while it is read: then it may be written by its key alone. An update joined
-- to a list of keys is planned while the tables are empty, and then compares every key with every row.
create function lock_facts(which integer, offices text[], businesses uuid[], consultants uuid[], sessions uuid[])
returns table (
    stage text, has_aliases boolean, kind text, id text, version bigint, event_id uuid, slice smallint, subjects uuid[],
    state json
)
language plpgsql as $$
#variable_conflict use_column
declare
    entered text := enter_set(which);
    aliases boolean := exists (select from subject_alias a where a.set_version = which);
begin
    return query
    select entered, aliases, null::text, null::text, null::bigint, null::uuid, null::smallint, null::uuid[], null::json;
    if cardinality(offices) > 0 then
        return query
        select entered, aliases, 'office', f.id, f.version, f.event_id, f.slice, f.subjects, f.state
        from fact_office f where f.set_version = which and f.id = any (offices) order by f.id for no key update;
    end if;
    if cardinality(businesses) > 0 then
        return query
        select entered, aliases, 'business', f.id::text, f.version, f.event_id, f.slice, f.subjects, f.state
        from fact_business f where f.set_version = which and f.id = any (businesses) order by f.id for no key update;
    end if;
    if cardinality(consultants) > 0 then
        return query
        select entered, aliases, 'consultant', f.id::text, f.version, f.event_id, f.slice, f.subjects, f.state
        from fact_consultant f where f.set_version = which and f.id = any (consultants) order by f.id for no key update;
    end if;
    if cardinality(sessions) > 0 then
        return query
        select entered, aliases, 'session', f.id::text, f.version, f.event_id, f.slice, f.subjects, f.state
        from fact_session f where f.set_version = which and f.id = any (sessions) order by f.id for no key update;
    end if;
end
$$;

-- Returns the visits of these subjects and the offices that held them, each row locked until the transaction ends. `whom`
-- comes sorted: one order for all. A function, because each of its statements takes a snapshot of its own: what another
-- applier committed meanwhile is seen.
create function lock_visits(which integer, whom uuid[])
returns table (subject uuid, visits text, offices text)
language plpgsql as $$
#variable_conflict use_column
begin
    insert into served_business (set_version, subject, visits, offices)
    select which, one, '[]', '{}' from unnest(whom) as one
    on conflict do nothing;
    return query
    select b.subject, b.visits::text, array_to_string(b.offices, ',') from served_business b
    where b.set_version = which and b.subject = any (whom)
    order by b.subject
    for no key update;
end
$$;
