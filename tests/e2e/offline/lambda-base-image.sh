#!/usr/bin/env bash
# Builds a stand-in for the AWS Lambda base image of Python 3.13, where no container registry can be reached but Debian's
# packages and Python's index can. It is Debian, not Amazon Linux: never push it.
#
#   usage: lambda-base-image.sh TAG PATH_OF_aws-lambda-rie        (the emulator comes with aws-sam-cli)
#
# Needs root, Docker, debootstrap, a CPython 3.13 of its own prefix (PYTHON313, else looked for) and its pip.
# The machine's CA bundle and pip settings go into the image, so that the project's Dockerfile needs none.
# Takes half a minute the first time, and some seconds after: the root file system is kept in WORK.
set -euo pipefail
tag=${1:?usage: lambda-base-image.sh TAG PATH_OF_aws-lambda-rie}
rie=${2:?usage: lambda-base-image.sh TAG PATH_OF_aws-lambda-rie}
work=${WORK:-build/lambda-base-image}
ca=${CA:-/etc/ssl/certs/ca-certificates.crt}
root=$work/rootfs

fail() { echo "error: $1" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "the stand-in base image can only be made by root: let Docker reach public.ecr.aws instead"
command -v debootstrap >/dev/null || fail "debootstrap is missing: apt install debootstrap"

find_python() {
  local candidate
  for candidate in "${PYTHON313:-}" python3.13 python3 "$HOME"/.pyenv/versions/3.13*/bin/python3.13; do
    [ -n "$candidate" ] && "$candidate" -c 'import sys
sys.exit(sys.version_info[:2] != (3, 13) or sys.base_prefix == "/usr")' 2>/dev/null && { echo "$candidate"; return; }
  done
  fail "no CPython 3.13 outside /usr found: set PYTHON313"
}
python=$(find_python)
prefix=$("$python" -c 'import sys; print(sys.base_prefix)')
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | head -n 1)

if [ ! -f "$root/.done" ]; then
  rm -rf "$root"; mkdir -p "$work"
  debootstrap --variant=minbase \
    --include=libssl3,libffi8,libsqlite3-0,libexpat1,libreadline8,libncursesw6,libbz2-1.0,liblzma5,zlib1g,libuuid1 \
    bookworm "$root" ${mirror:+"$mirror"} >"$work/debootstrap.log" 2>&1 || fail "debootstrap failed: see $work/debootstrap.log"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}/*
  touch "$root/.done"
fi

# CPython under /var/lang, as in the AWS image.
rm -rf "$root/var/lang"; mkdir -p "$root"/var/{lang,task,runtime} "$root"/{opt,usr/local/bin}
tar -C "$prefix" -c --exclude='./lib/python3.13/test' --exclude='./lib/python3.13/idlelib' --exclude='./lib/python3.13/tkinter' \
  --exclude='./lib/python3.13/config-3.13*' --exclude='*.a' --exclude='__pycache__' --exclude='./lib/python3.13/site-packages/*' \
  --exclude='./bin/pip*' --exclude='./bin/idle*' --exclude='./bin/pydoc*' ./bin ./lib | tar -C "$root/var/lang" -x --no-same-owner
site=$root/var/lang/lib/python3.13/site-packages
mkdir -p "$site"
echo /var/lang/lib >"$root/etc/ld.so.conf.d/lang.conf"; chroot "$root" /sbin/ldconfig

# The runtime interface client, boto3 and pip, by the machine's pip and its settings.
"$python" -m pip install -q --no-compile --root-user-action=ignore --disable-pip-version-check --upgrade \
  --target "$site" awslambdaric boto3 pip snapshot-restore-py
rm -rf "$site/bin"
"$python" -m compileall -q -s "$root" -p / "$root/var/lang/lib/python3.13" >/dev/null || true # lib2to3's tests never compile
for name in pip pip3 pip3.13; do
  printf '#!/bin/sh\nexec /var/lang/bin/python3.13 -m pip "$@"\n' >"$root/var/lang/bin/$name"; chmod 755 "$root/var/lang/bin/$name"
done

install -m 755 "$rie" "$root/usr/local/bin/aws-lambda-rie"
cat >"$root/var/runtime/bootstrap" <<'B'
#!/bin/sh
export AWS_EXECUTION_ENV=AWS_Lambda_python3.13
export PYTHONPATH="${PYTHONPATH:+$PYTHONPATH:}/opt/python/lib/python3.13/site-packages:/opt/python"
exec ${AWS_LAMBDA_EXEC_WRAPPER:-} /var/lang/bin/python3.13 -m awslambdaric "$_HANDLER"
B
cat >"$root/lambda-entrypoint.sh" <<'B'
#!/bin/sh
if [ $# -ne 1 ]; then echo "entrypoint requires the handler name to be the first argument" >&2; exit 142; fi
export _HANDLER="$1"
if [ -z "${AWS_LAMBDA_RUNTIME_API}" ]; then exec /usr/local/bin/aws-lambda-rie /var/runtime/bootstrap; fi
exec /var/runtime/bootstrap
B
chmod 755 "$root/var/runtime/bootstrap" "$root/lambda-entrypoint.sh"

mkdir -p "$root/etc/ssl/certs"; install -m 644 "$ca" "$root/etc/ssl/certs/ca-certificates.crt"
{ printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\ndisable-pip-version-check = 1\ntimeout = 180\n'
  for key in index-url trusted-host proxy; do
    value=$("$python" -m pip config get "global.$key" 2>/dev/null) && [ -n "$value" ] && echo "$key = $value"
  done; true; } >"$root/etc/pip.conf"

tar -C "$root" --exclude=./.done --exclude='./proc/*' --exclude='./sys/*' --numeric-owner -c . | docker import \
  -c 'ENV LANG=en_US.UTF-8' -c 'ENV TZ=:/etc/localtime' -c 'ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin' \
  -c 'ENV LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib' \
  -c 'ENV LAMBDA_TASK_ROOT=/var/task' -c 'ENV LAMBDA_RUNTIME_DIR=/var/runtime' -c 'WORKDIR /var/task' \
  -c 'ENTRYPOINT ["/lambda-entrypoint.sh"]' -m 'stand-in for the AWS Lambda base image' - "$tag" >/dev/null
