#!/bin/sh
# Makes the passwords and tokens of docker-compose.temporal.yml and of `npm run production`, once, into a folder: nothing
# secret stands in a file of the repository, and every installation has its own.
#   make-secrets.sh FOLDER [HOST:PORT of PostgreSQL]
set -eu
cd "$1"
umask 022
for name in postgres_password selfheal_password api_token webhook_token; do
  [ -s "$name" ] || head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$name"
done
printf 'postgres://selfheal:%s@%s/selfheal' "$(cat selfheal_password)" "${2:-postgres:5432}" >database_url
