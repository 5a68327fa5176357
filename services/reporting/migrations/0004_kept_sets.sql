-- A set that answered until a switch is kept, and fed, for a while, so that the switch can be taken back
-- (docs/decisions/0019).

alter table read_model_set
    drop constraint read_model_set_state_check,
    add constraint read_model_set_state_check check (state in ('building', 'live', 'kept', 'retired')),
    add column kept_until timestamptz;
create unique index read_model_set_kept on read_model_set (state) where state = 'kept';
comment on column read_model_set.kept_until is 'of a kept set: until then it is fed, and may answer again';

alter table read_model_pointer add column edition bigint not null default 1;
update read_model_pointer set edition = version;
comment on column read_model_pointer.edition is 'the first part of every position: rises with each switch, also with one back to a lower version';

-- Whoever moves the pointer, the position of answers does not go back.
create function raise_edition() returns trigger
language plpgsql as $$
begin
    new.edition := greatest(old.edition + 1, new.version);
    return new;
end
$$;
create trigger read_model_pointer_edition before update of version on read_model_pointer
    for each row when (old.version <> new.version) execute function raise_edition();
