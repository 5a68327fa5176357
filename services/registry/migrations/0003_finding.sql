-- Finding businesses, and those that a registration may mean. Names are compared folded; domain/names.py folds the same way.

create function fold_trade_name(name text) returns text
language sql immutable strict parallel safe
return (
    with plain (text) as (
        select regexp_replace(lower(regexp_replace(normalize(name, NFKD), '[\u0300-\u036f]', '', 'g')), '[^[:alnum:]]+', ' ', 'g')
    ), spelt (text) as (
        select regexp_replace(replace(replace(replace(text, 'oe', 'u'), 'dj', 'j'), 'tj', 'c'), '([[:alpha:]])\1+', '\1', 'g')
        from plain
    )
    select coalesce(nullif(btrim(regexp_replace(
        regexp_replace(text, '\m(ud|cv|pt|pd|fa|tb|tk|toko|usaha dagang|persero|tbk)\M', ' ', 'g'), ' +', ' ', 'g')), ''), btrim(text))
    from spelt
);
comment on function fold_trade_name is 'Without accents, case, punctuation, legal forms, old spelling (oe/u, dj/j, tj/c) and doubled letters';

-- similarity() costs 4 microseconds a row, 100 ms for a kabupaten of 26,000 businesses; counting common bits costs 0.1.
-- So the 500 with the most bits in common are looked at closely.
create function trigram_bits(folded text) returns bit(128)
language sql immutable strict parallel safe
return (
    select coalesce(bit_or(set_bit(
        repeat('0', 128)::bit(128),
        (ascii(t) * 961 + ascii(substr(t, 2)) * 31 + ascii(substr(t, 3))) % 127, 1
    )), repeat('0', 128)::bit(128))
    from unnest(extensions.show_trgm(folded)) as t
);
comment on function trigram_bits is 'One bit per trigram: a name that lacks more bits of another than it may lack trigrams is not like it';

alter table business
    add column search_name text not null generated always as (registry.fold_trade_name(trade_name)) stored,
    add column search_bits bit(128) not null generated always as (registry.trigram_bits(registry.fold_trade_name(trade_name))) stored;
create index business_name on business (kelurahan collate "C", search_bits) include (search_name, id, office, status);

create index business_owner_phone on business_owner (phone_index) where phone_index is not null;

-- Tokens under their office's code, so that a common name is looked up among one office's owners, not the province's.
create function tokens_of_office(office text, tokens bytea[]) returns bytea[]
language sql immutable strict parallel safe
return array(select convert_to(office, 'UTF8') || token from unnest(tokens) as token);
create index business_owner_name on business_owner using gin (registry.tokens_of_office(office, name_tokens));

-- The one window through which an office sees businesses of others: trade name, kind, kelurahan and home office of active
-- ones, by exact key or by trade name within a region (a kelurahan or kabupaten/kota). `same_person`, `same_phone` and
-- `same_number` only repeat which of the caller's keys led here. What is said of owners' names and KBLI divisions is of
-- the caller's own offices, null elsewhere. A phone of more than `most_per_phone` businesses is an officer's and leads to
-- none.
create function find_businesses(
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
begin
    if own = '{}' then
        return;
    end if;
    return query
    with near as (
        select b.id, b.search_name
        from business b
        where b.kelurahan collate "C" >= region and b.kelurahan collate "C" < region || '/'
          and bit_count(b.search_bits & bits) >= at_least
          and (b.status = 'active' or b.office = any (own))
        order by bit_count(b.search_bits & bits) desc, bit_count(b.search_bits), b.id limit 500
    ), named as (
        select n.id, greatest(similarity(n.search_name, folded), word_similarity(folded, n.search_name) * 0.9) as likeness
        from near n
        order by 2 desc, 1 limit most
    ), owned as (
        select o.business_id as id from person p join business_owner o on o.person_id = p.id
        where p.nik_index = any (nik_indexes) limit most
    ), phoned as (
        select o.business_id as id from unnest(phone_indexes) as phone,
            lateral (select business_id from business_owner where phone_index = phone limit most_per_phone + 1) as o,
            lateral (
                select count(*) as uses
                from (select from business_owner where phone_index = phone limit most_per_phone + 1) as counting
            ) as counted
        where uses <= most_per_phone limit most
    ), numbered as (
        select b.id from business b where b.nib = any (nibs)
        union select b.id from business b where b.cooperative_number = any (cooperative_numbers)
    ), found as (
        select n.id from named n where n.likeness >= coverage
        union select o.id from owned o union select p.id from phoned p union select n.id from numbered n
    )
    select b.id, b.office, b.trade_name, b.kinds, b.kelurahan, b.status, b.closing_reason,
           coalesce(similarity(b.search_name, folded), 0)::real, coalesce(word_similarity(folded, b.search_name), 0)::real,
           b.id in (select o.id from owned o), b.id in (select p.id from phoned p), b.id in (select n.id from numbered n),
           case when b.office = any (own) then (
               select max((select count(*) from unnest(o.name_tokens) as t where t = any (owner_tokens))
                          / greatest(least(cardinality(o.name_tokens), cardinality(owner_tokens)), 1)::real)::real
               from business_owner o where o.business_id = b.id and cardinality(owner_tokens) > 0)
           end,
           case when b.office = any (own) and cardinality(b.kbli) > 0 and cardinality(divisions) > 0 then exists (
               select from unnest(b.kbli) as activity where left(split_part(activity, ':', 2), 2) = any (divisions))
           end
    from found f join business b on b.id = f.id
    where b.status = 'active' or b.office = any (own);
end
$$;

-- Businesses of the caller's own offices, one of whose owners has all of these tokens in his name; the shortest names first.
create function find_by_owner_name(tokens bytea[], most int) returns table (id uuid, likeness real)
language plpgsql stable security definer set search_path = registry, extensions, pg_temp
set plan_cache_mode = force_generic_plan set enable_seqscan = off set jit = off as $$
#variable_conflict use_column
declare
    own text[] := coalesce(string_to_array(nullif(current_setting('app.offices', true), ''), ','), '{}');
begin
    return query
    select found.business_id, max(found.likeness)
    from unnest(own) as mine (office), lateral (
        select o.business_id, (cardinality(tokens)::real / cardinality(o.name_tokens))::real as likeness
        from business_owner o
        where tokens_of_office(o.office, o.name_tokens) @> tokens_of_office(mine.office, tokens) and o.office = mine.office
        limit 1000
    ) as found
    group by found.business_id order by 2 desc, 1 limit most;
end
$$;

revoke all on function find_businesses, find_by_owner_name from public;
grant execute on function find_businesses, find_by_owner_name to app_role;
