-- Two unreadable records that name one event's id are two: what each says is kept.
update parked_record
set identity = identity || ' ' || encode(coalesce(value_digest, sha256('')), 'hex')
where version is null and event_id is not null and identity = 'event ' || event_id;

comment on column parked_record.identity is 'The event''s id, with the value''s digest where it cannot be read; where it tells no id, place and digest: the same record met again is not parked twice';
