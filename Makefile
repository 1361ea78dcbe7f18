# The words to know: setup, check, test, demo, demo-clean. Everything else is in scripts/.
.DEFAULT_GOAL := help
VENV := .venv
STAMP := $(VENV)/.stamp

.PHONY: help setup check fix test man demo demo-clean bench clean

help:            ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(STAMP): pyproject.toml debian-packages scripts/setup
	scripts/setup $(VENV)
	@touch $@

setup: $(STAMP)  ## install what is missing: Debian packages and the virtual environment

check: $(STAMP)  ## format, lint, types, import contracts, unit tests (under a minute)
	scripts/check

fix: $(STAMP)    ## format and mend what can be mended by itself
	$(VENV)/bin/ruff format . && $(VENV)/bin/ruff check --fix .

test: $(STAMP)   ## every test, the virtual machines included
	scripts/test

man: $(STAMP)    ## write the manual pages and completion scripts in share/
	$(VENV)/bin/python scripts/manuals

demo: $(STAMP)   ## install Debian on three machines that boot over the network, and show it
	scripts/demo

demo-clean:      ## stop the demo's daemon and virtual cluster, and remove what it built
	scripts/demo-clean

bench: $(STAMP)  ## the deployment's time against its floor
	$(VENV)/bin/python -m bench.end_to_end

clean: demo-clean  ## remove everything that was made here
	rm -rf $(VENV) build
