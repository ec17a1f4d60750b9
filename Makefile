# make song   a first song, from nothing        make test   the whole suite, as CI runs it
# make bench  every budget beside its figure    make soak   long counts, into tests/RESULTS.md
# make listener DATA=folder    fit the listener anew on the ratings, clips and scores in that folder (20 minutes)

PYTHON ?= python3
BIN := .venv/bin

.PHONY: song test checked compiled bench soak listener clean

song: .venv/installed
	$(BIN)/melancholia make longing --seconds 60 --seed 1 -o first-song --force
	@echo "Listen to first-song/master.wav; first-song/report.html shows it with every stem."

test: .venv/tested
	$(MAKE) --no-print-directory -j 2 checked compiled
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

checked: .venv/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

compiled: .venv/tested
	@$(BIN)/python -m compileall -q .venv/lib >/dev/null || true  # some packages hold files of other Pythons

bench: .venv/benched compiled
	$(BIN)/python -m tests.benchmarks

soak: .venv/tested
	$(BIN)/python -m tests.soak

listener: .venv/tested
	@test -n "$(DATA)" || { echo "make listener needs DATA=folder, which holds eerola2013, 4qaed and corpora"; exit 1; }
	$(BIN)/python tools/fit_cue_weights.py $(DATA)/eerola2013
	mkdir -p build/listener && rm -f build/listener/*
	$(BIN)/python tools/fit_listener.py $(DATA) --cues build/listener/clips.jsonl -o assets/listener/mixes.toml
	$(BIN)/python tools/sad_recordings.py $(DATA)/4qaed/labels.csv build/listener/clips.jsonl -o assets/listener/sad_recordings.toml
	$(BIN)/python tools/corpus_figures.py $(DATA)/corpora/openscore-lieder.zip -o build/listener/songs.npz
	$(BIN)/python -m tests.played_songs build/listener/songs.npz -o build/listener/songs.jsonl
	$(BIN)/python -m tests.factorial $(DATA)/eerola2013 -o build/listener/stimuli.jsonl
	$(BIN)/python -m tests.judge --composer planned --seeds 12000-12002 --seconds 30 --every-intensity --twins -o build/listener/pieces.jsonl
	$(BIN)/python tools/fit_scale.py $(DATA)/eerola2013 build/listener/stimuli.jsonl build/listener/pieces.jsonl build/listener/songs.jsonl -o assets/listener/own.toml

clean:
	rm -rf .venv build dist first-song

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "melancholia needs Python 3.11 or later: make PYTHON=/path/to/python3"; exit 1; }
	@echo "Making an environment in .venv ..."
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml | .venv/bin/python
	@echo "Installing melancholia and what it needs (half a minute or more, 600 MB) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e .
	@touch $@

.venv/tested: pyproject.toml | .venv/bin/python
	@echo "Installing melancholia and what its tests need ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e '.[test]'
	@touch $@ .venv/installed

.venv/benched: .venv/tested
	@echo "Installing what melancholia is measured beside ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@
