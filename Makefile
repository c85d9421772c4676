# make demo    watch a simulated city lose a center and get it back (no root, no servers)
# make test    run the tests (as root it first installs the servers they talk to)
# make check   format, lint, types, import contracts, tests: what must be green before a commit
# make bench   measure what we claim, beside fping, blackbox_exporter and others
# make bundle  pack all that a machine without a network needs: dist/*.tar.gz (KEY=private.pem signs it)
# make deb     the same as a Debian package, for the Debian it is made on
# make docs    write anew what is generated: schemas and references (tests hold them to the code)
# make lock    renew the lock files from pyproject.toml

PYTHON ?= python3
JOBS ?= 3
BIN := .venv/bin
SERVERS := mosquitto mosquitto-clients prometheus prometheus-alertmanager prometheus-blackbox-exporter nginx-light openssl \
	snmpd snmp nut-server nut-client \
	unbound bind9-dnsutils chrony openssh-server openssh-client \
	fping monitoring-plugins-basic iproute2 nftables tcpdump util-linux procps strace libfaketime \
	kamailio kamailio-tls-modules sip-tester python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good \
	postgresql mariadb-server redis-server tshark sipsak prometheus-snmp-exporter \
	rsyslog rsyslog-gnutls smstools gammu-smsd libdbd-sqlite3 shellcheck
PYTHONS ?= 3.11
ARCHES ?= $(shell uname -m)

.DEFAULT_GOAL := help
.PHONY: help demo test test-long check bench bundle deb docs lock servers clean

help:
	@sed -n 's/^# //p' $(MAKEFILE_LIST) | head -9

demo: .venv/ready
	@$(BIN)/command-monitor demo $(DEMO)

test: .venv/ready servers
	@$(BIN)/pytest -n $(JOBS) --no-loadscope-reorder $(TESTS)

test-long: SERVERS += debootstrap systemd-container debhelper lintian
test-long: .venv/ready servers
	@$(BIN)/pytest -m long $(TESTS)

check: .venv/ready servers
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pytest -n $(JOBS) --no-loadscope-reorder $(TESTS)

bench: .venv/ready servers
	@set -e; for bench in tests/bench/bench_*.py; do echo "== $$bench"; \
		$(BIN)/python -m tests.bench.$$(basename $$bench .py); echo; done

# Several, say PYTHONS="3.11 3.13" ARCHES="x86_64 aarch64", make one bundle for all of them.
bundle: .venv/ready
	@$(BIN)/python deploy/bundle/build.py $(PYTHONS:%=--python %) $(ARCHES:%=--arch %) $(KEY:%=--key %)

# For the Debian it is made on; needs debhelper, and DEBFULLNAME and DEBEMAIL.
deb: bundle
	@deploy/bundle/deb.sh "$$(ls -t dist/*.tar.gz | head -1)" dist

docs: .venv/ready
	@for kind in inventory profile roster settings; do $(BIN)/command-monitor schema $$kind > config/schema/$$kind.json; done
	@$(BIN)/command-monitor schema --markdown > docs/configuration.md
	@$(BIN)/command-monitor asyncapi > docs/asyncapi.yaml
	@$(BIN)/python -m monitor.outputs.prometheus.reference docs/metrics.md
	@$(BIN)/python -m tests.probes.reference
	@git diff --stat -- config/schema docs

lock: .venv/ready
	@$(BIN)/uv --version >/dev/null 2>&1 || $(BIN)/pip install --quiet uv
	@for lock in "" -dev; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-header --no-annotate --no-emit-index-url \
		$${lock:+--group dev} pyproject.toml -o requirements$$lock.lock; done
	@echo pip | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-header --no-annotate --no-emit-index-url - -o deploy/bundle/pip.lock

# Servers that the tests and benches talk to. Only root can install them; without them their tests are left out,
# each with a word. They are stopped again: the tests start their own, on ports of their own.
servers:
	@missing=$$(for p in $(SERVERS); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "Not root, or no apt-get: tests that need these are left out:" $$missing; exit 0; fi; \
	echo "Installing from Debian for the tests:" $$missing; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	for s in kamailio mosquitto prometheus prometheus-alertmanager prometheus-blackbox-exporter prometheus-snmp-exporter nginx unbound chrony ssh postgresql mariadb redis-server rsyslog smstools gammu-smsd; do \
		case " $$missing " in *$$s*) systemctl disable --now --quiet $$s 2>/dev/null || true;; esac; done

.venv/ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && \
		apt-get install -y -qq python3-venv >/dev/null; } || { echo "Please install python3-venv"; exit 1; }
	@echo "Setting up .venv (once, about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean:
	@rm -rf .venv dist build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
