-- A registration that leaves nothing to decide is one statement: claimed, searched for and stored, by one round trip.

-- Names are folded once for each registration and not three times. What stands beside the name is still worked out here
-- for whoever gives a name alone, and whenever a name changes.
alter table business alter column search_name drop expression, alter column search_bits drop expression;

create function fold_business_name() returns trigger
language plpgsql set search_path = registry, pg_temp as $$
begin
    new.search_name := fold_trade_name(new.trade_name);
    new.search_bits := trigram_bits(new.search_name);
    return new;
end
$$;
create trigger business_name_given before insert on business
    for each row when (new.search_name is null) execute function fold_business_name();
create trigger business_name_changed before update of trade_name, search_name, search_bits on business
    for each row when (new.trade_name <> old.trade_name or new.search_name is distinct from old.search_name
                       or new.search_bits is distinct from old.search_bits)
    execute function fold_business_name();

-- What `find_businesses` did, for a name that is folded already. For the two functions below alone, which set the path and
-- how it is planned.
create function search_businesses(
    folded text, bits bit(128), region text, coverage real, nik_indexes bytea[], phone_indexes bytea[],
    most_per_phone int, nibs text[], cooperative_numbers text[], owner_tokens bytea[], divisions text[], most int
) returns table (
    id uuid, office text, trade_name text, kinds text[], kelurahan text, status text, closing_reason text, likeness real,
    part_likeness real, same_person boolean, same_phone boolean, same_number boolean, owner_likeness real,
    same_division boolean
)
language plpgsql stable as $$
#variable_conflict use_column
declare
    own text[] := coalesce(string_to_array(nullif(current_setting('app.offices', true), ''), ','), '{}');
    trigrams int;
    at_least int;
    named uuid[] := '{}';
    owned uuid[] := '{}';
    phoned uuid[] := '{}';
    numbered uuid[] := '{}';
    phone bytea;
    users uuid[];
begin
    if own = '{}' then
        return;
    end if;
    if folded is not null and region is not null then
        trigrams := cardinality(show_trgm(folded));
        at_least := bit_count(bits) - (trigrams - ceil(coverage * trigrams));
        named := array(
            with near as (
                select b.id, b.search_name
                from business b
                where b.kelurahan collate "C" >= region and b.kelurahan collate "C" < region || '/'
                  and bit_count(b.search_bits & bits) >= at_least
                  and (b.status = 'active' or b.office = any (own))
                order by bit_count(b.search_bits & bits) desc, bit_count(b.search_bits), b.id limit 500
            ), likest as (
                select n.id, greatest(similarity(n.search_name, folded), word_similarity(folded, n.search_name) * 0.9)
                           as likeness
                from near n
                order by 2 desc, 1 limit most
            )
            select l.id from likest l where l.likeness >= coverage
        );
    end if;
    if nik_indexes <> '{}' then
        owned := array(
            select o.business_id from person p join business_owner o on o.person_id = p.id
            where p.nik_index = any (nik_indexes) limit most
        );
    end if;
    foreach phone in array phone_indexes loop
        users := array(select business_id from business_owner where phone_index = phone limit most_per_phone + 1);
        if cardinality(users) <= most_per_phone then
            phoned := (phoned || users)[:most];
        end if;
    end loop;
    if nibs <> '{}' or cooperative_numbers <> '{}' then
        numbered := array(
            select b.id from business b where b.nib = any (nibs)
            union select b.id from business b where b.cooperative_number = any (cooperative_numbers)
        );
    end if;
    if named || owned || phoned || numbered = '{}' then
        return;
    end if;
    return query
    select b.id, b.office, b.trade_name, b.kinds, b.kelurahan, b.status, b.closing_reason,
           coalesce(similarity(b.search_name, folded), 0)::real, coalesce(word_similarity(folded, b.search_name), 0)::real,
           b.id = any (owned), b.id = any (phoned), b.id = any (numbered),
           case when b.office = any (own) then (
               select max((select count(*) from unnest(o.name_tokens) as t where t = any (owner_tokens))
                          / greatest(least(cardinality(o.name_tokens), cardinality(owner_tokens)), 1)::real)::real
               from business_owner o where o.business_id = b.id and cardinality(owner_tokens) > 0)
           end,
           case when b.office = any (own) and cardinality(b.kbli) > 0 and cardinality(divisions) > 0 then exists (
               select from unnest(b.kbli) as activity where left(split_part(activity, ':', 2), 2) = any (divisions))
           end
    from business b
    where b.id = any (named || owned || phoned || numbered) and (b.status = 'active' or b.office = any (own));
end
$$;

create or replace function find_businesses(
    wanted_name text, region text, coverage real, nik_indexes bytea[], phone_indexes bytea[], most_per_phone int,
    nibs text[], cooperative_numbers text[], owner_tokens bytea[], divisions text[], most int
) returns table (
    id uuid, office text, trade_name text, kinds text[], kelurahan text, status text, closing_reason text, likeness real,
    part_likeness real, same_person boolean, same_phone boolean, same_number boolean, owner_likeness real,
    same_division boolean
)
language plpgsql stable security definer set search_path = registry, extensions, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $$
declare
    folded text := fold_trade_name(wanted_name);
begin
    return query
    select * from search_businesses(folded, trigram_bits(folded), region, coverage, nik_indexes, phone_indexes,
                                    most_per_phone, nibs, cooperative_numbers, owner_tokens, divisions, most);
end
$$;

-- Opens the transaction of commands that register new businesses, and tells which of them are `clear`: nobody has
-- answered that command before, the office is registered, no owner is known to the province, and nothing that is
-- registered, or stands earlier among these, is found by any of its keys. The persons of those are made. What is not
-- clear is left to be decided step by step; for what was answered before, the answer is returned.
--
-- Businesses are arrays of one length, their owners stand in arrays of their own, up to `last_owners` for each. All
-- locks are taken before any row is looked at, the shared ones in ascending order like everywhere. Two of these that
-- share an exact key (NIK, phone, number) must not be given together.
create function claim_new_businesses(
    offices text, who text, keys text[], locks bigint[], homes text[], trade_names text[], regions text[], nibs text[],
    cooperative_numbers text[], last_owners int[], candidates uuid[], nik_indexes bytea[], niks_sealed bytea[],
    keks text[], keys_sealed bytea[], phone_indexes bytea[], coverage real, most_per_phone int
) returns table (
    place int, clear boolean, search_name text, search_bits bit(128), first_owner int, last_owner int,
    body_digest bytea, status smallint, answer json
)
language plpgsql security definer rows 1 set search_path = registry, extensions, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $$
#variable_conflict use_variable
declare
    wanted bigint;
    which text;
    niks bytea[];
    phones bytea[];
    names text[] := '{}';
    bits bit(128)[] := '{}';
begin
    perform set_config('app.offices', offices, true), set_config('lock_timeout', '5s', true);
    foreach which in array keys loop
        perform pg_advisory_xact_lock(hashtextextended(who || E'\n' || which, 0));
    end loop;
    foreach wanted in array locks loop
        perform pg_advisory_xact_lock(wanted);
    end loop;
    for number in 1 .. cardinality(keys) loop
        place := number;
        first_owner := coalesce(last_owner, 0) + 1;
        last_owner := last_owners[number];
        search_name := fold_trade_name(trade_names[number]);
        search_bits := trigram_bits(search_name);
        select c.body_digest, c.status, c.answer into body_digest, status, answer
        from accepted_command c where c.principal = who and c.key = keys[number];
        clear := not found;
        if clear then
            niks := nik_indexes[first_owner:last_owner];
            phones := array_remove(phone_indexes[first_owner:last_owner], null);
            perform from person p where p.nik_index = any (niks);
            clear := not found;
        end if;
        if clear then
            perform from search_businesses(
                search_name, search_bits, regions[number], coverage, niks, phones, most_per_phone,
                array_remove(nibs[number:number], null), array_remove(cooperative_numbers[number:number], null),
                '{}', '{}', 1);
            clear := not found;
        end if;
        if clear then
            perform from office o where o.code = homes[number];
            clear := found;
        end if;
        for earlier in 1 .. number - 1 loop
            exit when not clear;
            clear := regions[earlier] <> regions[number]
                or bit_count(bits[earlier] & search_bits) < bit_count(search_bits) - (1 - coverage) * cardinality(show_trgm(search_name))
                or greatest(similarity(names[earlier], search_name), word_similarity(search_name, names[earlier]) * 0.9) < coverage;
        end loop;
        if clear then
            for owner in first_owner .. last_owner loop
                insert into person (id, nik_index, nik_sealed)
                values (candidates[owner], nik_indexes[owner], niks_sealed[owner]);
                insert into person_key (person_id, version, kek, sealed)
                values (candidates[owner], 1, keks[owner], keys_sealed[owner]);
            end loop;
        end if;
        names := names || search_name;
        bits := bits || search_bits;
        return next;
    end loop;
end
$$;

revoke all on function fold_business_name, search_businesses, claim_new_businesses from public;
grant execute on function claim_new_businesses to app_role;
