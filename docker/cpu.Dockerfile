# surrogate_nas for processors. From the checkout: docker build -f docker/cpu.Dockerfile -t surrogate-nas:cpu .
FROM python:3.11-slim-bookworm AS build
# An index that has PyTorch without CUDA makes the image several gigabytes smaller.
ARG TORCH_INDEX=""
RUN python -m venv /usr/local/surrogate-nas
WORKDIR /source
COPY constraints.txt .
ENV PIP_CONSTRAINT=/source/constraints.txt
RUN /usr/local/surrogate-nas/bin/pip install --no-cache-dir --disable-pip-version-check \
    ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch
COPY . .
RUN /usr/local/surrogate-nas/bin/pip install --no-cache-dir --disable-pip-version-check \
    ".[dashboard,postgresql,tensorboard]"

FROM python:3.11-slim-bookworm
# Whatever the base brings, no compiler stays.
RUN rm -rf /usr/lib/gcc /usr/bin/cc /usr/bin/c++ /usr/bin/c89* /usr/bin/c99* /usr/bin/cpp* \
    /usr/bin/*gcc* /usr/bin/*g++* /usr/bin/make \
    && useradd --create-home --uid 1000 nas \
    && mkdir -p /srv/runs /data && chown nas:nas /srv /srv/runs
COPY --from=build /usr/local/surrogate-nas /usr/local/surrogate-nas
ENV PATH=/usr/local/surrogate-nas/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    SURROGATE_NAS_DATA=/data
USER nas
WORKDIR /srv
VOLUME ["/data", "/srv/runs"]
ENTRYPOINT ["surrogate-nas"]
CMD ["--help"]
