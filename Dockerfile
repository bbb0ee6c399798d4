# mmbench with its datasets and Milmer; runs the demo as a user without rights.
#   docker build -t mmbench . && docker run --rm mmbench
#   docker run --rm mmbench mmbench run concat mfeat
FROM python:3.11-slim
RUN useradd --create-home mmbench
USER mmbench
WORKDIR /home/mmbench
COPY --chown=mmbench . source
RUN python -m venv .venv
RUN .venv/bin/python -m pip install --no-cache-dir -c source/constraints.txt ./source ./source/datasets ./source/plugins/milmer
ENV PATH="/home/mmbench/.venv/bin:$PATH"
CMD ["python", "-m", "mmbench_milmer.demo"]
