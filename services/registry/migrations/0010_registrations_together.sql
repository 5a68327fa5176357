-- Registrations that come at the same time share a statement, also those of several people and offices.

-- What `claim_new_businesses` does, for commands of several principals: `who[n]` sent the key `keys[n]` and may write for
-- the offices in `scopes[n]`, and `scope` is what all of them together may write for. A business whose home is not in
-- its own principal's scope is not clear, so sharing a statement opens no door. Nobody waits longer than `patience` for
-- a lock that others hold. What can be asked for all at once is: one look each for answers, persons and offices, and one
-- insert for the persons of all.
create function claim_newcomers(
    scope text, patience text, who text[], keys text[], scopes text[], locks bigint[], homes text[], trade_names text[],
    regions text[], nibs text[], cooperative_numbers text[], last_owners int[], candidates uuid[], nik_indexes bytea[],
    niks_sealed bytea[], keks text[], keys_sealed bytea[], phone_indexes bytea[], coverage real, most_per_phone int
) returns table (
    place int, clear boolean, search_name text, search_bits bit(128), first_owner int, last_owner int,
    body_digest bytea, status smallint, answer json
)
language plpgsql security definer rows 1 set search_path = registry, extensions, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $$
#variable_conflict use_variable
declare
    wanted bigint;
    answered text[];
    known bytea[];
    registered text[];
    newcomers int[] := '{}';
    niks bytea[];
    phones bytea[];
    names text[] := '{}';
    bits bit(128)[] := '{}';
begin
    perform set_config('app.offices', scope, true), set_config('lock_timeout', patience, true);
    for number in 1 .. cardinality(keys) loop
        perform pg_advisory_xact_lock(hashtextextended(who[number] || E'\n' || keys[number], 0));
    end loop;
    foreach wanted in array locks loop
        perform pg_advisory_xact_lock(wanted);
    end loop;
    answered := array(select c.key from accepted_command c where c.key = any (keys));
    known := array(select p.nik_index from person p where p.nik_index = any (nik_indexes));
    registered := array(select o.code from office o where o.code = any (homes));
    for number in 1 .. cardinality(keys) loop
        place := number;
        first_owner := coalesce(last_owner, 0) + 1;
        last_owner := last_owners[number];
        search_name := fold_trade_name(trade_names[number]);
        search_bits := trigram_bits(search_name);
        body_digest := null;
        status := null;
        answer := null;
        niks := nik_indexes[first_owner:last_owner];
        clear := homes[number] = any (registered) and homes[number] = any (string_to_array(scopes[number], ','))
            and not niks && known;
        if keys[number] = any (answered) then
            select c.body_digest, c.status, c.answer into body_digest, status, answer
            from accepted_command c where c.principal = who[number] and c.key = keys[number];
            clear := clear and not found;
        end if;
        if clear then
            phones := array_remove(phone_indexes[first_owner:last_owner], null);
            perform from search_businesses(
                search_name, search_bits, regions[number], coverage, niks, phones, most_per_phone,
                array_remove(nibs[number:number], null), array_remove(cooperative_numbers[number:number], null),
                '{}', '{}', 1);
            clear := not found;
        end if;
        for earlier in 1 .. number - 1 loop
            exit when not clear;
            clear := regions[earlier] <> regions[number]
                or bit_count(bits[earlier] & search_bits)
                   < bit_count(search_bits) - (1 - coverage) * cardinality(show_trgm(search_name))
                or greatest(similarity(names[earlier], search_name), word_similarity(search_name, names[earlier]) * 0.9)
                   < coverage;
        end loop;
        if clear then
            for owner in first_owner .. last_owner loop
                newcomers := newcomers || owner;
            end loop;
        end if;
        names := names || search_name;
        bits := bits || search_bits;
        return next;
    end loop;
    insert into person (id, nik_index, nik_sealed)
    select candidates[owner], nik_indexes[owner], niks_sealed[owner] from unnest(newcomers) as owner;
    insert into person_key (person_id, version, kek, sealed)
    select candidates[owner], 1, keks[owner], keys_sealed[owner] from unnest(newcomers) as owner;
end
$$;

revoke all on function claim_newcomers from public;
grant execute on function claim_newcomers to app_role;
