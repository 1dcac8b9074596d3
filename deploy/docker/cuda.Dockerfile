# One image with the studio engines for an NVIDIA GPU: for whole runs, for steps that ask for a GPU, for a worker of a queue.
# What it does is the command it is started with; it holds no secret and no model.
#
#   docker build -f deploy/docker/cuda.Dockerfile -t octavia-dag-cuda:0.1.0 .
FROM nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04
ENV DEBIAN_FRONTEND=noninteractive PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Ubuntu 24.04 has Python 3.12; a compiler, because one of the requirements comes as source.
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends software-properties-common \
    && add-apt-repository -y ppa:deadsnakes/ppa \
    && apt-get install -y -qq --no-install-recommends python3.11 python3.11-venv python3.11-dev gcc ffmpeg \
    && rm -rf /var/lib/apt/lists/*
# The folders of the home are there, so that a volume mounted over it for the first time takes their owner.
RUN useradd --uid 10001 --create-home octavia \
    && install -d -o octavia -g octavia /octavia/home /octavia/home/dagster /octavia/models /opt/dagster/dagster_home
WORKDIR /octavia/code
RUN python3.11 -m venv /octavia/venv
ENV PATH=/octavia/venv/bin:$PATH
COPY pyproject.toml README.md LICENSE ./
COPY deploy/studio/cuda.txt deploy/studio/cuda.txt
COPY octavia_dag octavia_dag
RUN pip install -c deploy/studio/cuda.txt '.[studio,fleet]'
COPY workspace.yaml ./
USER 10001
ENV OCTAVIA_HOME=/octavia/home OCTAVIA_MODELS=/octavia/models DAGSTER_HOME=/octavia/home/dagster
CMD ["dagster", "api", "grpc", "-h", "0.0.0.0", "-p", "4000", "-m", "octavia_dag.definitions"]
