-- The end of a statement that is its own transaction: it takes effect only if each of its writes has touched the rows that
-- it was meant to touch, and if what it rests on still holds. Else nothing of it has happened.
create function refuse_unless(holds boolean, touched bigint[], meant bigint[]) returns void
language plpgsql as $$
begin
    if holds is not true or touched <> meant then
        raise exception 'touched % rows, meant %', touched, meant using errcode = 'serialization_failure';
    end if;
end
$$;
