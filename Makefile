# The targets and variables of gardener/hyperkube's Makefile, with their meaning, and a few of our own.
# What comes after the first line of a target is what it runs; `make help` lists them.

IMAGE_REPOSITORY   := europe-docker.pkg.dev/gardener-project/releases/hyperkube
KUBERNETES_VERSION ?= $(shell cat KUBERNETES_VERSION)
IMAGE_TAG          := $(KUBERNETES_VERSION)
ARCH               := $(shell uname -m)

# Both spellings of a machine are understood.
arch     := $(patsubst x86_64,amd64,$(patsubst aarch64,arm64,$(ARCH)))
archive  := dist/hyperkube-$(IMAGE_TAG)-$(arch).tar
registry := $(firstword $(subst /, ,$(IMAGE_REPOSITORY)))

# Our own program, built from this checkout unless another one is named: make docker-image HYPERKUBE=hyperkube
built     := artifacts/bin/Hyperkube.Cli/release/hyperkube
HYPERKUBE ?= $(built)
sources   := $(shell find src test/Hyperkube.Testing demo -name '*.cs' -o -name '*.csproj' -o -name '*.elf') \
             Directory.Build.props Directory.Build.targets Directory.Packages.props global.json

# Quiet, and without analyzers: this is for those who use the program. `dotnet build` checks everything.
quickly := --verbosity quiet -nologo -p:RunAnalyzers=false -p:GenerateDocumentationFile=false -p:EnforceCodeStyleInBuild=false

.PHONY: build
build: docker-image ## The same as docker-image

.PHONY: docker-image
docker-image: $(HYPERKUBE) ## Build the image of KUBERNETES_VERSION for ARCH and load it into docker, podman or containerd
	@$(HYPERKUBE) build $(KUBERNETES_VERSION) --platform linux/$(arch) \
		--output docker-archive:$(archive) --tag $(IMAGE_REPOSITORY):$(IMAGE_TAG) --try-load

.PHONY: docker-login
docker-login: ## Log in where docker-push pushes to, with docker, podman or skopeo; their logins are ours too
	@for tool in docker podman skopeo; do \
		if command -v $$tool >/dev/null; then echo "$$tool login $(registry)"; exec $$tool login $(registry); fi; \
	done; \
	echo "make docker-login: neither docker, podman nor skopeo is here; write a docker config.json with a login for $(registry), or name one: HYPERKUBE_AUTHFILE=FILE" >&2; exit 2

.PHONY: docker-push
docker-push: $(HYPERKUBE) ## Build the image of KUBERNETES_VERSION for all platforms and push it
	@$(HYPERKUBE) build $(KUBERNETES_VERSION) --output $(IMAGE_REPOSITORY):$(IMAGE_TAG)

.PHONY: release
release: build docker-login docker-push ## build, docker-login and docker-push of one version

.PHONY: release-all
release-all: $(HYPERKUBE) ## Publish all versions that are missing in the registry, from MINIMUM_KUBERNETES_VERSION on
	@$(HYPERKUBE) release $(IMAGE_REPOSITORY)

.PHONY: demo
demo: $(HYPERKUBE) ## The main job end to end, offline, in about a minute
	@dotnet artifacts/bin/Hyperkube.Demo/release/Hyperkube.Demo.dll $(HYPERKUBE) artifacts/demo

.PHONY: test
test: ## All tests; those that need a program that is not installed are skipped and say so
	@dotnet test --solution hyperkube.slnx --max-parallel-test-modules 1

.PHONY: publish
publish: ## The native program for this machine, in artifacts/publish (wants clang or gcc, and zlib's headers)
	@dotnet publish src/Hyperkube.Cli --configuration Release --use-current-runtime --output artifacts/publish

# Linked with the C library of the Debian release that the packages are of, so on a Debian 12, amd64; `.ci/install-peers cross` as root
# installs what it wants there.
.PHONY: tool-image
tool-image: ## The image of hyperkube itself, for both platforms, in dist/hyperkube-tool (docs/release.md)
	@tools/Hyperkube.ToolImage/fetch-packages artifacts/packages
	@dotnet publish src/Hyperkube.Cli --configuration Release --runtime linux-x64 --output artifacts/publish/linux-x64
	@dotnet publish src/Hyperkube.Cli --configuration Release --runtime linux-arm64 --output artifacts/publish/linux-arm64 \
		-p:LinkerFlavor=lld -p:ObjCopyName=aarch64-linux-gnu-objcopy
	@dotnet build tools/Hyperkube.ToolImage --configuration Release $(quickly)
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) dotnet artifacts/bin/Hyperkube.ToolImage/release/Hyperkube.ToolImage.dll . \
		--exe linux/amd64=artifacts/publish/linux-x64/hyperkube --exe linux/arm64=artifacts/publish/linux-arm64/hyperkube \
		--packages artifacts/packages --output oci:dist/hyperkube-tool $(if $(SOURCE),--source $(SOURCE))

.PHONY: format
format: ## Bring the sources into form
	@dotnet format hyperkube.slnx

.PHONY: clean
clean: ## Remove what was built
	@rm -rf artifacts dist

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(built): $(sources)
	@echo "building hyperkube (the first time takes up to a minute)"
	@dotnet build demo/Hyperkube.Demo.csproj --configuration Release $(quickly)
	@touch $@
