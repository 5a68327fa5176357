-- What an office does with its businesses: would-be entrepreneurs, figures, moves between offices, and a trail of reads.

alter table business
    add column kbli text[] not null default '{}',
    add column capital bigint check (capital >= 0),
    add column annual_sales bigint check (annual_sales >= 0);
comment on column business.kbli is 'version:code, such as 2020:13134';
comment on column business.capital is 'whole rupiah, null is unknown; the owner''s financial data: never in an event';
comment on column business.annual_sales is 'whole rupiah, null is unknown; the owner''s financial data: never in an event';

create table prospective_number (
    office text primary key,
    last int not null check (last > 0)
);
comment on table prospective_number is 'The last number given to a would-be entrepreneur of an office: his label in public, which tells nothing of him';

-- No answer of one head alone: proposed by either, decided by the other.
create table business_move (
    id uuid primary key,
    business_id uuid not null references business (id),
    from_office text not null,
    to_office text not null,
    proposed_by text not null,
    reason text not null,
    state text not null check (state in ('proposed', 'accepted', 'refused', 'withdrawn')),
    proposed_at timestamptz not null,
    decided_at timestamptz,
    check (from_office <> to_office),
    check (proposed_by in (from_office, to_office)),
    check ((state = 'proposed') = (decided_at is null))
);
create unique index business_move_open on business_move (business_id) where state = 'proposed';
create index business_move_from on business_move (from_office, id);
create index business_move_to on business_move (to_office, id);

alter table audit
    add column reason text,
    add column person uuid;
comment on column audit.reason is 'why it was done, where one must say so; no number of a person stands in it';
comment on column audit.person is 'whose data was shown';
comment on table audit is 'Who read or changed which fields when, never what stands in them. Append-only: edits of identity leave no event behind.';
create index audit_page on audit (office, at, id);

-- What anybody in the province may know of a business, for the office that it is to move to. Nothing without a scope.
create function public_business(wanted uuid) returns table (
    id uuid, office text, trade_name text, kinds text[], kelurahan text, status text, registered_on date, closed_on date,
    revision int, version bigint
)
language sql stable security definer set search_path = registry, pg_temp as $$
    select b.id, b.office, b.trade_name, b.kinds, b.kelurahan, b.status, b.registered_on, b.closed_on, b.revision, b.version
    from business b
    where b.id = wanted and nullif(current_setting('app.offices', true), '') is not null
$$;

-- The same with the row locked until the end of the transaction.
create function lock_public_business(wanted uuid) returns table (
    id uuid, office text, trade_name text, kinds text[], kelurahan text, status text, registered_on date, closed_on date,
    revision int, version bigint
)
language sql security definer set search_path = registry, pg_temp as $$
    select b.id, b.office, b.trade_name, b.kinds, b.kelurahan, b.status, b.registered_on, b.closed_on, b.revision, b.version
    from business b
    where b.id = wanted and nullif(current_setting('app.offices', true), '') is not null
    for update
$$;

-- Gives a business to the other office: the one step that no office can do in its own scope. Tells whether it was done:
-- the proposal is open, the caller stands for the office that did not propose, and the business is still as it was seen.
create function hand_over_business(accepted uuid, seen int, who text, cause uuid, instant timestamptz) returns boolean
language plpgsql security definer set search_path = registry, pg_temp as $$
declare
    scope text[] := string_to_array(nullif(current_setting('app.offices', true), ''), ',');
    move business_move;
begin
    update business_move m set state = 'accepted', decided_at = instant
    where m.id = accepted and m.state = 'proposed'
      and case m.proposed_by when m.from_office then m.to_office else m.from_office end = any (scope)
    returning * into move;
    if not found then
        return false;
    end if;
    update business b set office = move.to_office, revision = b.revision + 1, version = b.version + 1
    where b.id = move.business_id and b.office = move.from_office and b.status = 'active' and b.revision = seen;
    if not found then
        raise exception 'business % is not as it was seen', move.business_id;
    end if;
    insert into audit (actor, office, action, subject, fields, correlation_id, reason)
    select who, office, 'move_business', move.business_id, array['home_office'], cause, move.reason
    from unnest(array[move.from_office, move.to_office]) as office;
    return true;
end
$$;

revoke all on function public_business, lock_public_business, hand_over_business from public;
grant execute on function public_business, lock_public_business, hand_over_business to app_role;

grant select, insert, update on prospective_number to app_role;
grant select, insert, update (state, decided_at) on business_move to app_role;

alter table prospective_number enable row level security, force row level security;
alter table business_move enable row level security, force row level security;

create policy owner_all on prospective_number to registry_owner using (true) with check (true);
create policy owner_all on business_move to registry_owner using (true) with check (true);

create policy own_office on prospective_number to app_role
    using (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]))
    with check (office = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]));
create policy either_office on business_move for select to app_role
    using (array[from_office, to_office] && (select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]);
create policy proposing_office on business_move for insert to app_role
    with check (
        state = 'proposed'
        and proposed_by = any ((select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[])
    );
create policy either_office_declines on business_move for update to app_role
    using (array[from_office, to_office] && (select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[])
    with check (
        state <> 'accepted'
        and array[from_office, to_office] && (select string_to_array(nullif(current_setting('app.offices', true), ''), ','))::text[]
    );
-- The trail of a business goes with it to its new home; the office that left its lines keeps them too.
create policy of_own_business on audit for select to app_role
    using (exists (select from business b where b.id = audit.subject));
