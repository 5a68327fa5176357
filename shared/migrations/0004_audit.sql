-- What people did to parked records and stopped consumers outlives the records: a new history and a rebuild delete those.

alter table parked_action
    drop constraint parked_action_parked_id_fkey,
    add constraint parked_action_parked_id_fkey foreign key (parked_id) references parked_record (id) on delete set null,
    alter column parked_id drop not null,
    add column consumer_group text,
    add column record text;
update parked_action a
set consumer_group = p.consumer_group,
    record = concat_ws(' ', p.topic, p.partition || '@' || p.log_offset, p.type, p.aggregate_id, p.event_id)
from parked_record p where p.id = a.parked_id;
create index parked_action_at on parked_action (at);
comment on column parked_action.record is 'what it was about, as it stood then: topic, place, type, aggregate, event';

-- Whoever writes an action, it says what it was about.
create function describe_parked_action() returns trigger
language plpgsql set search_path = service_schema, pg_temp as $$
begin
    select p.consumer_group,
           concat_ws(' ', p.topic, p.partition || '@' || p.log_offset, p.type, p.aggregate_id, p.event_id)
    into new.consumer_group, new.record
    from parked_record p where p.id = new.parked_id;
    return new;
end
$$;
create trigger parked_action_described before insert on parked_action
    for each row when (new.parked_id is not null) execute function describe_parked_action();
