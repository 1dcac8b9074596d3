# One image without a GPU, for the webserver, the daemon, the code server, a worker of what needs none, and the command.
# What it does is the command it is started with; it holds no secret and no model.
#
#   docker build -f deploy/docker/cpu.Dockerfile -t octavia-dag-cpu:0.1.0 .
FROM python:3.11-slim-bookworm
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ffmpeg \
    && rm -rf /var/lib/apt/lists/*
# The folders of the home are there, so that a volume mounted over it for the first time takes their owner.
RUN useradd --uid 10001 --create-home octavia \
    && install -d -o octavia -g octavia /octavia/home /octavia/home/dagster /octavia/models /opt/dagster/dagster_home
WORKDIR /octavia/code
RUN python -m venv /octavia/venv
ENV PATH=/octavia/venv/bin:$PATH
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY octavia_dag octavia_dag
RUN pip install -c constraints.txt '.[fleet]'
COPY workspace.yaml ./
USER 10001
ENV OCTAVIA_HOME=/octavia/home OCTAVIA_MODELS=/octavia/models DAGSTER_HOME=/octavia/home/dagster
EXPOSE 3000 4000
CMD ["dagster", "api", "grpc", "-h", "0.0.0.0", "-p", "4000", "-m", "octavia_dag.definitions"]
