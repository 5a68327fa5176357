-- What a small batch is worked out from, unlocked: what `lock_facts` and `lock_visits` return, in one look. The statement
-- that writes it takes effect only if all of this still stands. Rows of kind `visits` are businesses: `version` is the
-- transaction that wrote the row, `state` the visits, `offices` those that held them; a business without visits has none.
create function see_facts(
    which integer, offices text[], businesses uuid[], consultants uuid[], sessions uuid[], visited uuid[]
) returns table (
    stage text, has_aliases boolean, kind text, id text, version bigint, event_id uuid, slice smallint, subjects uuid[],
    state json, visited_by text
)
language plpgsql stable as $$
#variable_conflict use_column
declare
    seen text := (select s.stage from read_model_set s where s.version = which and s.state <> 'retired');
    aliases boolean := exists (select from subject_alias a where a.set_version = which);
begin
    return query
    select seen, aliases, null::text, null::text, null::bigint, null::uuid, null::smallint, null::uuid[], null::json,
           null::text;
    if cardinality(offices) > 0 then
        return query
        select seen, aliases, 'office', f.id, f.version, f.event_id, f.slice, f.subjects, f.state, null::text
        from fact_office f where f.set_version = which and f.id = any (offices);
    end if;
    if cardinality(businesses) > 0 then
        return query
        select seen, aliases, 'business', f.id::text, f.version, f.event_id, f.slice, f.subjects, f.state, null::text
        from fact_business f where f.set_version = which and f.id = any (businesses);
    end if;
    if cardinality(consultants) > 0 then
        return query
        select seen, aliases, 'consultant', f.id::text, f.version, f.event_id, f.slice, f.subjects, f.state, null::text
        from fact_consultant f where f.set_version = which and f.id = any (consultants);
    end if;
    if cardinality(sessions) > 0 then
        return query
        select seen, aliases, 'session', f.id::text, f.version, f.event_id, f.slice, f.subjects, f.state, null::text
        from fact_session f where f.set_version = which and f.id = any (sessions);
    end if;
    if cardinality(visited) > 0 then
        return query
        select seen, aliases, 'visits', b.subject::text, b.xmin::text::bigint, null::uuid, null::smallint, null::uuid[],
               b.visits, array_to_string(b.offices, ',')
        from served_business b where b.set_version = which and b.subject = any (visited);
    end if;
end
$$;
