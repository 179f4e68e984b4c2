# Everything that people and CI do with this repository. "make" prints the list.
# Tools come by exact version through go run: a machine needs Go, git, make and bash.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

GOFUMPT     := go run mvdan.cc/gofumpt@v0.10.0
STATICCHECK := go run honnef.co/go/tools/cmd/staticcheck@v0.7.0
GOTESTSUM   := go run gotest.tools/gotestsum@v1.13.0

# Of this machine unless GOOS and GOARCH are set in the environment.
VERSION := $(or $(shell git describe --tags --always --dirty --match 'v[0-9]*' 2>/dev/null),dev)
LDFLAGS := -s -w -X github.com/tagbump/tagbump/pkg/cli.version=$(VERSION)
# Without inlining the program is 8 % smaller, and as fast: it waits for servers.
GCFLAGS := all=-l
BINARY  ?= bin/tagbump

PACKAGES ?= ./...
FUZZTIME ?= 20s
RESULTS  := test-results
DIST     := $(abspath dist)
# What a release is built by. The time of the commit is the time of all files.
RELEASE  = cd testdata/release && go run . -version '$(VERSION)' -time "$$(git log -1 --format=%ct)"

.PHONY: help build demo test race cover junit lint fmt fuzz golden corpus corpus-sources observability-test helm-test install-test repositories servers gitea-test kills mutants stats bench bench-yaml bench-git bench-registry clean browser

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/tagbump (GOOS, GOARCH, BINARY)
	go build -trimpath -gcflags='$(GCFLAGS)' -ldflags '$(LDFLAGS)' -o $(BINARY) ./cmd/tagbump

.PHONY: snapshot reproducible release-test sign size orb orb-test

snapshot: ## build all that a release has into dist: archives, deb, rpm, SBOMs, cask, image, checksums
	$(RELEASE) -out '$(DIST)'

reproducible: snapshot ## build a release a second time: every file must have the same bytes
	$(RELEASE) -out '$(DIST)/again'
	@diff -r --exclude=again '$(DIST)' '$(DIST)/again' && rm -r '$(DIST)/again' && echo 'both builds are the same, byte for byte'

release-test: ## install the archive, the deb and the image of dist, and run tagbump demo from each
	cd testdata/release && TAGBUMP_DIST='$(DIST)' go test -count=1 ./...

sign: ## sign dist/checksums.txt by MINISIGN_KEY (base64 of a key without password) or COSIGN_KEY (a file)
	@.ci/sign dist/checksums.txt

size: ## check the size of the program, and that it calls no methods by name
	@.ci/size

orb: ## pack the CircleCI orb into dist/orb.yml
	@mkdir -p dist
	go run ./pkg/internal/orb .circleci/orb/src > dist/orb.yml

orb-test: orb ## check the orb by CircleCI's rules and schema, and run its commands' shell with the program in dist, if there is one
	$(if $(wildcard dist/checksums.txt),TAGBUMP_DIST='$(DIST)') go test -count=1 ./pkg/internal/orb
	cd testdata/release && go test -count=1 -run '^TestSchema' .

demo: build ## show the main job on an embedded registry and repository
	$(BINARY) demo

.PHONY: pictures
pictures: build ## draw what tagbump prints: the demo, as the README shows it, a dry run, an error, status and progress
	$(BINARY) demo --color always | go run ./pkg/internal/pictures testdata/pictures/demo.svg
	$(BINARY) update ghcr.io/haoict/send2ereader:master-202406151230 --no-verify --dry-run --color always \
		--config testdata/examples/plain-chart/.tagbump.yaml --repo testdata/examples/plain-chart 2>&1 | go run ./pkg/internal/pictures testdata/pictures/dry-run.svg
	{ $(BINARY) update haoict/send2ereader:master-202406151230 --env produktion --color always \
		--config testdata/examples/plain-chart/.tagbump.yaml --repo testdata/examples/plain-chart 2>&1 || test $$? = 2; } | go run ./pkg/internal/pictures testdata/pictures/error.svg
	go run ./pkg/internal/pictures/scene status | go run ./pkg/internal/pictures testdata/pictures/status.svg
	go run ./pkg/internal/pictures/scene -working update ghcr.io/acme/checkout --env staging --commit | go run ./pkg/internal/pictures testdata/pictures/progress.svg

test: ## run all tests, then print how many passed (PACKAGES)
	@mkdir -p $(RESULTS)
	@go test -timeout 20m -json $(PACKAGES) | tee $(RESULTS)/test.json | awk -f .ci/summary.awk

browser: ## look at the HTML of status with Debian's chromium (SCREENSHOTS=DIR keeps pictures)
	@cd testdata/browser && SCREENSHOTS='$(abspath $(SCREENSHOTS))' go test -count=1 ./... >&2

race: ## run all tests with the race detector (PACKAGES)
	@mkdir -p $(RESULTS)
	@go test -timeout 60m -race -json $(PACKAGES) | tee $(RESULTS)/test.json | awk -f .ci/summary.awk

cover: ## run all tests, print the coverage of every function and of all, write cover.out
	go test -coverpkg=./pkg/... -coverprofile=cover.out $(PACKAGES)
	go tool cover -func=cover.out

junit: ## write the last test run as test-results/unit.xml
	$(GOTESTSUM) --junitfile $(RESULTS)/unit.xml --format none --raw-command --ignore-non-json-output-lines -- cat $(RESULTS)/test.json

lint: ## check format, go vet, staticcheck, go.mod and the size of the program
	@unformatted=$$($(GOFUMPT) -l .); \
	if [[ -n "$$unformatted" ]]; then echo "not formatted (make fmt):" >&2; echo "$$unformatted" >&2; exit 1; fi
	go vet ./...
	$(STATICCHECK) ./...
	go mod tidy -diff
	@.ci/size

fmt: ## format all Go files
	@$(GOFUMPT) -l -w .

fuzz: ## run every fuzz target (FUZZTIME=20s each)
	@grep -rn --include='*_test.go' --exclude-dir=testdata -oE '^func Fuzz[A-Za-z0-9_]+' . | sort | \
	while IFS=: read -r file _ func; do \
		target=$${func#func }; \
		echo "$$(dirname "$$file"): $$target"; \
		go test "$$(dirname "$$file")" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) </dev/null; \
	done

golden: ## write the goldens anew, in packages whose tests define -update
	@packages=$$(grep -rlE --include='*_test.go' --exclude-dir=testdata 'flag\.Bool(Var)?\(.*"update"' . | xargs -r -n 1 dirname | sort -u || true); \
	for package in $$packages; do go test "$$package" -update; done
	@git status --short

corpus: ## bump every image of every file in a folder, and check each byte (CORPUS=FOLDER, else our own files)
	CORPUS='$(abspath $(CORPUS))' go test ./pkg/plan -run Corpus -v -count=1
	@test -n '$(CORPUS)' || echo 'For 150 public files: make corpus-sources prints where to get them; then make corpus CORPUS=FOLDER'

corpus-sources: ## print the address and the name of each public file of the corpus, for curl or git
	@awk -F '\t' 'NR > 1 { name = $$1; sub("/", "+", name); printf "https://raw.githubusercontent.com/%s/%s/%s\t%s/%s\n", $$1, $$2, $$3, name, $$3 }' testdata/corpus/SOURCES.tsv

bench: ## run all benchmarks
	go test -run '^$$' -bench . -benchmem ./...

kills: ## end local writes, commits and pushes of a checkout at random moments (TIMES of each kind)
	TAGBUMP_KILLS=$(or $(TIMES),200) go test ./pkg/worktree -count=1 -run '^TestKilled$$' -timeout 3h -v

bench-git: ## what a bump costs, beside git clone scripts and go-git's clone (FLAGS, as -only small -rounds 3)
	go run ./pkg/internal/benchgit $(FLAGS)

bench-registry: build ## what a resolved tag costs, beside crane and skopeo (RUNS)
	GOBIN=$(abspath bin) go install github.com/google/go-containerregistry/cmd/crane@v0.22.1
	go run ./pkg/internal/benchregistry -runs $(or $(RUNS),3) $(BINARY) bin/crane

.PHONY: peers bench-peers bench-start

peers: # stripped, as their projects release them
	GOBIN=$(abspath bin) go install -trimpath -ldflags '-s -w' github.com/mikefarah/yq/v4@v4.54.1
	GOBIN=$(abspath bin) go install -trimpath -ldflags '-s -w' sigs.k8s.io/kustomize/kustomize/v5@v5.8.1

bench-peers: build peers ## make one bump as the README's peers do: seconds, requests, bytes and lines
	go run ./pkg/internal/benchpeers $(BINARY) bin/yq bin/kustomize

bench-start: build peers ## make one bump in a job without the programs, from the download to the push (make snapshot first)
	go run ./pkg/internal/benchpeers -start '$(DIST)' $(BINARY) bin/yq bin/kustomize

# A module of its own: nothing that the comparisons need is a dependency of tagbump's.
bench-yaml: ## make the same tag edits with other YAML editors and compare (CORPUS=FOLDER)
	@cd testdata/bench && go run ./editors -corpus '$(abspath $(or $(CORPUS),testdata/corpus/own))'

observability-test: ## hold metrics and traces against the official parsers, a Pushgateway and a collector
	@cd testdata/observability && go test -count=1 ./...

.PHONY: argocd-test

argocd-test: build ## wait for a real Argo CD on a real Kubernetes API server (ONLY=PATTERN); builds both once, 13 minutes of CPU
	testdata/argocd/build bin/rig
	cd testdata/argocd && RIG='$(abspath bin/rig)' TAGBUMP='$(abspath $(BINARY))' GOTOOLCHAIN=auto go test -count=1 -timeout 60m -v -run '$(ONLY)' .

.PHONY: contract

contract: ## hold the requests to GitHub, and the fake's answers, against GitHub's own descriptions (needs npm)
	@cd testdata/contract && { cmp -s package-lock.json node_modules/for-lock.json || \
		{ npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 && cp package-lock.json node_modules/for-lock.json; }; }
	@cd testdata/contract && go test -count=1 ./... >&2

helm-test: ## render charts with helm before and after a bump: only the tag may differ (CORPUS=FOLDER)
	@cd testdata/bench && CORPUS='$(abspath $(CORPUS))' go test -count=1 ./helm

install-test: ## go install the checkout's files as a module version, with an empty module cache
	INSTALL_TEST=1 go test -count=1 -run '^TestInstall$$' ./cmd/tagbump

servers: ## run command lines against OpenSSH, gitolite, git, docker-registry, and GITEA_URL (GITEA_TOKEN), ZOT_URL
	SERVERS=1 go test -count=1 -v ./pkg/internal/servers

gitea-test: ## run pull requests against a Gitea: GITEA_URL (GITEA_TOKEN), or GITEA_BINARY, or one that is built from the Go proxy
	@cd testdata/gitea && go run . go test -C '$(CURDIR)' -count=1 -v -run Gitea ./pkg/internal/servers

repositories: build ## update the images of the repositories in FOLDER, beside an oracle that reads lines (FLAGS, as -most 20)
	@test -n '$(FOLDER)' || { echo "make repositories FOLDER=FOLDER, which holds a folder for each repository" >&2; exit 2; }
	@go run ./pkg/internal/repositories -binary $(BINARY) $(FLAGS) '$(FOLDER)'

mutants: ## take each guard out in a copy: some test must fail (ONLY=PATTERN)
	@go run ./pkg/internal/mutants -only '$(ONLY)' testdata/mutants/*.txt

stats: ## print the size, complexity, tests and comments of each package
	@go run ./pkg/internal/stats ./pkg/...

clean: ## remove what the other targets wrote
	rm -rf bin dist $(RESULTS) cover.out
