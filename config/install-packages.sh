#!/bin/sh
# Installs what is missing of config/debian-packages.txt, and nothing else.
#
#   install-packages.sh [--check] [GROUP...]     groups: build test tryton lint; none named: all
#
# --check only says what is missing (exit 1). Nothing missing: returns at once, needs no rights and no network.
# The brokers, Tryton and PostgreSQL are wanted as programs, not as services: they are neither started nor enabled, and
# one that runs already is left alone. Safe to run several times at once.
# shellcheck disable=SC2086  # lists of packages are split into words on purpose
set -eu

folder=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
list=$folder/debian-packages.txt
lock=/run/lock/crossdock-packages.lock
policy=/usr/sbin/policy-rc.d
mark='written by crossdock install-packages.sh'

fail() {
    echo "install-packages: $*" >&2
    exit 1
}

packages_of() { # [group...]
    awk -v wanted="$*" '
        BEGIN { n = split(wanted, g, " "); for (i = 1; i <= n; i++) want[g[i]] = 1 }
        { sub(/#.*/, "") }
        /^\[.*\]/ { group = substr($1, 2, length($1) - 2); seen[group] = 1; next }
        NF { if (n == 0 || group in want) print $1 }
        END { for (w in want) if (!(w in seen)) { print "install-packages: no group " w > "/dev/stderr"; exit 1 } }
    ' "$list"
}

missing_of() { # package...
    # dpkg-query fails when it has never heard of one of them: that is an answer here, not an error.
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p') || true
    for package in "$@"; do
        echo "$installed" | grep -qxF -- "$package" || echo "$package"
    done
}

keep_services_down() {
    # A policy of the machine's owner stays as it is; one that an interrupted run of ours left behind is replaced.
    if [ -e "$policy" ] && ! grep -qF "$mark" "$policy"; then
        return 0
    fi
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    cat >"$policy" <<POLICY
#!/bin/sh
# $mark; removed when it is done
case "\$1" in rabbitmq-server* | mosquitto* | epmd* | postgresql* | tryton-server*) exit 101 ;; esac
exit 0
POLICY
    chmod 755 "$policy"
}

other_postgresql() { # one unit is for all versions
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' 'postgresql-[0-9]*' 2>/dev/null |
        grep -E '^installed postgresql-[0-9]+$' | grep -qvxF 'installed postgresql-15'
}

leave_units_disabled() { # package...
    command -v systemctl >/dev/null 2>&1 || return 0
    for package in "$@"; do
        case $package in
        rabbitmq-server) systemctl --quiet disable rabbitmq-server.service epmd.service epmd.socket 2>/dev/null || true ;;
        tryton-server) systemctl --quiet disable tryton-server.service 2>/dev/null || true ;;
        postgresql-15) other_postgresql || systemctl --quiet disable postgresql.service 2>/dev/null || true ;;
        mosquitto) systemctl --quiet disable mosquitto.service 2>/dev/null || true ;;
        esac
    done
}

apt() {
    DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none \
        apt-get -q -y -o DPkg::Lock::Timeout=900 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

update_lists() {
    # The lock on the lists has no timeout of its own: another apt may hold it for a while.
    for attempt in 1 2 3 4 5 6; do
        apt update && return 0
        echo "install-packages: apt-get update failed (attempt $attempt), trying again in 5 s" >&2
        sleep 5
    done
    fail "apt-get update failed: is the network there, and are /etc/apt/sources.list* right?"
}

install_missing() { # package...
    exec 9>"$lock"
    flock 9
    # Whoever held the lock before may have installed them.
    missing=$(missing_of "$@")
    [ -n "$missing" ] || return 0
    set -- $missing
    echo "install-packages: installing $*"
    keep_services_down
    update_lists
    # 9>&-: nothing that a package starts may keep the lock.
    apt install --no-install-recommends "$@" 9>&- || fail "apt-get install failed for: $*"
    leave_units_disabled "$@"
}

check_only=no
if [ "${1-}" = --check ]; then
    check_only=yes
    shift
fi
packages=$(packages_of "$@") || exit 1
command -v dpkg-query >/dev/null 2>&1 ||
    fail "this is no Debian: install what corresponds to these packages yourself:" $packages
missing=$(missing_of $packages)
[ -n "$missing" ] || exit 0
if [ "$check_only" = yes ]; then
    echo "missing Debian packages (make deps installs them):" $missing >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 ||
        fail "these packages are missing, and installing them needs root or sudo:" $missing
    echo "install-packages: by sudo:" $missing
    exec sudo -- "$0" "$@"
fi
install_missing $packages
