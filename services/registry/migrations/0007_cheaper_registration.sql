-- The same functions with the same results for half the time, which a registration spent on planning and on starting
-- large queries. In PL/pgSQL a connection keeps the plans; an SQL function in a generated column or an index is planned
-- anew by every insert.

create or replace function fold_trade_name(name text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    plain text := regexp_replace(
        lower(regexp_replace(normalize(name, NFKD), '[\u0300-\u036f]', '', 'g')), '[^[:alnum:]]+', ' ', 'g');
    spelt text := regexp_replace(
        replace(replace(replace(plain, 'oe', 'u'), 'dj', 'j'), 'tj', 'c'), '([[:alpha:]])\1+', '\1', 'g');
    bare text := btrim(regexp_replace(
        regexp_replace(spelt, '\m(ud|cv|pt|pd|fa|tb|tk|toko|usaha dagang|persero|tbk)\M', ' ', 'g'), ' +', ' ', 'g'));
begin
    return coalesce(nullif(bare, ''), btrim(spelt));
end
$$;

create or replace function trigram_bits(folded text) returns bit(128)
language plpgsql immutable strict parallel safe as $$
declare
    bits bit(128) := repeat('0', 128)::bit(128);
    trigram text;
begin
    foreach trigram in array extensions.show_trgm(folded) loop
        bits := set_bit(bits, (ascii(trigram) * 961 + ascii(substr(trigram, 2)) * 31 + ascii(substr(trigram, 3))) % 127, 1);
    end loop;
    return bits;
end
$$;

create or replace function tokens_of_office(office text, tokens bytea[]) returns bytea[]
language plpgsql immutable strict parallel safe as $$
declare
    prefixed bytea[] := '{}';
    token bytea;
begin
    foreach token in array tokens loop
        prefixed := prefixed || (convert_to(office, 'UTF8') || token);
    end loop;
    return prefixed;
end
$$;

-- Person by person: a query over all of them was planned anew each time, for how many there are was in its plan.
create or replace function claim_persons(
    locks bigint[], candidates uuid[], nik_indexes bytea[], niks_sealed bytea[], keks text[], keys_sealed bytea[]
) returns table (nik_index bytea, person_id uuid, version int, kek text, sealed bytea)
language plpgsql security definer set search_path = registry, pg_temp as $$
#variable_conflict use_column
declare
    wanted bigint;
begin
    foreach wanted in array locks loop
        perform pg_advisory_xact_lock(wanted);
    end loop;
    for place in 1 .. cardinality(candidates) loop
        insert into person (id, nik_index, nik_sealed)
        values (candidates[place], nik_indexes[place], niks_sealed[place])
        on conflict (nik_index) do nothing;
        if found then
            insert into person_key (person_id, version, kek, sealed)
            values (candidates[place], 1, keks[place], keys_sealed[place]);
        end if;
        return query
            select p.nik_index, p.id, k.version, k.kek, k.sealed
            from person p join person_key k on k.person_id = p.id
            where p.nik_index = nik_indexes[place];
    end loop;
end
$$;

-- Key by key, and what is shown of those found only if any were: mostly there is none.
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
#variable_conflict use_column
declare
    own text[] := coalesce(string_to_array(nullif(current_setting('app.offices', true), ''), ','), '{}');
    folded text := fold_trade_name(wanted_name);
    bits bit(128) := trigram_bits(folded);
    trigrams int := cardinality(show_trgm(folded));
    at_least int := bit_count(bits) - (trigrams - ceil(coverage * trigrams));
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
