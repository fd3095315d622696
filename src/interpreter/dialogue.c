#include "interpreter/dialogue.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interpreter/call.h"
#include "interpreter/lines.h"

/* Pushes one more line; false at the end of the input. What may raise comes before the line is held. */
static bool push_line(lua_State *L, bool first) {
  const char *name = first ? "_PROMPT" : "_PROMPT2";
  const char *prompt = first ? "> " : ">> ";
  if (lua_getglobal(L, name) != LUA_TNIL) prompt = luaL_tolstring(L, -1, NULL);
  size_t len;
  char *line = lp_lines_read(prompt, &len);
  lua_settop(L, first ? 0 : 1);
  if (!line) return false;
  lua_pushlstring(L, line, len);
  free(line);
  return true;
}

/* A chunk that ends too early can be right once it goes on. */
static bool is_unfinished(lua_State *L, int status) {
  static const char end[] = "<eof>";
  size_t len;
  if (status != LUA_ERRSYNTAX) return false;
  const char *message = lua_tolstring(L, -1, &len);
  return len >= sizeof end - 1 && !strcmp(message + len - (sizeof end - 1), end);
}

/* Loads the string at `index`. Text only: without a line editor an arrow key begins as a binary chunk does. */
static int load(lua_State *L, int index) {
  size_t len;
  const char *chunk = lua_tolstring(L, index, &len);
  return luaL_loadbufferx(L, chunk, len, "=stdin", "t");
}

/* Leaves the chunk, or a message, alone on the stack. -1: the input has ended. */
static int read_chunk(lua_State *L) {
  lua_settop(L, 0);
  if (!push_line(L, true)) return -1;
  const char *line = lua_tostring(L, 1);
  bool asks = *line == '='; /* as Lua 5.1 wrote "print this" */
  lua_pushfstring(L, "return %s;", asks ? line + 1 : line);
  int status = load(L, 2);
  if (status == LUA_OK) {
    lp_lines_remember(line);
    lua_replace(L, 1);
    lua_settop(L, 1);
    return LUA_OK;
  }
  if (asks) {
    lua_pushfstring(L, "return %s", line + 1);
    lua_replace(L, 1);
  }
  for (bool more = true;;) {
    lua_settop(L, 1);
    status = load(L, 1);
    if (!more || !is_unfinished(L, status)) break;
    more = push_line(L, false);
    if (!more) continue; /* for the message, which the prompt has taken away */
    lua_pushliteral(L, "\n");
    lua_insert(L, 2);
    lua_concat(L, 3);
  }
  lp_lines_remember(lua_tostring(L, 1));
  lua_remove(L, 1);
  return status;
}

static void print_results(lua_State *L) {
  int count = lua_gettop(L);
  if (!count) return;
  luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
  lua_getglobal(L, "print");
  lua_insert(L, 1);
  if (lua_pcall(L, count, 0, 0) != LUA_OK) lp_say("error calling 'print' (%s)", luaL_tolstring(L, -1, NULL));
}

void lp_dialogue(lua_State *L) {
  const char *program = lp_name_program(NULL);
  lp_lines_open();
  int status;
  while ((status = read_chunk(L)) != -1) {
    if (status == LUA_OK) status = lp_call(L, 0, LUA_MULTRET);
    if (lp_succeeded(L, status)) print_results(L);
  }
  lua_settop(L, 0);
  putchar('\n');
  fflush(stdout);
  lp_name_program(program);
}
