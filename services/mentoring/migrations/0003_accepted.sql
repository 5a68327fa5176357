-- Sessions of past years, written down from a sheet: they count once the head of their office has accepted them.

alter table session
    add column accepted boolean not null default true,
    add column import_job uuid,
    add constraint session_unaccepted_is_imported check (accepted or imported),
    add constraint session_import_job check (imported = (import_job is not null));
comment on column session.accepted is 'False until the head of its office has accepted what was imported';
comment on column session.import_job is 'The import that wrote it down';

create index session_unaccepted on session (import_job, id) where not accepted;

alter table session_change
    drop constraint session_change_deed_check,
    add constraint session_change_deed_check check (deed in
        ('complete', 'correct', 'restate', 'cancel', 'miss', 'attest', 'confirm', 'dispute', 'accept'));

grant update (accepted) on session to app_role;
