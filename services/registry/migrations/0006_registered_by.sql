-- What was done before a move stays with the office that did it: so does the registration. Rows are not rewritten: null
-- is a business that never moved, and its office registered it.

alter table business add column registered_by text;
comment on column business.registered_by is 'the office that registered a business that moved; null: its office, it never moved';

update business b set registered_by = first.from_office
from (
    select distinct on (business_id) business_id, from_office
    from business_move where state = 'accepted' order by business_id, decided_at, id
) as first
where b.id = first.business_id;

drop function public_business, lock_public_business;

-- What anybody in the province may know of a business, for the office that it is to move to. Nothing without a scope.
create function public_business(wanted uuid) returns table (
    id uuid, office text, trade_name text, kinds text[], kelurahan text, status text, registered_on date, closed_on date,
    registered_by text, revision int, version bigint
)
language sql stable security definer set search_path = registry, pg_temp as $$
    select b.id, b.office, b.trade_name, b.kinds, b.kelurahan, b.status, b.registered_on, b.closed_on,
           coalesce(b.registered_by, b.office), b.revision, b.version
    from business b
    where b.id = wanted and nullif(current_setting('app.offices', true), '') is not null
$$;

-- The same with the row locked until the end of the transaction.
create function lock_public_business(wanted uuid) returns table (
    id uuid, office text, trade_name text, kinds text[], kelurahan text, status text, registered_on date, closed_on date,
    registered_by text, revision int, version bigint
)
language sql security definer set search_path = registry, pg_temp as $$
    select b.id, b.office, b.trade_name, b.kinds, b.kelurahan, b.status, b.registered_on, b.closed_on,
           coalesce(b.registered_by, b.office), b.revision, b.version
    from business b
    where b.id = wanted and nullif(current_setting('app.offices', true), '') is not null
    for update
$$;

-- As before; the first move writes down who registered the business, and no later one changes it.
create or replace function hand_over_business(accepted uuid, seen int, who text, cause uuid, instant timestamptz)
returns boolean
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
    update business b
    set office = move.to_office, registered_by = coalesce(b.registered_by, move.from_office),
        revision = b.revision + 1, version = b.version + 1
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

revoke all on function public_business, lock_public_business from public;
grant execute on function public_business, lock_public_business to app_role;
