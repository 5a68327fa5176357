-- Sheets of past sessions name businesses; they are found by the name, folded as the registry folds it.

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

create index business_replica_name on business_replica (mentoring.fold_trade_name(trade_name)) where version > 0;
