# certsvc: one image for serve, worker and relay. No keys, no settings, no personal data are baked in.
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
COPY --from=pages /build/certsvc/web/built ./certsvc/web/built
COPY migrations ./migrations
COPY keys ./keys
COPY openapi ./openapi
RUN mkdir var && chown certsvc var
ENV PATH=/opt/certsvc/bin:$PATH PYTHONPATH=/srv/certsvc PYTHONUNBUFFERED=1 \
    CERTSVC_FONT_DIRS=/opt/fonts CERTSVC_HOST=0.0.0.0
USER certsvc
VOLUME ["/srv/certsvc/var"]
EXPOSE 8700
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8700/readyz', timeout=2)"]
ENTRYPOINT ["python", "-m", "certsvc"]
CMD ["serve"]
