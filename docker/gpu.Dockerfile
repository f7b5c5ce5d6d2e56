# surrogate_nas for NVIDIA GPUs. From the checkout: docker build -f docker/gpu.Dockerfile -t surrogate-nas:gpu .
# PyTorch's wheels bring their own CUDA libraries; the base makes the driver visible.
ARG BASE=nvidia/cuda:12.8.1-runtime-ubuntu24.04

FROM ${BASE} AS build
RUN apt-get update && apt-get install --yes --no-install-recommends python3 python3-venv && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /usr/local/surrogate-nas
WORKDIR /source
COPY constraints.txt .
ENV PIP_CONSTRAINT=/source/constraints.txt
RUN /usr/local/surrogate-nas/bin/pip install --no-cache-dir --disable-pip-version-check torch
COPY . .
RUN /usr/local/surrogate-nas/bin/pip install --no-cache-dir --disable-pip-version-check \
    ".[dashboard,postgresql,ray,tensorboard]"

FROM ${BASE}
# Ubuntu's images have a user 1000 already. Whatever the base brings, no compiler stays.
RUN apt-get update && apt-get install --yes --no-install-recommends python3 && rm -rf /var/lib/apt/lists/* \
    && rm -rf /usr/lib/gcc /usr/bin/cc /usr/bin/c++ /usr/bin/c89* /usr/bin/c99* /usr/bin/cpp* \
    /usr/bin/*gcc* /usr/bin/*g++* /usr/bin/make /usr/local/cuda*/bin/nvcc \
    && (userdel --remove ubuntu 2>/dev/null || true) \
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
