# certsvc: one image for serve, worker and relay. No private keys, no settings, no personal data are baked in.
# It runs as 10001 with a read-only root: only var and /tmp are written (compose.yaml shows how).
# Build:  docker build -t certsvc .
# Run:    docker run -e CERTSVC_MASTER_KEY_FILE=/run/secrets/master.key … certsvc serve
FROM node:22-bookworm-slim AS pages
WORKDIR /build/certsvc/web/ui
COPY certsvc/web/ui/package.json certsvc/web/ui/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY certsvc/web/ui ./
COPY certsvc/web/pages ../pages
RUN npm run build

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements.lock pyproject.toml README.md ./
RUN python -m venv /opt/certsvc \
 && /opt/certsvc/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY certsvc ./certsvc
# Fonts by package name, pinned and checked (certsvc/rendering/fonts.toml); apt lists are needed for the Debian ones.
RUN apt-get update \
 && PYTHONPATH=/build /opt/certsvc/bin/python -m certsvc.rendering.font_setup /opt/fonts \
 && rm -rf /var/lib/apt/lists/*

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /srv/certsvc --create-home certsvc
WORKDIR /srv/certsvc
COPY --from=build /opt/certsvc /opt/certsvc
COPY --from=build /opt/fonts /opt/fonts
COPY certsvc ./certsvc
RUN rm -rf certsvc/web/ui && python -m compileall -q certsvc
COPY --from=pages /build/certsvc/web/built ./certsvc/web/built
COPY migrations ./migrations
COPY keys ./keys
COPY openapi ./openapi
RUN mkdir var && chown 10001 var && chmod 0700 var
ENV PATH=/opt/certsvc/bin:$PATH PYTHONPATH=/srv/certsvc PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    CERTSVC_FONT_DIRS=/opt/fonts CERTSVC_HOST=0.0.0.0 CERTSVC_METRICS_PORT=9464
# By number, so that a platform can see that it is not root.
USER 10001
VOLUME ["/srv/certsvc/var"]
# 9464 is the door of operators: on this machine alone unless CERTSVC_METRICS_HOST says otherwise; never publish it.
EXPOSE 8700
# For serve; worker and relay answer at 9464 only. Ten seconds: a database that does not answer is given five.
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8700/readyz', timeout=9)"]
ENTRYPOINT ["python", "-m", "certsvc"]
CMD ["serve"]
