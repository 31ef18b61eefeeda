"""An AWS on this machine that deploys template.yaml: ministack, with what it lacks added from outside.

Run as ministack is, at the top of the repository, in an environment of its own (`requirements.txt` beside this folder:
its pins fight aws-sam-cli's):

    GATEWAY_PORT=4590 BIND_HOST=127.0.0.1 BRIDGE_HOST=172.17.0.1 AUTH=true LAMBDA_EXECUTOR=docker LAMBDA_STRICT=1 \
        python -m tests.e2e.offline.local_aws

Everything is done on private names of the pinned version. It stays a stand-in: it throttles readings of
parameters and what tests ask it to, each function takes two events at a time, the memory of a function is not applied,
and CodeDeploy's minutes are short.
Functions that come as an image run as strictly as Lambda runs them: nothing but /tmp can be written, no capability is
left, and there is no /dev/shm.

It listens on the loopback, and for functions in containers at the engine's bridge (BRIDGE_HOST). Never on more: the
keys of its root user are known to everyone, and it starts containers.
"""
