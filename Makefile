# Nothing is installed outside this folder: Python tools and cargo-deny go to .local/, packages to target/.

PYTHON ?= python3

TOOLS := .local/venv-tools/bin
DENY := .local/cargo/bin/cargo-deny
CYCLONEDX := .local/cargo/bin/cargo-cyclonedx
SHARED := $(notdir $(patsubst %/Cargo.toml,%,$(wildcard functions/*/Cargo.toml)))
NETWORKS := $(notdir $(patsubst %/Cargo.toml,%,$(wildcard functions/networks/*/Cargo.toml)))
PLATFORMS := $(notdir $(patsubst %/Cargo.toml,%,$(wildcard functions/platforms/*/Cargo.toml)))
SHIPPED := $(NETWORKS:%=functions/networks/%) $(PLATFORMS:%=functions/platforms/%) $(SHARED:%=functions/%) cli
MUTANTS := .local/cargo/bin/cargo-mutants
TEMPLATES := template.yaml archive.yaml

# The SAM CLI keeps its settings here instead of in the home directory, and reports nothing.
export __SAM_CLI_APP_DIR := $(CURDIR)/.local/sam
export SAM_CLI_TELEMETRY := 0

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run demo-outage drill test installing check lint fmt clippy unit doc templates audit deny advisories sbom end-to-end soak month dead-hour million bench fuzz mutants large-ledger screenshots generate example-folders cli deploy release secret clean-data tools

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Run all of it here: local AWS, sandbox, example orders, lost answers. ONCE=1 ends by itself; SHOP=demo opens a shop; PORT, SANDBOX_PORT
	@$(PYTHON) tests/local_aws/start.py run.py

demo-outage: ## Send orders here for two minutes while a network hangs for one of them, and count them; RATE=2 a second
	@$(PYTHON) tests/local_aws/start.py outage.py

DRILLS := wrong-token network-down bad-deploy leaked-key dynamodb-down

drill: ## Play a night of the runbook here: NAME=wrong-token|network-down|bad-deploy|leaked-key|dynamodb-down; WITH=console; INTERACTIVE=1 leaves it to you
	@$(if $(filter $(DRILLS),$(NAME)),:,echo 'Name the drill: make drill NAME=… with one of $(DRILLS)'; exit 1)
	@$(PYTHON) tests/local_aws/start.py drill.py

# Where nobody has built the release, what is tested end to end is built without optimisation: it takes minutes less.
test: export QUICK ?= $(if $(DIST),,1)
test: installing unit templates audit end-to-end ## Test everything, end to end on local AWS included, and check the templates and policies

# Beside the build, which takes longer. What fails here fails again, and is shown, where it is needed.
installing:
	@mkdir -p .local
	@$(PYTHON) tests/local_aws/prepare.py tools emulator audit clients > .local/installing.log 2>&1 &

check: fmt clippy unit ## Check the quick part: formatting, lints, unit and integration tests

lint: fmt clippy doc deny ## Check formatting, lints, documentation, licences

fmt:
	cargo fmt --all --check

clippy:
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

# Without the functions' programs, which are one line each and hold no test. One test more at a time than there are processors: some
# wait for the machine's clock.
unit: export RUST_TEST_THREADS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
unit:
	cargo test --workspace --locked --no-fail-fast --lib --bin postback --bin postback-bench --examples --test '*'
	cargo test --workspace --locked --doc

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

templates: tools
	$(TOOLS)/cfn-lint --regions us-east-1 -- $(TEMPLATES)
	for template in $(TEMPLATES); do \
	  $(TOOLS)/sam validate --region us-east-1 --template-file $$template || exit 1; \
	done

audit: ## Check the templates with checkov and every policy, of roles, queues and the bus, with parliament
	@$(PYTHON) tests/local_aws/prepare.py audit
	.local/venv-audit/bin/checkov --config-file tests/local_aws/checkov.yaml $(TEMPLATES:%=--file %)
	.local/venv-audit/bin/python -W ignore tests/local_aws/policies.py

advisories: $(DENY) ## Check the linked crates against the RustSec database of vulnerabilities; needs github.com
	@$(DENY) fetch db || { echo 'The advisory database (github.com/RustSec/advisory-db) could not be reached: nothing was checked.'; exit 1; }
	$(DENY) check --disable-fetch advisories

sbom: $(CYCLONEDX) ## List the crates in each function and the tool in target/sbom, as CycloneDX
	@rm -rf target/sbom && mkdir -p target/sbom
	$(CYCLONEDX) cyclonedx --all-features --format json --spec-version 1.5 --quiet \
	  --target $(if $(filter arm64,$(ARCHITECTURE)),aarch64,x86_64)-unknown-linux-gnu
	@for package in $(SHIPPED); do mv $$package/*.cdx.json target/sbom/ || exit 1; done
	@find . -name '*.cdx.json' -not -path './target/*' -not -path './.local/*' -delete
	@ls target/sbom

$(CYCLONEDX):
	@echo "Installing cargo-cyclonedx into .local/cargo (once, some minutes)"
	cargo install cargo-cyclonedx --debug --locked --version 0.5.7 --root .local/cargo

deny: $(DENY)
	$(DENY) check licenses bans sources

$(DENY):
	@echo "Installing cargo-deny into .local/cargo (once, some minutes)"
	cargo install cargo-deny --debug --locked --version 0.20.2 --root .local/cargo

end-to-end: tools ## Deploy the template to a fresh local AWS with IAM enforced and test it; QUICK=1 builds without optimisation, ONLY=test_tool.py
	@$(PYTHON) tests/local_aws/prepare.py clients
	@QUICK=$(QUICK) $(TOOLS)/python tests/local_aws/build.py
	$(TOOLS)/python -m pytest -p no:cacheprovider -rs --durations 15 $(if $(ONLY),,--numprocesses 5 --dist loadfile --no-loadscope-reorder) tests/local_aws/$(ONLY)

soak: ## Send some hundred thousand orders through the real handlers with faults at every layer; MINUTES=30
	MINUTES=$(or $(MINUTES),30) cargo run --profile soak --locked --package postback-faults --features soak --bin postback-soak

month: ## Validate and reconcile a simulated month of 10,000 orders, to the minor unit, while functions are killed; ORDERS=10000
	MONTH_ORDERS=$(or $(ORDERS),10000) cargo test --profile soak --locked --package postback-faults --test faults month -- --nocapture

# The tests send only the first minute of it at this rate, and the shopper a quarter of an hour.
dead-hour: ## Let CashMyCell hang for an hour, and answer a bare 503 for another, under five orders a second on ten instances; take DynamoDB, the queues and the secrets away for an hour each; let a firewall refuse one shopper of many for an hour
	cargo test --profile soak --locked --package postback-integration --test it dead_hour -- --nocapture
	cargo test --profile soak --locked --package postback-integration --test it hostile_shopper -- --nocapture
	cargo test --profile soak --locked --package postback-integration --test it life::outage -- --nocapture

# The claims unoptimised, as the tests are built: what holds there holds for the tool.
million: ## Measure reconciling a million lines (60 s, 300 MiB) and answering a thousand claims (2 s); fails above
	cargo run --profile tool --locked --package postback-reconcile --example million -- csv
	cargo run --profile tool --locked --package postback-reconcile --example million -- xlsx
	cargo test --workspace --locked --bin postback a_thousand_claims_are_answered_in_two_seconds -- --ignored --nocapture

bench: tools ## Measure the functions beside what a shop would write instead; SMOKE=1, ROUNDS=5, ONLY=report or answers
	@$(TOOLS)/python tests/bench/bench.py

fuzz: ## Fuzz every parser; SECONDS_EACH=60. Needs a nightly toolchain
	tests/fuzz/run.sh

mutants: $(MUTANTS) ## See which mutants of the protocol, the networks, the ledger and the HTTP client the tests let live; some hours. SHARD=0/8: an eighth
	@status=0; \
	$(MUTATE) --output target/mutants/alone$(SHARD_NAME) $(foreach file,$(MUTATED),--file '$(file)') \
	  --cargo-arg=--config --cargo-arg='profile.dev.package.postback-core.opt-level=0' || status=$$?; \
	$(MUTATE) --output target/mutants/harness$(SHARD_NAME) $(foreach file,$(MUTATED_HARNESS),--file '$(file)') \
	  --test-package postback-runtime --test-package postback-integration || status=$$?; \
	exit $$status

# Each is built anew: without what debugging needs, and the core without optimisation where no long test runs it.
MUTATE = $(MUTANTS) mutants --no-shuffle --jobs 2 $(if $(SHARD),--shard $(SHARD)) --cargo-arg=--config --cargo-arg='profile.dev.debug=false'
SHARD_NAME = $(if $(SHARD),-$(subst /,-of-,$(SHARD)))

# What a crate's own tests show, and what only the embedded DynamoDB shows.
MUTATED := shared/core/src/delivery/** shared/core/src/http/** functions/networks/*/src/**
MUTATED_HARNESS := shared/runtime/src/ledger/** shared/runtime/src/client/**

$(MUTANTS):
	@echo "Installing cargo-mutants into .local/cargo (once, some minutes)"
	cargo install cargo-mutants --debug --locked --version 27.1.0 --root .local/cargo

large-ledger: tools ## Measure how soon the tool and the console show something of a ledger of ITEMS (a million) deliveries in an emulator
	@$(TOOLS)/python tests/local_aws/large_ledger.py

screenshots: ## Make the pictures of the console in docs/console, from a seeded ledger; needs Debian's chromium and chromium-driver
	@$(PYTHON) tests/local_aws/screenshots.py

generate: tools ## Write the generated files: templates, schemas, the API's description, transitions, configuration, costs
	$(TOOLS)/python deploy/template/generate.py
	@cargo metadata --format-version 1 > /dev/null  # a new folder enters Cargo.lock
	UPDATE_SCHEMAS=1 UPDATE_TRANSITIONS=1 cargo test --locked $(foreach package,$(NETWORKS) postback-model,--package $(package)) current
	UPDATE_SCHEMAS=1 cargo test --locked --workspace --test description current
	$(TOOLS)/python tests/local_aws/reference.py
	$(TOOLS)/python tests/local_aws/costs.py

example-folders: tools ## Add a network and a shop system in a copy of the repository: a folder each, one README row, `make generate`, their tests
	@$(TOOLS)/python tests/example_folders/add.py

cli: ## Install the command-line tool into .local/cargo/bin: show, list, settle, replay and redrive orders
	cargo install --locked --path cli --root .local/cargo

deploy: tools ## Build and deploy to your AWS account; the first time it asks for the settings. ENV=staging, SET="Name=value", ARCHITECTURE=arm64, CANARY
	@$(TOOLS)/python deploy/deploy.py --environment "$(ENV)" --set '$(SET)' --architecture "$(ARCHITECTURE)" --canary "$(CANARY)"

release: tools sbom ## Write dist/, from which a shop deploys with the SAM CLI alone; ARCHITECTURE=arm64
	@$(TOOLS)/python deploy/release.py "$(ARCHITECTURE)"

secret: tools ## Ask for a network's settings and put them into its secret: NETWORK=shopback, webhook, click_cookie or a shop system; ENV=staging, STACK
	@$(TOOLS)/python deploy/secret.py "$(NETWORK)" "$(ENV)" "$(STACK)"

clean-data: ## Empty the ledger and everything else that `make run` keeps
	@mkdir -p .local && touch .local/run.lock && for lock in .local/run.lock .local/run-*.lock; do \
	  [ ! -e $$lock ] || flock --nonblock $$lock rm -rf $${lock%.lock} || { echo 'make run is up: stop it first (Ctrl-C)'; exit 1; }; \
	done

tools:
	@$(PYTHON) tests/local_aws/prepare.py
