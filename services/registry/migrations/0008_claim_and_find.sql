-- Claims the persons of a registration, and looks for the businesses that it may mean, in one round trip. The search is a
-- statement of its own here, so it sees what was committed while the locks were waited for. First come the persons, with
-- no business beside them, then the businesses, with no person.
create function claim_and_find(
    locks bigint[], candidates uuid[], nik_indexes bytea[], niks_sealed bytea[], keks text[], keys_sealed bytea[],
    wanted_name text, region text, coverage real, wanted_niks bytea[], phone_indexes bytea[], most_per_phone int,
    nibs text[], cooperative_numbers text[], owner_tokens bytea[], divisions text[], most int
) returns table (
    nik_index bytea, person_id uuid, version int, kek text, sealed bytea, id uuid, office text, trade_name text,
    kinds text[], kelurahan text, status text, closing_reason text, likeness real, part_likeness real,
    same_person boolean, same_phone boolean, same_number boolean, owner_likeness real, same_division boolean
)
language plpgsql as $$
begin
    return query
        select c.*, null::uuid, null::text, null::text, null::text[], null::text, null::text, null::text, null::real,
               null::real, null::boolean, null::boolean, null::boolean, null::real, null::boolean
        from claim_persons(locks, candidates, nik_indexes, niks_sealed, keks, keys_sealed) as c;
    return query
        select null::bytea, null::uuid, null::int, null::text, null::bytea, f.*
        from find_businesses(wanted_name, region, coverage, wanted_niks, phone_indexes, most_per_phone, nibs,
                             cooperative_numbers, owner_tokens, divisions, most) as f;
end
$$;
revoke all on function claim_and_find from public;
grant execute on function claim_and_find to app_role;
