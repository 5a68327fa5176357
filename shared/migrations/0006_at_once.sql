-- Part of a statement that is its own transaction: it takes effect only if each of its writes has touched as many rows as
-- were meant (null: as many as there were), and if what it rests on holds. Else nothing of it has happened.
create function refuse_unless(holds boolean, touched bigint[], meant bigint[]) returns void
language plpgsql as $$
begin
    for number in 1 .. cardinality(touched) loop
        if holds is not true or touched[number] <> meant[number] then
            raise exception 'touched % rows, meant %', touched, meant using errcode = 'serialization_failure';
        end if;
    end loop;
end
$$;
