# The control plane and the router, one image for both (docker-compose.yml). `npm run image` builds it with no image registry,
# from the stack image. With one: `npm ci && docker build -t paas .`
ARG BASE=debian:bookworm-slim
FROM ${BASE}

RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl git iproute2 iptables \
 && rm -rf /var/lib/apt/lists/* /var/log/*

WORKDIR /srv/paas
# With node_modules: it carries Node 24 itself, and no package of it runs a script.
COPY . .
RUN ln -s /srv/paas/node_modules/.bin/node /usr/local/bin/node && node --version

# The image that builds and dynos run in: the engine must have it, or pull it.
ARG STACK_IMAGE=
ENV PAAS_STACK_IMAGE=${STACK_IMAGE} PAAS_DATA_DIR=/var/lib/paas
# A new volume takes this folder over: router and control plane may then start in any order.
RUN mkdir -p -m 0700 /var/lib/paas/run
VOLUME /var/lib/paas
# TypeScript is read once, here, and not by each process that starts (a second, and 20 MB that it would keep).
ENV NODE_COMPILE_CACHE=/srv/paas/node_modules/.cache/node
RUN node --input-type=module --eval 'await import("/srv/paas/server/main.ts")' && { node proxy/main.ts 2> /dev/null || true; }
CMD ["node", "--max-semi-space-size=1", "server/main.ts"]
