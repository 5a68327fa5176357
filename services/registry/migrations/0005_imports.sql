-- Imports of sheets of businesses.

\ir ../../../shared/imports/tables.sql
