-- Sessions that are recorded at the same time share a transaction, also those of several people and offices.

-- What must be known to decide on the sessions of several commands: answers that were given before, consultants and then
-- businesses, both locked, and the consultants' calendars. `who[n]` sent the key `keys[n]`; `scope` is what all of them
-- together may write for; `days[n]` is the day of the only session of `whom[n]`. All locks are taken in ascending order,
-- and for none is waited longer than `patience`. A function, because each of its statements takes a snapshot of its own:
-- after the wait it sees what the others have done. Rows are found one by one by their keys (`offset 0`): no plan that
-- was made of small tables reads all of them when they have grown.
create function claim_sessions(
    scope text, patience text, who text[], keys text[], whom uuid[], days date[], reach int, wanted uuid[],
    out answers json, out consultants json, out businesses json, out calendar json
)
language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off
set enable_mergejoin = off set jit = off as $$
declare
    lock bigint;
begin
    perform set_config('app.offices', scope, true), set_config('lock_timeout', patience, true);
    for lock in
        select hashtextextended(who[number] || E'\n' || keys[number], 0) from generate_subscripts(keys, 1) number order by 1
    loop
        perform pg_advisory_xact_lock(lock);
    end loop;
    select json_agg(json_build_array(number, encode(c.body_digest, 'hex'), c.status, c.answer::text)) into answers
    from generate_subscripts(keys, 1) number
    cross join lateral (
        select * from accepted_command a where a.principal = who[number] and a.key = keys[number] offset 0
    ) c;
    if json_array_length(answers) = cardinality(keys) then
        return;
    end if;
    select json_agg(json_build_array(found.id, found.office, found.staff, found.active_from, found.active_until,
                                     found.opened_on)) into consultants
    from (
        select c.id, c.office, c.staff, c.active_from, c.active_until, o.opened_on
        from consultant c left join office_replica o on o.code = c.office
        where c.id = any (whom)
        order by c.id for no key update of c
    ) found;
    select json_agg(json_build_array(found.id, found.status, found.kinds, found.kelurahan, found.home_office,
                                     found.closed_on)) into businesses
    from (
        select r.id, r.status, r.kinds, r.kelurahan, r.home_office, r.closed_on from business_replica r
        where r.id = any (wanted)
        order by r.id for share
    ) found;
    select json_agg(json_build_array(sc.consultant, s.day, s.start, s.contact_minutes, s.preparation_minutes,
                                     s.travel_minutes) order by s.day, s.start) into calendar
    from generate_subscripts(whom, 1) number
    cross join lateral (
        select * from session_consultant c
        where c.consultant = whom[number] and c.day between days[number] - reach and days[number] + reach offset 0
    ) sc
    cross join lateral (
        select * from session one where one.id = sc.session and one.state not in ('cancelled', 'no_show') offset 0
    ) s;
end
$$;
grant execute on function claim_sessions to app_role;
