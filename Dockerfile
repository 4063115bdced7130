# One image, two entries: a Prefect worker (`worker`, the default) and a Lambda function (`lambda`).
# docs/image.md says how it is built and run, and what of that nobody has tried yet.

# A base of one day, so that two builds are of the same one; the image stage adds today's fixes.
# A release pins it by its digest: --build-arg BASE=debian@sha256:...
ARG BASE=debian:bookworm-20251020-slim

FROM ${BASE} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ARG UV_VERSION=0.13.9
# Behind a company's own certificate authority: --secret id=ca,src=company.crt (this stage only).
# Debian's archive keeps only the newest security fix of a package: a pinned version vanishes.
# hadolint ignore=DL3008
RUN --mount=type=secret,id=ca,target=/usr/local/share/ca-certificates/company.crt \
    apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-pip \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m pip install --no-cache-dir --break-system-packages "uv==${UV_VERSION}"
ENV UV_PYTHON=/usr/bin/python3.11 \
    UV_PYTHON_DOWNLOADS=never \
    UV_LINK_MODE=copy \
    UV_SYSTEM_CERTS=true
WORKDIR /app
# Compiled here, since nothing can be written where it runs; a test of what is inside can do without.
ARG UV_COMPILE_BYTECODE=1
# The dependencies change less often than the code: they have a layer of their own.
COPY pyproject.toml uv.lock README.md ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-group dev --no-install-project
COPY legacy legacy
COPY naverplace naverplace
COPY tasks tasks
COPY flows flows
# Editable: one copy of the library, and flows/, tasks/ and legacy/ are found from any folder.
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-group dev \
    && rm -f .venv/.lock \
    && python3 -m compileall -q legacy naverplace tasks flows

FROM ${BASE} AS image
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# An older Chromium is an unsafe one, and its driver must be of the same version.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get upgrade -y \
    && apt-get install -y --no-install-recommends \
        ca-certificates chromium chromium-driver fonts-nanum python3 tini tzdata \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*.log /var/log/apt \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
RUN groupadd --gid 10001 naverplace \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp \
        --shell /usr/sbin/nologin naverplace
# Whatever is written goes to /tmp: the rest may be read-only, as it is in Lambda.
ENV PATH=/app/.venv/bin:/usr/local/bin:/usr/bin:/bin \
    LANG=C.UTF-8 \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TINI_SUBREAPER=1 \
    DO_NOT_TRACK=1 \
    GX_ANALYTICS_ENABLED=false \
    NAVERPLACE_HOME=/app \
    NAVERPLACE_PARITY__REPORT_DIR=/tmp/naverplace/parity \
    PREFECT_HOME=/tmp/prefect \
    PREFECT_LOGGING_SETTINGS_PATH=/app/deployments/logging.yml \
    PREFECT_SERVER_ALLOW_EPHEMERAL_MODE=false \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PREFECT_WORKER_WEBSERVER_HOST=127.0.0.1 \
    PREFECT_WORKER_WEBSERVER_PORT=8080
WORKDIR /app
COPY --from=build /app /app
COPY prefect.yaml ./
COPY rules rules
COPY deployments deployments
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="naverplace" \
    org.opencontainers.image.description="Sends the right message once to every customer of a Naver Place store" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
# On Fargate a volume there keeps these rights, so that all else may be read-only.
VOLUME ["/tmp"]
USER 10001:10001
# For a worker: Lambda and ECS do not look at it (ECS has its own in the task definition).
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["/app/deployments/image/entry", "healthy"]
ENTRYPOINT ["/usr/bin/tini", "--", "/app/deployments/image/entry"]
CMD ["worker"]
