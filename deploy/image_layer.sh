#!/bin/sh
# Fills the environment that is the image's own layer. The Dockerfile and `make image-size` both run it, so that what is
# measured is what is shipped. Nothing is trimmed: tests and headers inside packages are 20 MB, and some import them.
#   image_layer.sh TOOLS_PYTHON ENVIRONMENT dependencies|project
set -eu
tools=$1 environment=$2 step=$3
install() {
  "$tools" -m pip --quiet --disable-pip-version-check --python "$environment/bin/python" install --no-compile "$@"
}
case $step in
  dependencies)
    "$tools" -m venv --without-pip "$environment"
    install --require-hashes --only-binary :all: -r requirements.lock
    ;;
  project)
    wheels=$(mktemp -d)
    "$tools" -m hatchling build -t wheel -d "$wheels" >/dev/null
    install --no-index --no-deps "$wheels"/*.whl
    rm -r "$wheels"
    # unchecked: right whatever times the layer gives the sources; nothing is compiled again at run time
    "$environment/bin/python" -m compileall -q --invalidation-mode unchecked-hash "$environment/lib"
    ;;
esac
