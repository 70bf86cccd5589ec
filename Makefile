# `make help` lists the targets: the comment after ## is what it prints.

SHELL   := bash
GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
BIN     := $(CURDIR)/bin
K8S     := k8s k8s/try

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: run
run: ## run one node with what is in the box; ARGS="--listen :9000" for more
	$(GO) run ./cmd/tieline $(ARGS)

# Vetted as they are tested, so that nothing is compiled twice.
.PHONY: test
test: needs ## run every test, installing what they need on Debian (PKG=./pkg/wire/... for fewer)
	$(GO) vet -race $(or $(PKG),./...)
	$(GO) test -race -vet=off -timeout 9m -p 2 $(or $(PKG),./...)
ifndef PKG
	@tests=$$(find handlers/web/sdktest -name '*[._-]test.*js' 2>/dev/null); \
	if [ -z "$$tests" ]; then :; \
	elif command -v node >/dev/null; then node --test $$tests; \
	else echo 'no node here: the tests of the browser client were not run'; fi
endif

# The herd is close to a million messages, which the race detector would make
# take longer than all the rest.
.PHONY: chaos
chaos: needs ## run the failure tests that take minutes, and show their figures (RUN=TestChaosRedis for some)
	$(GO) vet -tags chaos ./cmd/tieline
	$(GO) test -race -vet=off -tags chaos -timeout 13m -count=1 -v -run '$(or $(RUN),^TestChaos)' -skip Herd ./cmd/tieline
ifndef RUN
	$(GO) test -vet=off -tags chaos -timeout 12m -count=1 -v -run '^TestChaosHerd' ./cmd/tieline
endif

.PHONY: check
check: $(BIN)/kubectl-validate $(BIN)/kustomize ## gofmt, vet, staticcheck, and the manifests against the schemas of Kubernetes
	@bad=$$(git ls-files -z '*.go' | xargs -0 gofmt -l); [ -z "$$bad" ] || { echo "not gofmt-ed: $$bad"; exit 1; }
	$(GO) vet -tags chaos ./...
	$(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2 -tags chaos ./...
	@set -e; for dir in $(K8S); do \
		$(BIN)/kustomize build $$dir > $(BIN)/manifests.yaml; \
		$(BIN)/kubectl-validate $(BIN)/manifests.yaml --version 1.30; \
	done

.PHONY: bench
bench: ## run the benchmarks (PKG=./pkg/wire for one package)
	$(GO) test -run '^$$' -bench . -benchmem \
		$(or $(PKG),$$(git grep -lE '^func Benchmark' -- '*_test.go' | xargs -rn1 dirname | sort -u | sed 's|^|./|'))

.PHONY: fuzz
fuzz: ## run each fuzz target for a while (FUZZTIME=10s)
	@set -e; git grep -hoE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | sort -u | while read -r _ name; do \
		for file in $$(git grep -lE "^func $$name\(" -- '*_test.go'); do \
			$(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(or $(FUZZTIME),10s) "./$$(dirname $$file)"; \
		done; \
	done

.PHONY: build
build: ## build the static binary ./tieline
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o tieline ./cmd/tieline

.PHONY: docker
docker: ## build the container image tieline:dev
	docker build -f k8s/Dockerfile --build-arg VERSION=$(VERSION) -t tieline:dev .

# The servers that the tests start for themselves, a browser, and the C compiler
# of the race detector. Packages without a service of their own are taken where
# Debian has them.
.PHONY: needs
needs:
	@set -e; PATH=$$PATH:/usr/sbin:/sbin; packages=; \
	want() { command -v $$1 >/dev/null || { shift; packages="$$packages $$*"; }; }; \
	want redis-server redis-server; \
	want mariadbd mariadb-server-core; \
	want my_print_defaults mariadb-client-core; \
	want chromium chromium; \
	want gcc gcc libc6-dev; \
	[ -n "$$packages" ] || exit 0; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	if ! command -v apt-get >/dev/null || ! command -v $${sudo:-true} >/dev/null; then \
		echo "The tests need what Debian calls$$packages: please install it." >&2; exit 1; \
	fi; \
	echo "installing$$packages"; log=$$(mktemp); \
	apt="$$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300"; \
	{ $$apt update && $$apt install -y --no-install-recommends $$packages; } > $$log 2>&1 || \
		{ tail -n 20 $$log >&2; echo "could not install$$packages" >&2; exit 1; }; \
	rm -f $$log

# Tools too large for `go run`, built once.
$(BIN)/kubectl-validate:
	GOBIN=$(BIN) $(GO) install sigs.k8s.io/kubectl-validate@v0.0.4

$(BIN)/kustomize:
	GOBIN=$(BIN) $(GO) install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1
