# luaprov: `make` builds into build/, laid out as it will be installed. `make help` lists the rest.

BUILD  ?= build
PREFIX ?= /usr/local
ifeq ($(origin CC),default)
CC = gcc
endif
CFLAGS ?= -O2 -g

# What apt has to give: to build, to run the demo, to run the tests. `a,b` means that either will do.
BUILD_PACKAGES = gcc libc6-dev pkg-config libcurl4-openssl-dev lua5.4 liblua5.4-dev lua-cjson lua-cjson-dev lua-filesystem \
                 lua-argparse libluajit2-5.1-dev,libluajit-5.1-dev libmicrohttpd-dev libsqlite3-dev libpq-dev
DEMO_PACKAGES  = $(BUILD_PACKAGES)
DEB_PACKAGES   = $(BUILD_PACKAGES) dpkg-dev
TEST_PACKAGES  = $(DEMO_PACKAGES) lua-socket luajit2,luajit libcmocka-dev libssl-dev openssl lua-busted valgrind libc6-dbg \
                 locales dpkg-dev groff-base luarocks curl jq bsdutils nginx libnginx-mod-http-lua lua-resty-core \
                 tinyproxy-bin postgresql strace
CHECK_PACKAGES = $(TEST_PACKAGES) lua-check clang cppcheck
FUZZ_PACKAGES  = $(BUILD_PACKAGES) clang
BENCH_PACKAGES = $(DEMO_PACKAGES) lua-socket nginx libnginx-mod-http-lua lua-resty-core openssl
# What luaprov is compared with: who is not there is left out.
PEER_PACKAGES  = luajit2,luajit lua-http python3-requests python3-httpx python3-aiohttp nodejs curl

WARNINGS = -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
           -Wwrite-strings -Wvla
HIDDEN   = -fPIC -fvisibility=hidden
COMPILE  = $(CC) $(WARNINGS) $(CFLAGS) -MMD -MP -Isrc

# V=1 shows the commands whole.
Q = $(if $(V),,@)
# As many jobs as there are processors, where nobody has said how many; `+` before it hands them on.
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
BUILD_IT = $(MAKE) --no-print-directory $(JOBS) $(if $(V),,-s)
SAY = $(if $(V),@:,@echo " ")

pkg = $(shell pkg-config $(1) 2>/dev/null)
CURL_CFLAGS   = $(call pkg,--cflags libcurl)
CURL_LIBS     = $(call pkg,--libs libcurl)
MHD_CFLAGS    = $(call pkg,--cflags libmicrohttpd)
MHD_LIBS      = $(call pkg,--libs libmicrohttpd)
SQLITE_LIBS   = $(call pkg,--libs sqlite3)
PQ_LIBS       = $(call pkg,--libs libpq)
STORE_CFLAGS  = $(call pkg,--cflags sqlite3 libpq)
LUA54_CFLAGS  = $(call pkg,--cflags lua5.4)
LUAJIT_CFLAGS = $(call pkg,--cflags luajit)
# Static, so that the interpreter starts without looking for them.
LUA54_STATIC  = $(shell $(CC) -print-file-name=liblua5.4.a)
CJSON_STATIC  = $(shell $(CC) -print-file-name=liblua5.4-cjson.a)

ENGINE  = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(wildcard src/engine/*.c))
CORE54  = $(patsubst src/binding/%.c,$(BUILD)/obj/binding-5.4/%.o,$(wildcard src/binding/*.c))
CORE51  = $(patsubst src/binding/%.c,$(BUILD)/obj/binding-5.1/%.o,$(wildcard src/binding/*.c))
# Its binding lies beside it and not in binding/: only listener.so links libmicrohttpd.
LISTENER = $(patsubst src/%.c,$(BUILD)/obj/%.o,$(filter-out src/listener/module.c,$(wildcard src/listener/*.c)) \
           src/engine/bytes.c src/engine/clock.c)
# The modules of the stores, each loaded when it is used, and so linked alone.
STORE_MODULES = sqlite postgres digest
store_parts = $(patsubst %,$(BUILD)/obj/store-$(1)/%.o,$(2) share)
PROGRAM = $(patsubst src/%.c,$(BUILD)/obj/%.o,src/luaprov.c $(wildcard src/interpreter/*.c))
LUA     = $(shell find lua -name '*.lua')
C_TESTS = $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/engine/test_*.c tests/listener/test_*.c))
# What the C tests of a folder share: every other C file there.
test_parts = $(patsubst tests/%.c,$(BUILD)/obj/tests/%.o,$(filter-out tests/$(1)/test_%.c tests/$(1)/fuzz_%.c,\
             $(wildcard tests/$(1)/*.c)))

COMPLETION = $(BUILD)/share/bash-completion/completions/luaprov

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all modules modules-5.4 modules-5.1 tests demo test check lint fuzz bench clean help
.PHONY: install uninstall deb rock rock-install readme

all: | toolchain
	@+$(BUILD_IT) modules $(BUILD)/bin/luaprov $(BUILD)/share/man/man1/luaprov.1 $(COMPLETION)

modules: modules-5.4 modules-5.1
modules-5.4: $(BUILD)/lib/lua/5.4/luaprov/core.so $(BUILD)/lib/lua/5.4/luaprov/listener.so \
             $(STORE_MODULES:%=$(BUILD)/lib/lua/5.4/luaprov/%.so) \
             $(patsubst lua/%,$(BUILD)/share/lua/5.4/%,$(LUA))
modules-5.1: $(BUILD)/lib/lua/5.1/luaprov/core.so $(BUILD)/lib/lua/5.1/luaprov/listener.so \
             $(STORE_MODULES:%=$(BUILD)/lib/lua/5.1/luaprov/%.so) \
             $(patsubst lua/%,$(BUILD)/share/lua/5.1/%,$(LUA))

# Says what is missing, installs nothing: that is for the targets that are a whole set-up.
.PHONY: toolchain
toolchain:
	@sh tests/packages.sh --only-tell $(BUILD_PACKAGES)

$(BUILD)/obj/engine/%.o: src/engine/%.c
	@mkdir -p $(@D)
	$(SAY) "CC  $<"
	$(Q)$(COMPILE) $(HIDDEN) $(CURL_CFLAGS) -c -o $@ $<

$(BUILD)/obj/listener/%.o: src/listener/%.c
	@mkdir -p $(@D)
	$(SAY) "CC  $<"
	$(Q)$(COMPILE) $(HIDDEN) $(MHD_CFLAGS) -c -o $@ $<

$(BUILD)/obj/listener-5.4/%.o: src/listener/%.c
	@mkdir -p $(@D)
	$(SAY) "CC  $<"
	$(Q)$(COMPILE) $(HIDDEN) $(LUA54_CFLAGS) -c -o $@ $<

$(BUILD)/obj/listener-5.1/%.o: src/listener/%.c
	@mkdir -p $(@D)
	$(SAY) "CC  $<"
	$(Q)$(COMPILE) $(HIDDEN) $(LUAJIT_CFLAGS) -c -o $@ $<

$(BUILD)/obj/binding-5.4/%.o: src/binding/%.c
	@mkdir -p $(@D)
	$(SAY) "CC  $<"
	$(Q)$(COMPILE) $(HIDDEN) $(LUA54_CFLAGS) -c -o $@ $<

$(BUILD)/obj/binding-5.1/%.o: src/binding/%.c
	@mkdir -p $(@D)
	$(SAY) "CC  $<"
	$(Q)$(COMPILE) $(HIDDEN) $(LUAJIT_CFLAGS) -c -o $@ $<

.PHONY: store-libraries
store-libraries:
	@for name in sqlite3:libsqlite3-dev libpq:libpq-dev; do pkg-config --exists "$${name%:*}" || \
	  { echo "the stores of luaprov need $${name%:*}; Debian's package is $${name#*:}" >&2; exit 1; }; done

$(BUILD)/obj/store-5.4/%.o: src/store/%.c | store-libraries
	@mkdir -p $(@D)
	$(SAY) "CC  $<"
	$(Q)$(COMPILE) $(HIDDEN) $(STORE_CFLAGS) $(LUA54_CFLAGS) -c -o $@ $<

$(BUILD)/obj/store-5.1/%.o: src/store/%.c | store-libraries
	@mkdir -p $(@D)
	$(SAY) "CC  $<"
	$(Q)$(COMPILE) $(HIDDEN) $(STORE_CFLAGS) $(LUAJIT_CFLAGS) -c -o $@ $<

$(BUILD)/lib/lua/5.4/luaprov/core.so: $(ENGINE) $(CORE54)
$(BUILD)/lib/lua/5.1/luaprov/core.so: $(ENGINE) $(CORE51)
# nodelete: when a Lua state closes, a thread of libcurl's may still wait for a name.
%/luaprov/core.so:
	@mkdir -p $(@D)
	$(SAY) "LD  $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-z,nodelete -o $@ $^ $(CURL_LIBS)

$(BUILD)/lib/lua/5.4/luaprov/listener.so: $(LISTENER) $(BUILD)/obj/listener-5.4/module.o $(BUILD)/obj/binding-5.4/headers.o
$(BUILD)/lib/lua/5.1/luaprov/listener.so: $(LISTENER) $(BUILD)/obj/listener-5.1/module.o $(BUILD)/obj/binding-5.1/headers.o
%/luaprov/listener.so:
	@mkdir -p $(@D)
	$(SAY) "LD  $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -o $@ $^ $(MHD_LIBS)

$(BUILD)/lib/lua/5.4/luaprov/sqlite.so: $(call store_parts,5.4,sqlite files)
$(BUILD)/lib/lua/5.1/luaprov/sqlite.so: $(call store_parts,5.1,sqlite files)
$(BUILD)/lib/lua/5.4/luaprov/postgres.so: $(call store_parts,5.4,postgres url)
$(BUILD)/lib/lua/5.1/luaprov/postgres.so: $(call store_parts,5.1,postgres url)
$(BUILD)/lib/lua/5.4/luaprov/digest.so: $(call store_parts,5.4,digest sha256)
$(BUILD)/lib/lua/5.1/luaprov/digest.so: $(call store_parts,5.1,digest sha256)
%/luaprov/sqlite.so: STORE_LIBS = $(SQLITE_LIBS)
%/luaprov/postgres.so: STORE_LIBS = $(PQ_LIBS)
$(foreach lua,5.4 5.1,$(STORE_MODULES:%=$(BUILD)/lib/lua/$(lua)/luaprov/%.so)): %.so:
	@mkdir -p $(@D)
	$(SAY) "LD  $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -o $@ $^ $(STORE_LIBS)

$(BUILD)/share/lua/5.4/%: lua/%
	@mkdir -p $(@D)
	@cp $< $@

$(BUILD)/share/lua/5.1/%: lua/%
	@mkdir -p $(@D)
	@cp $< $@

$(BUILD)/share/man/man1/%: src/package/% lua/luaprov/version.lua
	@mkdir -p $(@D)
	@sed "s/@VERSION@/$$(sed 's/^return "\(.*\)"$$/\1/' lua/luaprov/version.lua)/" $< > $@

$(PROGRAM): $(BUILD)/obj/%.o: src/%.c
	@mkdir -p $(@D)
	$(SAY) "CC  $<"
	$(Q)$(COMPILE) $(HIDDEN) $(LUA54_CFLAGS) -c -o $@ $<

$(COMPLETION): $(BUILD)/bin/luaprov $(wildcard lua/luaprov/cli/*.lua) | modules-5.4
	@mkdir -p $(@D)
	@$(BUILD)/bin/luaprov completion bash > $@

# -Wl,-E: C modules from elsewhere find the Lua API in the interpreter.
$(BUILD)/bin/luaprov: $(PROGRAM)
	@mkdir -p $(@D)
	$(SAY) "LD  $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -Wl,-E -o $@ $(PROGRAM) $(LUA54_STATIC) $(CJSON_STATIC) -lm -ldl

$(BUILD)/obj/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(SAY) "CC  $<"
	$(Q)$(COMPILE) $(CURL_CFLAGS) -c -o $@ $<

$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(call test_parts,engine) $(ENGINE)
	@mkdir -p $(@D)
	$(SAY) "LD  $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call pkg,--libs cmocka libssl libcrypto) $(CURL_LIBS) -lpthread

$(BUILD)/tests/listener/%: $(BUILD)/obj/tests/listener/%.o $(call test_parts,listener) $(LISTENER)
	@mkdir -p $(@D)
	$(SAY) "LD  $@"
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(call pkg,--libs cmocka) $(MHD_LIBS)

$(BUILD)/tests/nginx/system.so: tests/nginx/system.c
	@mkdir -p $(@D)
	$(SAY) "LD  $@"
	$(Q)$(COMPILE) $(HIDDEN) -shared -o $@ $<

tests: modules $(BUILD)/bin/luaprov $(C_TESTS) $(BUILD)/tests/nginx/system.so $(BUILD)/bench/limit

# What has threads of its own, for ThreadSanitizer.
.PHONY: thread-tests
thread-tests: $(filter $(BUILD)/tests/engine/test_driver%,$(C_TESTS))

demo:
	@sh tests/packages.sh $(DEMO_PACKAGES)
	@+$(BUILD_IT) all
	@BUILD=$(BUILD) lua5.4 tests/demo.lua

test:
	@sh tests/packages.sh $(TEST_PACKAGES)
	@+$(BUILD_IT) tests
	@+$(BUILD_IT) BUILD=$(BUILD)/asan \
	  CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all' tests
	@+$(BUILD_IT) BUILD=$(BUILD)/tsan CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=thread' thread-tests
	@BUILD=$(BUILD) lua5.4 tests/run.lua

check:
	@sh tests/packages.sh $(CHECK_PACKAGES)
	@+$(BUILD_IT) lint
	@+$(BUILD_IT) test

lint:
	luacheck -q lua tests examples
	+$(BUILD_IT) BUILD=$(BUILD)/clang CC=clang tests
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability --inline-suppr \
	  --suppress=missingIncludeSystem -Isrc src tests

# The JSON scanner alone, for FUZZ_SECONDS.
FUZZ_SECONDS ?= 60
fuzz:
	@sh tests/packages.sh $(FUZZ_PACKAGES)
	@mkdir -p $(BUILD)/fuzz/corpus
	clang $(WARNINGS) -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Isrc -o $(BUILD)/fuzz/json \
	  tests/engine/fuzz_json.c src/engine/json.c
	$(BUILD)/fuzz/json -max_total_time=$(FUZZ_SECONDS) -max_len=4096 $(BUILD)/fuzz/corpus

# The README's table of providers, from the provider files.
readme: modules-5.4
	@LUA_PATH='$(BUILD)/share/lua/5.4/?.lua;$(BUILD)/share/lua/5.4/?/init.lua;;' LUA_CPATH='$(BUILD)/lib/lua/5.4/?.so;;' \
	  lua5.4 tests/readme_table.lua README.md

# How fast a call is, beside libcurl in C and beside other clients. ROUNDS=7; ONLY=words of one section's name;
# RENEW=1: what comes out is kept, for bench-check and bench-readme.
BENCH_OUT ?= $(BUILD)/bench
bench: bench-ready $(BUILD)/bench/limit
	@sh tests/packages.sh $(PEER_PACKAGES) || echo "without them:"
	@BUILD=$(BUILD) BENCH_OUT=$(BENCH_OUT) $(BENCH_PATHS) lua5.4 tests/bench/speed/main.lua

# Whether it is slower than what is kept: beside libcurl in C and other clients, so that the machine does not matter.
.PHONY: bench-check bench-readme
bench-check: bench-ready $(BUILD)/bench/limit
	@sh tests/packages.sh $(PEER_PACKAGES) || echo "without them:"
	@BUILD=$(BUILD) BENCH_OUT=$(BENCH_OUT) $(BENCH_PATHS) lua5.4 tests/bench/speed/check.lua

# The README's table of speed, from what is kept.
bench-readme: modules-5.4
	@$(BENCH_PATHS) lua5.4 tests/bench/speed/readme.lua README.md

BENCH_PATHS = LUA_PATH='$(BUILD)/share/lua/5.4/?.lua;$(BUILD)/share/lua/5.4/?/init.lua;./?.lua;;' \
              LUA_CPATH='$(BUILD)/lib/lua/5.4/?.so;;'

# The instructions of a call that `make test` compares, written down anew.
.PHONY: bench-counts
bench-counts:
	@sh tests/packages.sh $(TEST_PACKAGES)
	@+$(BUILD_IT) tests
	@BUILD=$(BUILD) $(BENCH_PATHS) lua5.4 tests/speed/run.lua write

.PHONY: bench-ready bench-start bench-stack bench-sandbox bench-store bench-apply bench-limits
bench-ready:
	@sh tests/packages.sh $(BENCH_PACKAGES)
	@+$(BUILD_IT) all

$(BUILD)/bench/limit: tests/bench/speed/limit.c
	@mkdir -p $(@D)
	$(SAY) "CC  $<"
	$(Q)$(COMPILE) $(CURL_CFLAGS) -o $@ $< $(CURL_LIBS)

SANDBOX_SECONDS ?= 60
LIMITS_CREATES  ?= 300
bench-start: bench-ready
	@BUILD=$(BUILD) lua5.4 tests/bench/start.lua
bench-stack: bench-ready
	@BUILD=$(BUILD) $(BUILD)/bin/luaprov tests/bench/stack.lua
bench-sandbox: bench-ready
	@BUILD=$(BUILD) $(BUILD)/bin/luaprov tests/bench/sandbox.lua $(SANDBOX_SECONDS)
bench-store: bench-ready
	@LUAPROV_BUILD=$(BUILD) $(BUILD)/bin/luaprov tests/bench/store.lua
bench-apply: bench-ready
	@LUAPROV_BUILD=$(BUILD) $(BUILD)/bin/luaprov tests/bench/apply.lua
bench-limits: bench-ready
	@LUAPROV_BUILD=$(BUILD) $(BUILD)/bin/luaprov tests/bench/limits.lua $(LIMITS_CREATES)

# apply is killed at each of its system calls, one a run: an hour or two, that may be cut and gone on with (build/soak.done).
# SOAK=WORD: only the cells whose name has the word. KILLS_MOST=200: so many kills, evenly.
.PHONY: soak
soak:
	@sh tests/packages.sh $(TEST_PACKAGES)
	@+$(BUILD_IT) tests
	@LUAPROV_BUILD=$(BUILD) $(BUILD)/bin/luaprov tests/faults/kill/run.lua all '$(SOAK)'

# What a call costs an nginx worker, beside a client written by hand; then a soak of SOAK_SECONDS.
SOAK_SECONDS ?= 600
.PHONY: bench-nginx
bench-nginx:
	@sh tests/packages.sh $(TEST_PACKAGES)
	@+$(BUILD_IT) tests
	@LUAPROV_BUILD=$(CURDIR)/$(BUILD) LUA_PATH='$(BUILD)/share/lua/5.4/?.lua;$(BUILD)/share/lua/5.4/?/init.lua;./?.lua;;' \
	  LUA_CPATH='$(BUILD)/lib/lua/5.4/?.so;;' lua5.4 tests/bench/nginx.lua $(SOAK_SECONDS)

# What is there to install, a name a line.
BUILT = for part in bin lib share; do (cd $(BUILD) && find $$part -type f); done
install: all
	@$(BUILT) | while read -r file; do \
	  case $$file in bin/*) mode=755;; *) mode=644;; esac; \
	  install -D -m $$mode "$(BUILD)/$$file" "$(DESTDIR)$(PREFIX)/$$file" || exit 1; done
	@echo "installed into $(DESTDIR)$(PREFIX)"

# Folders go that are empty then; in /usr and /usr/local only those that no system begins with.
uninstall: all
	@$(BUILT) | while read -r file; do rm -f "$(DESTDIR)$(PREFIX)/$$file" || exit 1; done
	@$(BUILT) | awk '{ while (sub("/[^/]*$$", "")) print }' | sort -ru | while read -r dir; do \
	  case "$(PREFIX):$$dir" in /usr:*/lua*|/usr/local:*/lua*|/usr*:*/bash-completion*) ;; \
	    /usr:*|/usr/local:*) continue;; esac; \
	  rmdir "$(DESTDIR)$(PREFIX)/$$dir" 2>/dev/null || true; done
	@echo "removed from $(DESTDIR)$(PREFIX)"

# In a folder of its own: with Debian's flags, without a debugger's names, and nothing left over from another build.
deb:
	@sh tests/packages.sh --only-tell $(DEB_PACKAGES)
	@rm -rf $(BUILD)/deb
	@+flags() { DEB_BUILD_MAINT_OPTIONS='hardening=+bindnow reproducible=-fixfilepath' dpkg-buildflags --get $$1; }; \
	  $(BUILD_IT) BUILD=$(BUILD)/deb CFLAGS="$$(flags CPPFLAGS) $$(flags CFLAGS) -g0" LDFLAGS="$$(flags LDFLAGS)" \
	  DESTDIR=$(BUILD)/deb/root PREFIX=/usr install >/dev/null
	@sh src/package/deb.sh $(BUILD)/deb/root $(BUILD)

# What luarocks calls, for the one Lua whose headers it names. A warning of a newer compiler is no reason to refuse.
ROCK = $(BUILD)/rock$(subst /,-,$(LUA_INCDIR))
rock:
	@test -f "$(LUA_INCDIR)/lua.h" || { echo "there is no lua.h in LUA_INCDIR=$(LUA_INCDIR)" >&2; exit 1; }
	@+$(BUILD_IT) BUILD=$(ROCK) WARNINGS='-std=c11 -D_GNU_SOURCE' LUA54_CFLAGS='-I$(LUA_INCDIR)' modules-5.4

rock-install: rock
	@mkdir -p "$(LIBDIR)" "$(LUADIR)"
	@cp -R $(ROCK)/lib/lua/5.4/. "$(LIBDIR)"
	@cp -R $(ROCK)/share/lua/5.4/. "$(LUADIR)"

clean:
	rm -rf $(BUILD)

help:
	@echo "make            build into $(BUILD)/"
	@echo "make demo       watch every documented connection being created, read, listed, changed and removed"
	@echo "make test       every test; the last line is the count"
	@echo "make check      luacheck, gcc and clang with warnings as errors, cppcheck, then the tests"
	@echo "make fuzz       the JSON scanner under libFuzzer for FUZZ_SECONDS=60"
	@echo "make bench      how fast a call is, beside libcurl in C and other clients, in ROUNDS=7"
	@echo "make bench RENEW=1  the same, and its figures are kept; make bench-readme shows them in the README"
	@echo "make bench-check  whether a call is slower, beside libcurl in C and other clients, than what is kept"
	@echo "make bench-counts  the instructions of a call that make test compares, written down anew"
	@echo "make bench-start  what a start of the interpreter costs"
	@echo "make bench-stack  what plan and apply cost for many records"
	@echo "make bench-sandbox  what a sandbox carries for SANDBOX_SECONDS=60"
	@echo "make bench-store  what a commit of the state costs"
	@echo "make bench-limits  how near to a vendor's limits LIMITS_CREATES=300 keep"
	@echo "make bench-nginx  what a call costs an nginx worker, and a soak of SOAK_SECONDS=600"
	@echo "make soak       commands are killed at every one of their system calls, and run again: an hour or two; goes on where it was cut"
	@echo "make install    into PREFIX=/usr/local, below DESTDIR"
	@echo "make uninstall  removes that again"
	@echo "make deb        a Debian package in $(BUILD)/"
	@echo "make readme     the README's table of providers, anew"
	@echo "make clean      remove $(BUILD)/"

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
