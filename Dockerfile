# The worker's image: built from the lock in one stage, copied without tools into the next.
# The base is pinned by tag, not by digest: whoever builds releases pins the digest their registry serves.
FROM python:3.11-slim-bookworm AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build

# Two environments: one that builds the wheel and stays here, one without pip that is shipped.
COPY requirements-build.lock requirements.lock ./
COPY deploy/image_layer.sh deploy/
RUN python -m venv tools \
 && tools/bin/pip install --require-hashes --only-binary :all: -r requirements-build.lock \
 && sh deploy/image_layer.sh tools/bin/python /opt/sluice dependencies

COPY pyproject.toml README.md ./
COPY models/stage_a models/stage_a
COPY deploy/strategies deploy/strategies
COPY deploy/topics.yaml deploy/topics.yaml
COPY service service
RUN sh deploy/image_layer.sh tools/bin/python /opt/sluice project

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="sluice" \
      org.opencontainers.image.description="Streaming auto-moderation for ads on Kafka" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=builder /opt/sluice /opt/sluice
# Nothing is written at run time, so a read-only root file system works; the web server listens for other containers.
# onnxruntime sends events to its makers unless it is told not to before it is loaded.
ENV PATH=/opt/sluice/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1 \
    SLUICE_WEB_HOST=0.0.0.0
USER 10001:10001
WORKDIR /tmp
EXPOSE 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('SLUICE_WEB_PORT', '9464') + '/healthz', timeout=4)"]
ENTRYPOINT ["sluice"]
CMD ["worker"]
