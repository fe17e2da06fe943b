# GetDATA. `make` alone lists the commands. Nothing is needed beyond Python 3.11 or newer and make; what is needed else goes
# into .venv and .tools beside this file.

UV_VERSION := 0.13.9
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed-from
# Interpreters in order of preference; PYTHON=/path/to/python chooses another.
PYTHON ?=
CANDIDATES := $(if $(PYTHON),"$(PYTHON)",python3.11 python3.12 python3.13 python3.14 python3 python)
# Source-only packages of the lock that are pure Python, and this project itself: the only ones a machine may build.
BUILDABLE := bagit getdata jsonpath-rw
SOURCES := getdata requests_app fulfillment deid tests benchmarks manage.py
TEMPLATES := templates getdata requests_app fulfillment

# A developer's own variables must not turn the embedded run into another.
SERVER_VARIABLES := DATABASE_URL REDIS_URL CELERY_BROKER_URL GETDATA_STORAGE S3_ENDPOINT_URL S3_ACCESS_KEY_ID \
	S3_SECRET_ACCESS_KEY S3_REGION S3_BUCKET_QUARANTINE S3_BUCKET_RELEASED S3_BUCKET_PREVIEWS
EMBEDDED := env $(addprefix -u ,$(SERVER_VARIABLES))
# What a public portal is configured with; the secrets are made up anew each time and reach nothing.
PRODUCTION := $(EMBEDDED) GETDATA_ENV=production DEBUG=0 \
	GETDATA_PUBLIC_URL=https://portal.example ALLOWED_HOSTS=portal.example CSRF_TRUSTED_ORIGINS=https://portal.example \
	DATABASE_URL=postgresql://getdata:unused@db.example/getdata \
	REDIS_URL=redis://cache.example:6379/1 CELERY_BROKER_URL=redis://cache.example:6379/0 \
	GETDATA_STORAGE=s3 S3_ENDPOINT_URL=https://s3.example S3_REGION=us-east-1 \
	S3_ACCESS_KEY_ID=unused S3_SECRET_ACCESS_KEY=unused \
	S3_BUCKET_QUARANTINE=quarantine S3_BUCKET_RELEASED=released S3_BUCKET_PREVIEWS=previews \
	EMAIL_URL=smtp+tls://user:unused@mail.example:587 DEFAULT_FROM_EMAIL=portal@portal.example \
	SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')" \
	GETDATA_MASTER_KEY="$$($(PY) -c 'import base64, secrets; print(base64.b64encode(secrets.token_bytes(32)).decode())')" \
	GETDATA_SIGNING_KEY="$$($(PY) -c 'import base64, secrets; print(base64.b64encode(secrets.token_bytes(32)).decode())')"

.DEFAULT_GOAL := help
.PHONY: help setup run test test-embedded test-servers fuzz lint lint-lock audit sbom fmt bench clean
.NOTPARALLEL:

help: ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1~\2/p' Makefile | awk -F '~' '{ printf "%-22s %s\n", $$1, $$2 }'

setup: ## Make .venv with the locked packages; does nothing when it is up to date
	@want="$$( (cat pyproject.toml uv.lock; pwd) | cksum)"; \
	if [ -x $(PY) ] && [ "$$(cat $(STAMP) 2>/dev/null)" = "$$want" ]; then exit 0; fi; \
	$(FIND_PYTHON); \
	$(FIND_UV); \
	echo "Installing the locked packages into $(VENV) with $$("$$python" -V) (about 1.3 GB, once) ..."; \
	if ! UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=$(VENV) UV_NO_PROGRESS=1 UV_HTTP_TIMEOUT=120 \
		"$$uv" sync --quiet --frozen --all-extras --python "$$python"; then \
		echo "The packages could not be installed: see the lines above. If they name a network error, check the" >&2; \
		echo "connection or the proxy settings and run make setup again; it goes on where it stopped." >&2; \
		exit 1; \
	fi; \
	echo "$$want" > $(STAMP)

run: setup ## Start the portal with demo data: web and worker; Ctrl-C ends both (PORT, GETDATA_VAR, GETDATA_DEMO=0)
	@exec $(PY) manage.py run_portal

test: setup ## Run everything twice: on the embedded default, and on PostgreSQL, Redis and S3, side by side (ARGS="-k name")
	@$(PY) -m tests.lanes rest servers portal engine pure -- $(ARGS)

test-embedded: setup ## The first run alone: SQLite, local files, nothing to install
	@$(PY) -m tests.lanes rest portal engine pure -- $(ARGS)

test-servers: setup ## The second run alone: PostgreSQL, Redis and S3, started for the run where they are installed
	@$(PY) -m tests.lanes servers -- $(ARGS)

fuzz: setup ## Generated input against every reader for FUZZ_SECONDS (120); what breaks one goes to var/fuzz
	@$(EMBEDDED) $(PY) -m tests.fuzz $(ARGS)

lint: setup ## Style, types, layers, templates, migrations, production settings, API schema
	@failed=; check() { name="$$1"; shift; "$$@" || failed="$$failed $$name"; }; \
	check ruff $(PY) -m ruff check $(wildcard $(SOURCES)); \
	check format $(PY) -m ruff format --check $(wildcard $(SOURCES)); \
	check types $(PY) -m mypy $(filter-out tests benchmarks,$(wildcard $(SOURCES))); \
	check layers $(VENV)/bin/lint-imports; \
	check templates find $(TEMPLATES) -name '*.html' -exec $(VENV)/bin/djade --check {} +; \
	check migrations $(EMBEDDED) $(PY) manage.py makemigrations --check --dry-run; \
	check production $(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING; \
	check schema $(EMBEDDED) $(PY) manage.py spectacular --validate --fail-on-warn --file /dev/null; \
	[ -z "$$failed" ] || { echo "lint: these checks failed:$$failed" >&2; exit 1; }; \
	echo "lint: all checks passed"

lint-lock: setup ## Check that every locked package installs without a compiler
	@$(FIND_PYTHON); $(FIND_UV); \
	names="$$($(PY) -c $(LOCKED_NAMES) $(BUILDABLE))" && \
	"$$uv" lock --check --quiet --python $(PY) && \
	UV_NO_BUILD_PACKAGE="$$names" UV_PROJECT_ENVIRONMENT=$(VENV) "$$uv" sync --quiet --frozen --all-extras --dry-run --python $(PY) && \
	echo "lock: every package has a wheel for this machine, except pure Python: $(BUILDABLE)"

audit: setup ## Known vulnerabilities of the locked packages (needs the network; says so where there is none)
	@$(FIND_PYTHON); $(FIND_UV); UV="$$uv" .ci/audit

sbom: setup ## The software bill of materials (CycloneDX JSON) in sbom.cdx.json
	@$(EMBEDDED) $(PY) manage.py sbom --output sbom.cdx.json && echo "sbom: sbom.cdx.json"

fmt: setup ## Format the code and the templates
	@$(PY) -m ruff check --fix-only --quiet $(wildcard $(SOURCES))
	@$(PY) -m ruff format $(wildcard $(SOURCES))
	@find $(TEMPLATES) -name '*.html' -exec $(VENV)/bin/djade {} +

bench: setup ## Run the benchmarks, one program each (ONLY=name for one)
	@found=; for program in benchmarks/bench_$(or $(ONLY),*).py; do \
		[ -e "$$program" ] || continue; found=1; echo "== $$program"; \
		$(EMBEDDED) $(PY) "$$program" $(ARGS) || exit 1; \
	done; [ -n "$$found" ] || { echo "No benchmark is called bench_$(or $(ONLY),*).py." >&2; exit 1; }

clean: ## Remove caches and what was built; keeps .venv and the portal's data in var/
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles ./*.egg-info
	@find . -path ./$(VENV) -prune -o -path ./var -prune -o -type d -name __pycache__ -exec rm -rf {} +

# --- parts of the recipes above --------------------------------------------------------------------------------------

# Sets $$python to an interpreter that runs and is new enough. A name on PATH is not enough: version managers put
# placeholders there that only print an error.
define FIND_PYTHON
python=; seen=; for each in $(CANDIDATES); do \
	version="$$("$$each" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" || continue; \
	case "$$version" in \
		3.1[1-4]) python="$$(command -v "$$each")"; break ;; \
		*) seen="$$seen $$each is $$version;" ;; \
	esac; \
done; \
if [ -z "$$python" ]; then \
	echo "GetDATA needs Python 3.11, 3.12, 3.13 or 3.14, and none was found.$${seen:+ Found:$$seen}" >&2; \
	echo "Debian 12, Ubuntu 24.04 or newer: sudo apt-get install python3 python3-venv. macOS: brew install python@3.12." >&2; \
	echo "Is it somewhere else? make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; \
	exit 1; \
fi
endef

# Sets $$uv to the pinned version: the one on PATH, or one in .tools, made with venv and pip or, where Debian has left
# ensurepip out, with pip alone.
define FIND_UV
uv="$$(command -v uv || true)"; \
if [ -z "$$uv" ] || [ "$$("$$uv" --version 2>/dev/null | cut -d ' ' -f 2)" != "$(UV_VERSION)" ]; then \
	uv=.tools/bin/uv; \
	if [ "$$($$uv --version 2>/dev/null | cut -d ' ' -f 2)" != "$(UV_VERSION)" ]; then \
		echo "Installing uv $(UV_VERSION) into .tools ..."; \
		rm -rf .tools; \
		if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
			"$$python" -m venv .tools && \
			.tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) || exit 1; \
		elif "$$python" -m pip --version >/dev/null 2>&1; then \
			"$$python" -m pip install --quiet --disable-pip-version-check --target .tools uv==$(UV_VERSION) || exit 1; \
		else \
			echo "$$python has neither venv nor pip, so nothing can be installed with it." >&2; \
			echo "Debian or Ubuntu: sudo apt-get install python3-venv. Then run make again." >&2; \
			exit 1; \
		fi; \
	fi; \
fi
endef

# Prints the names of the locked packages, without those given as arguments, for uv's UV_NO_BUILD_PACKAGE.
LOCKED_NAMES := 'import sys, tomllib; \
	names = {package["name"] for package in tomllib.load(open("uv.lock", "rb"))["package"]}; \
	print(" ".join(sorted(names - set(sys.argv[1:]))))'
