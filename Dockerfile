# One image for all services and for the one-shot jobs of an installation:
#   python -m services.<name>      (services/catalog.py lists them)
#   relevo migrate | topics | secrets
FROM python:3.13-slim AS build
ARG UV_VERSION=0.13.9
ARG SETUPTOOLS_VERSION=84.2.1
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1
RUN python -m venv /tools && /tools/bin/pip install --no-cache-dir --quiet "uv==${UV_VERSION}" "setuptools==${SETUPTOOLS_VERSION}"
# Same path as in the last stage: scripts and pyvenv.cfg name it.
RUN python -m venv --without-pip /opt/relevo/venv
# The lock alone decides this layer; a change of code does not install again.
COPY requirements.txt /build/requirements.txt
RUN /tools/bin/uv pip sync --quiet --require-hashes --no-build \
      --python /opt/relevo/venv/bin/python /build/requirements.txt
COPY pyproject.toml README.md requirements.in requirements-local.in /build/
COPY shared /build/shared
COPY services /build/services
# .dockerignore leaves out what only a checkout has: local, demo, bench.
COPY relevo /build/relevo
RUN /tools/bin/pip wheel --no-cache-dir --quiet --no-deps --no-build-isolation --wheel-dir /build/dist /build \
 && /tools/bin/uv pip install --quiet --no-deps --python /opt/relevo/venv/bin/python /build/dist/*.whl

FROM python:3.13-slim
# A fixed number, so that volumes and policies can name the user.
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin relevo
# Owned by root: a service cannot change its own code.
COPY --from=build /opt/relevo /opt/relevo
ENV PATH=/opt/relevo/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RELEVO_HOST=0.0.0.0
WORKDIR /opt/relevo
USER relevo
CMD ["relevo", "--help"]
