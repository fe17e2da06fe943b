# syntax=docker/dockerfile:1
# One image for web, worker and beat; docker-compose.yml says which of them a container is.

FROM python:3.12-slim AS build
# The same version as in the Makefile; tests/services/test_compose.py holds them together.
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/app/.venv
WORKDIR /app
# The packages first: they change seldom, and this layer is the large one.
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-dev --all-extras --no-install-project
COPY README.md LICENSE manage.py ./
COPY deid deid
COPY requests_app requests_app
COPY fulfillment fulfillment
COPY getdata getdata
COPY templates templates
COPY static static
COPY docs/pictures docs/pictures
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-dev --all-extras
# Collected as production does it, with hashed names. The key signs nothing: it exists during this command only.
RUN GETDATA_ENV=production SECRET_KEY=only-for-collecting-static-files GETDATA_STATIC_ROOT=/app/staticfiles \
    /app/.venv/bin/python manage.py collectstatic --noinput

FROM python:3.12-slim
RUN groupadd --system --gid 10001 getdata \
    && useradd --system --uid 10001 --gid getdata --home-dir /var/lib/getdata --shell /usr/sbin/nologin getdata \
    && install -d -o getdata -g getdata -m 0700 /var/lib/getdata
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GETDATA_ENV=production \
    GETDATA_VAR=/var/lib/getdata \
    GETDATA_STATIC_ROOT=/app/staticfiles
USER getdata
VOLUME /var/lib/getdata
EXPOSE 8000
# Asks as the proxy in front does, with a host name that ALLOWED_HOSTS accepts.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(u.Request('http://127.0.0.1:8000/healthz', headers={'Host': os.environ['ALLOWED_HOSTS'].split(',')[0].strip(), 'X-Forwarded-Proto': 'https'}), timeout=4)"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--respawn-failed-workers", "getdata.wsgi:application"]
