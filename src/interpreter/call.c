#include "interpreter/call.h"

#include <lauxlib.h>
#include <stdarg.h>
#include <stdio.h>

#include "interpreter/interrupts.h"

static const char *program;

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

int lp_call(lua_State *L, int arguments, int results) {
  int handler = lua_gettop(L) - arguments;
  lua_pushcfunction(L, add_traceback);
  lua_insert(L, handler);
  lp_interrupts_begin(L);
  int status = lua_pcall(L, arguments, results, handler);
  lp_interrupts_end();
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
