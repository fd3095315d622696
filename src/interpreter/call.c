#include "interpreter/call.h"

#include <lauxlib.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

static const char *program;
static lua_State *interruptible; /* whom the signal handler may stop; the handler has no other way to know */

const char *lp_name_program(const char *name) {
  const char *before = program;
  program = name;
  return before;
}

void lp_say(const char *format, ...) {
  va_list values;
  va_start(values, format);
  if (program) fprintf(stderr, "%s: ", program);
  vfprintf(stderr, format, values);
  fputc('\n', stderr);
  va_end(values);
}

/* An error object with __tostring speaks for itself, anything else gets a traceback. */
static int add_traceback(lua_State *L) {
  const char *message = lua_tostring(L, 1);
  if (!message) {
    if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING) return 1;
    message = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  }
  luaL_traceback(L, L, message, 1);
  return 1;
}

static void raise_interrupted(lua_State *L, lua_Debug *debug) {
  (void)debug;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted!");
}

static void on_signal(int, void (*)(int));

/* lua_sethook is the one function of Lua that a signal handler may call. */
static void interrupt(int number) {
  on_signal(number, SIG_DFL);
  lua_sethook(interruptible, raise_interrupted, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

/* Without SA_RESTART: a system call that waits has to come back, or the hook would not run before it ends. */
static void on_signal(int number, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler};
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, NULL);
}

int lp_call(lua_State *L, int arguments, int results) {
  int handler = lua_gettop(L) - arguments;
  lua_pushcfunction(L, add_traceback);
  lua_insert(L, handler);
  interruptible = L;
  on_signal(SIGINT, interrupt);
  int status = lua_pcall(L, arguments, results, handler);
  on_signal(SIGINT, SIG_DFL);
  lua_remove(L, handler);
  return status;
}

bool lp_succeeded(lua_State *L, int status) {
  if (status == LUA_OK) return true;
  const char *message = lua_tostring(L, -1);
  lp_say("%s", message ? message : "(error without a message)");
  lua_pop(L, 1);
  return false;
}
