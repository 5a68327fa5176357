-- Offices, businesses, and the identity behind them. Identity is sealed from the first row; no column holds it in clear.

create table office (
    code text primary key check (code ~ '^[0-9]{2}\.[0-9]{2}$'),
    name text not null,
    opened_on date not null,
    revision int not null check (revision > 0),
    version bigint not null check (version > 0)
);
comment on table office is 'Reference data of the province: everybody reads it, the administrator''s command writes it; never deleted';

-- business.office has no foreign key on purpose: each registration would lock the office's row in share mode, and eight
-- desks on one row make multixacts. Businesses are inserted by a select from office instead, and offices are never deleted.
create table business (
    id uuid primary key,
    office text not null,
    trade_name text not null,
    kinds text[] not null check (cardinality(kinds) > 0),
    kelurahan text not null,
    nib text constraint business_nib unique check (nib ~ '^[0-9]{13}$'),
    cooperative_number text constraint business_cooperative_number unique check (cooperative_number ~ '^[0-9]{10,16}$'),
    status text not null check (status in ('active', 'closed')),
    registered_on date not null,
    closed_on date,
    closing_reason text,
    revision int not null check (revision > 0),
    version bigint not null check (version > 0),
    unique (id, office),
    check ((status = 'closed') = (closed_on is not null) and (closed_on is null) = (closing_reason is null)),
    check (closed_on >= registered_on)
) with (fillfactor = 90);
create index business_page on business (office, status, id);
comment on column business.revision is 'rises with every edit (ETag)';
comment on column business.version is 'counts the business''s events';

-- One NIK is one person in the province. What each office was told of him stands with its own business (business_owner),
-- so that a second registration neither shows nor overwrites what another office knows.
create table person (
    id uuid primary key,
    nik_index bytea not null constraint person_nik unique check (octet_length(nik_index) = 32),
    nik_sealed bytea not null,
    known_since timestamptz not null default clock_timestamp()
);
comment on column person.nik_index is 'HMAC of the NIK under a key of this column';

create table person_key (
    person_id uuid primary key references person (id) on delete cascade,
    version int not null check (version > 0),
    kek text not null,
    sealed bytea not null
);
comment on table person_key is 'The key that seals a person''s fields, wrapped by a key of the installation. Erasing a person begins here.';

create table business_owner (
    business_id uuid not null,
    office text not null,
    person_id uuid not null references person (id),
    position smallint not null check (position >= 0),
    name_sealed bytea not null,
    npwp_sealed bytea,
    phone_sealed bytea,
    address_sealed bytea,
    phone_index bytea check (octet_length(phone_index) = 32),
    name_tokens bytea[] not null,
    primary key (business_id, person_id),
    foreign key (business_id, office) references business (id, office) on update cascade
);
create index business_owner_person on business_owner (person_id, office);
comment on column business_owner.office is 'that of the business (foreign key): the scope of row-level security';
comment on column business_owner.name_tokens is 'HMACs of the folded tokens of the name, cut to 8 bytes';

create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    actor text not null,
    office text not null,
    action text not null,
    subject uuid not null,
    fields text[] not null,
    correlation_id uuid not null
);
create index audit_subject on audit (subject);
comment on table audit is 'Who changed which fields when, never to what. Append-only: edits of identity leave no event behind.';

-- Finds or makes the persons of these NIKs, whichever office knows them, and holds the shared keys until the end of the
-- transaction. `locks` are numbers of the NIKs, NIBs and cooperative numbers that the command touches, in ascending order:
-- everybody takes them in one order and before any row, so no two commands wait for each other.
-- Shows ids and wrapped keys, nothing else; what was stored of a known person stays as it is.
create function claim_persons(
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
    with candidate as (
        select * from unnest(candidates, nik_indexes, niks_sealed, keks, keys_sealed)
            as c (id, nik_index, nik_sealed, kek, sealed)
    ), fresh as (
        insert into person (id, nik_index, nik_sealed)
        select c.id, c.nik_index, c.nik_sealed from candidate c order by c.nik_index
        on conflict (nik_index) do nothing
        returning id
    )
    insert into person_key (person_id, version, kek, sealed)
    select c.id, 1, c.kek, c.sealed from candidate c join fresh f on f.id = c.id;
    return query
        select p.nik_index, p.id, k.version, k.kek, k.sealed
        from person p join person_key k on k.person_id = p.id
        where p.nik_index = any (nik_indexes);
end
$$;

-- Forgets those of the persons that no business of any office names any more. Their NIKs must be among the locks held.
create function forget_unowned_persons(persons uuid[]) returns void
language sql security definer set search_path = registry, pg_temp as $$
    delete from person p
    where p.id = any (persons) and not exists (select from business_owner o where o.person_id = p.id);
$$;

revoke all on function claim_persons, forget_unowned_persons from public;
grant execute on function claim_persons, forget_unowned_persons to app_role;

grant select, insert, update on office to app_role;
grant select, insert, update on business to app_role;
grant select, insert, update, delete on business_owner to app_role;
grant select on person, person_key to app_role;
grant select, insert on audit to app_role;

alter table office enable row level security, force row level security;
alter table business enable row level security, force row level security;
alter table business_owner enable row level security, force row level security;
alter table person enable row level security, force row level security;
alter table person_key enable row level security, force row level security;
alter table audit enable row level security, force row level security;

create policy owner_all on office to registry_owner using (true) with check (true);
create policy owner_all on business to registry_owner using (true) with check (true);
create policy owner_all on business_owner to registry_owner using (true) with check (true);
create policy owner_all on person to registry_owner using (true) with check (true);
create policy owner_all on person_key to registry_owner using (true) with check (true);
create policy owner_all on audit to registry_owner using (true) with check (true);

create policy reference_data on office to app_role using (true) with check (true);
create policy own_office on business to app_role
    using (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]))
    with check (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));
create policy own_office on business_owner to app_role
    using (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]))
    with check (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));
create policy own_office on audit to app_role
    using (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]))
    with check (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));
create policy own_business on person for select to app_role
    using (exists (select from business_owner o where o.person_id = person.id));
create policy own_business on person_key for select to app_role
    using (exists (select from business_owner o where o.person_id = person_key.person_id));
