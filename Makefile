# The targets and variables of gardener/hyperkube's Makefile, with their meaning, and a few of our own.
# What comes after the first line of a target is what it runs; `make help` lists them.

IMAGE_REPOSITORY   := europe-docker.pkg.dev/gardener-project/releases/hyperkube
KUBERNETES_VERSION ?= $(shell cat KUBERNETES_VERSION)
IMAGE_TAG          := $(KUBERNETES_VERSION)
ARCH               := $(shell uname -m)

# Both spellings of a machine are understood.
arch    := $(patsubst x86_64,amd64,$(patsubst aarch64,arm64,$(ARCH)))
archive := dist/hyperkube-$(IMAGE_TAG)-$(arch).tar

# Our own program, built from this checkout unless another one is named: make docker-image HYPERKUBE=hyperkube
built     := artifacts/bin/Hyperkube.Cli/release/hyperkube
HYPERKUBE ?= $(built)
sources   := $(shell find src test/Hyperkube.Testing demo -name '*.cs' -o -name '*.csproj' -o -name '*.elf') \
             Directory.Build.props Directory.Build.targets Directory.Packages.props global.json

.PHONY: build
build: docker-image ## The same as docker-image

.PHONY: docker-image
docker-image: $(HYPERKUBE) ## Build the image of KUBERNETES_VERSION for ARCH and load it into docker, podman or containerd
	@$(HYPERKUBE) build $(KUBERNETES_VERSION) --platform linux/$(arch) \
		--output docker-archive:$(archive) --tag $(IMAGE_REPOSITORY):$(IMAGE_TAG) --try-load

.PHONY: docker-login
docker-login: ## Log in where docker-push pushes to
	@echo "make docker-login: pushing is not there yet, so there is nothing to log in to" >&2; exit 2

.PHONY: docker-push
docker-push: ## Push the image of KUBERNETES_VERSION, all platforms
	@echo "make docker-push: pushing is not there yet; build a layout and copy that: hyperkube build $(KUBERNETES_VERSION) -o oci:dist/hyperkube, then skopeo copy --all oci:dist/hyperkube:$(KUBERNETES_VERSION) docker://$(IMAGE_REPOSITORY):$(IMAGE_TAG)" >&2; exit 2

.PHONY: release
release: ## build, docker-login and docker-push of one version
	@echo "make release: pushing is not there yet; make docker-image builds" >&2; exit 2

.PHONY: release-all
release-all: ## Publish all versions that are missing in the registry
	@echo "make release-all: releasing is not there yet; make docker-image builds one version" >&2; exit 2

.PHONY: demo
demo: $(HYPERKUBE) ## The main job end to end, offline, in about a minute
	@dotnet artifacts/bin/Hyperkube.Demo/release/Hyperkube.Demo.dll $(HYPERKUBE) artifacts/demo

.PHONY: test
test: ## All tests; those that need a program that is not installed are skipped and say so
	@dotnet test --solution hyperkube.slnx --max-parallel-test-modules 1

.PHONY: publish
publish: ## The native program for this machine, in artifacts/publish (wants clang or gcc, and zlib's headers)
	@dotnet publish src/Hyperkube.Cli --configuration Release --use-current-runtime --output artifacts/publish

.PHONY: format
format: ## Bring the sources into form
	@dotnet format hyperkube.slnx

.PHONY: clean
clean: ## Remove what was built
	@rm -rf artifacts dist

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Quiet, and without analyzers: this is for those who use the program. `dotnet build` checks everything.
$(built): $(sources)
	@echo "building hyperkube (the first time takes up to a minute)"
	@dotnet build demo/Hyperkube.Demo.csproj --configuration Release --verbosity quiet -nologo -p:RunAnalyzers=false -p:GenerateDocumentationFile=false -p:EnforceCodeStyleInBuild=false
	@touch $@
