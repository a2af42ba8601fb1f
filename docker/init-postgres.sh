#!/bin/sh
# Run by the postgres image when its data folder is new: selfheal's own user and database beside Temporal's.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$(cat /secrets/selfheal_password)" --username "$POSTGRES_USER" <<'SQL'
CREATE ROLE selfheal LOGIN PASSWORD :'password';
CREATE DATABASE selfheal OWNER selfheal;
SQL
