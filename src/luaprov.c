/*
 * The interpreter: what lua does, with lua-cjson linked in, luaprov's modules found beside the program, and its commands.
 *
 * It links neither libcurl nor the engine: core.so is loaded at the first call, so that a script that makes none starts
 * as fast as `lua`.
 */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interpreter/call.h"
#include "interpreter/commands.h"
#include "interpreter/dialogue.h"
#include "interpreter/interrupts.h"
#include "interpreter/memory.h"
#include "interpreter/modules.h"
#include "interpreter/options.h"

enum { DONE = 0, FAILED = 1, MISUSED = 64, INTERRUPTED = 130, UNREAD = 141 /* what SIGPIPE makes of a program */ };

#define USAGE "[OPTIONS] [SCRIPT [ARGUMENTS]]"

static int misuse(char **argv, const lp_options *options) {
  if (options->missing) lp_say("--providers: there is no folder %s", *options->missing ? options->missing : "''");
  else lp_say(options->bare ? "option '%s' lacks its value" : "unknown option '%s'", argv[options->wrong]);
  fprintf(stderr, "usage: luaprov " USAGE " (luaprov --help says more)\n");
  return MISUSED;
}

static int help(lua_State *L) {
  fputs("usage: luaprov " USAGE "      runs a script, as lua does\n"
        "       luaprov COMMAND [ARGUMENTS]                 runs a command\n"
        "\n"
        "Options:\n"
        "  -e CODE            runs CODE\n"
        "  -l NAME            requires a module into the global NAME; -l GLOBAL=NAME: into another\n"
        "  -i                 asks for Lua to run, after the script\n"
        "  -v, --version      prints the version\n"
        "  -E                 reads no LUA_… variable of the environment\n"
        "  -W                 turns warnings on\n"
        "  -                  the script is standard input\n"
        "  --                 the options end here\n"
        "  --providers DIR    looks for provider files in DIR first\n"
        "  -h, --help         prints this\n"
        "Without a script it asks for Lua to run, or runs what is piped into it.\n",
        stdout);
  lp_command_list(L);
  fputs("\n"
        "A command goes before a script of the same name: luaprov ./NAME runs the script.\n"
        "\n"
        "Examples:\n"
        "  luaprov examples/quickstart.lua\n"
        "  luaprov -l luaprov -e 'print(luaprov.json.encode { id = 12345678901234567 })'\n",
        stdout);
  if (fflush(stdout) == 0 && !ferror(stdout)) return DONE;
  if (errno == EPIPE) return UNREAD;
  lp_say("cannot write to standard output: %s", strerror(errno));
  return FAILED;
}

/* Positive from the script's first argument on, 0 is the script, negative what stands before it. */
static void set_arg(lua_State *L, int argc, char **argv, int script) {
  if (script == argc) script = 0; /* without a script the program has its place */
  lua_createtable(L, argc - script - 1, script + 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

static bool run_text(lua_State *L, const char *text, const char *name) {
  int status = luaL_loadbuffer(L, text, strlen(text), name);
  return lp_succeeded(L, status == LUA_OK ? lp_call(L, 0, 0) : status);
}

static bool run_file(lua_State *L, const char *name) {
  int status = luaL_loadfile(L, name);
  return lp_succeeded(L, status == LUA_OK ? lp_call(L, 0, 0) : status);
}

static bool run_init(lua_State *L) {
  static const char *const names[] = {"=LUA_INIT_5_4", "=LUA_INIT"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *init = getenv(names[i] + 1);
    if (init) return *init == '@' ? run_file(L, init + 1) : run_text(L, init, names[i]);
  }
  return true;
}

/* NAME or GLOBAL=NAME. */
static bool run_require(lua_State *L, const char *what) {
  const char *equals = strchr(what, '=');
  lua_pushlstring(L, what, equals ? (size_t)(equals - what) : strlen(what));
  lua_getglobal(L, "require");
  lua_pushstring(L, equals ? equals + 1 : what);
  if (!lp_succeeded(L, lp_call(L, 1, 1))) return false;
  lua_setglobal(L, lua_tostring(L, -2));
  lua_pop(L, 1);
  return true;
}

static bool run_options(lua_State *L, char **argv, int script) {
  for (int at = 1; at < script;) {
    const char *value;
    switch (lp_option_next(argv, &at, &value)) {
      case 'e':
        if (!run_text(L, value, "=(command line)")) return false;
        break;
      case 'l':
        if (!run_require(L, value)) return false;
        break;
      case 'W': lua_warning(L, "@on", 0); break;
      default: break;
    }
  }
  return true;
}

/* Its arguments are taken from `arg`, which LUA_INIT and -e may have changed. */
static bool run_script(lua_State *L, int status) {
  if (status == LUA_OK) {
    if (lua_getglobal(L, "arg") != LUA_TTABLE) luaL_error(L, "'arg' is not a table");
    int count = (int)luaL_len(L, -1);
    luaL_checkstack(L, count + 3, "too many arguments to script");
    for (int i = 1; i <= count; i++) lua_rawgeti(L, -i, i);
    lua_remove(L, -count - 1);
    status = lp_call(L, count, 0);
  }
  return lp_succeeded(L, status);
}

static bool is_file(const char *name) {
  struct stat found;
  return stat(name, &found) == 0 ? !S_ISDIR(found.st_mode) : errno != ENOENT;
}

static int run_word(lua_State *L, char **argv, int script) {
  const char *word = argv[script];
  if (!strcmp(word, "-") && strcmp(argv[script - 1], "--") != 0) {
    return run_script(L, luaL_loadfile(L, NULL)) ? DONE : FAILED;
  }
  if (lp_command_like(word)) {
    int code;
    if (lp_command_run(L, word, argv + script + 1, &code)) return code;
    if (!is_file(word)) {
      lp_command_unknown(L, word);
      return MISUSED;
    }
  }
  return run_script(L, luaL_loadfile(L, word)) ? DONE : FAILED;
}

static int run(lua_State *L, int argc, char **argv, const lp_options *options) {
  bool alone = options->script == argc && !options->has_code && !options->version;
  bool at_terminal = alone && isatty(STDIN_FILENO);
  if (options->version || at_terminal) lp_modules_print_version(L);
  set_arg(L, argc, argv, options->script);
  lua_gc(L, LUA_GCGEN, 0, 0);
  if (!options->no_environment && !run_init(L)) return FAILED;
  if (!run_options(L, argv, options->script)) return FAILED;
  if (options->script < argc) {
    int code = run_word(L, argv, options->script);
    if (code != DONE) return code;
  }
  if (options->interactive || at_terminal) lp_dialogue(L);
  else if (alone && !run_file(L, NULL)) return FAILED;
  return DONE;
}

typedef struct call {
  int argc;
  char **argv;
  lp_options options;
} call;

/* Everything that may run out of memory, in one protected call. */
static int main_in_lua(lua_State *L) {
  const call *given = lua_touserdata(L, 1);
  lua_settop(L, 0);
  if (given->options.no_environment) {
    lua_pushboolean(L, true);
    lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
  }
  lp_modules_open(L);
  int code = given->options.help ? help(L) : run(L, given->argc, given->argv, &given->options);
  lua_pushinteger(L, code);
  return 1;
}

/* A standard stream that is closed stays unusable: its number must not go to a vendor's connection, which would then
   be sent what the script prints. */
static void keep_streams(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) return; /* the wrong way round, on purpose */
  }
}

int main(int argc, char **argv) {
  static char name[] = "luaprov";
  char *nameless[] = {name, NULL}; /* an older kernel starts a program without even its own name */
  call given = argc < 1 ? (call){1, nameless, {0}} : (call){argc, argv, {0}};
  keep_streams();
  lp_name_program(*given.argv[0] ? given.argv[0] : name);
  given.options = lp_options_read(given.argc, given.argv);
  if (given.options.wrong) return misuse(given.argv, &given.options);
  lua_State *L = luaL_newstate();
  if (!L) {
    lp_say("not enough memory");
    return FAILED;
  }
  lp_memory_use(L);
  lua_pushcfunction(L, main_in_lua);
  lua_pushlightuserdata(L, &given);
  int status = lua_pcall(L, 1, 1, 0);
  int code = lp_succeeded(L, status) ? (int)lua_tointeger(L, -1) : FAILED;
  if (code == FAILED && lp_interrupted()) code = INTERRUPTED;
  lua_close(L);
  return code;
}
