# One image a service, all on the same layers: docker build --target producer|search|alerting|simulator .
# Only long-known instructions: no frontend is fetched, so it builds where a registry of images can't be reached.
ARG NODE_IMAGE=node:24-bookworm-slim

FROM ${NODE_IMAGE} AS base
WORKDIR /app
ENV NODE_ENV=production

# What dependencies follow from, and nothing else: the layers after it stay as they are while only code changes.
FROM base AS manifests
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json ! -path './patches/*' -delete \
 && find . -type d -empty -delete

# patch-package, at the version of the lockfile; `--omit=dev` leaves it out below.
FROM manifests AS patch-tool
RUN npm ci --workspaces=false --include=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM manifests AS service-modules
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
    --workspace services/producer --workspace services/search --workspace services/alerting
COPY --from=patch-tool /app/node_modules /patch-tool/node_modules
RUN node /patch-tool/node_modules/patch-package/index.js --error-on-fail

FROM manifests AS simulator-modules
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --workspace packages/zendesk-simulator

# Modules stand beside the rooms too, where two versions of one are needed; the code is laid over them. A room that nothing
# links to is left out; --help then shows that every import still finds its file.
FROM base AS service-code
COPY --from=service-modules /app/node_modules node_modules
COPY --from=service-modules /app/packages packages
COPY --from=service-modules /app/services services
COPY packages packages
COPY services services
RUN for room in packages/*; do \
      [ -e "node_modules/@ticket-stream/${room#packages/}" ] && [ -d "$room/src" ] || rm -r "$room"; \
    done \
 && for service in services/*; do node "$service/src/main.ts" --help >/dev/null || exit 1; done

FROM base AS simulator-code
COPY --from=simulator-modules /app/node_modules node_modules
COPY --from=simulator-modules /app/packages packages
COPY packages packages
RUN for room in packages/*; do [ -e "node_modules/@ticket-stream/${room#packages/}" ] || rm -r "$room"; done \
 && node packages/zendesk-simulator/src/main.ts --help >/dev/null

# Runs as nobody in particular, on a file system that may be read-only; what it keeps is in the volume.
FROM base AS runtime
RUN mkdir /data && chown 1000:1000 /data
ENV DATA_DIR=/data
VOLUME /data
USER 1000:1000

FROM runtime AS simulator
COPY --from=simulator-code /app /app
EXPOSE 7780
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:7780/simulator/status').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "packages/zendesk-simulator/src/main.ts"]
CMD ["--port", "7780"]

FROM runtime AS service
COPY --from=service-code /app /app

# Inside a container every address is the container's own; what is published of it, and where, is the engine's to say.
FROM service AS alerting
ENV ALERTING_PORT=7701 ALERTING_HOST=0.0.0.0
EXPOSE 7701
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ALERTING_PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "services/alerting/src/main.ts"]

FROM service AS search
ENV SEARCH_PORT=7700 SEARCH_HOST=0.0.0.0
EXPOSE 7700
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.SEARCH_PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "services/search/src/main.ts"]

FROM service AS producer
ENV PRODUCER_PORT=7702 PRODUCER_HOST=0.0.0.0
EXPOSE 7702
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PRODUCER_PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# A small young generation and a bounded heap keep memory flat while pages pass through (peak over a 1 GB page:
# 252 → 205 MB); undici's parser is WebAssembly, whose optimising compiler takes 7 MB and gains nothing here.
ENTRYPOINT ["node", "--max-semi-space-size=4", "--max-old-space-size=512", "--liftoff-only", "services/producer/src/main.ts"]
