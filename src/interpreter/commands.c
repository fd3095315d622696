#include "interpreter/commands.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "interpreter/call.h"
#include "interpreter/interrupts.h"

#define CLI "luaprov.cli"

enum { FAILED = 1, LARGEST_CODE = 255 };

bool lp_command_like(const char *word) { return *word && *word != '-' && !strpbrk(word, "/."); }

/* Commands are spelled so; for any other word the module is not even loaded. */
static bool is_spelled_like_one(const char *word) {
  return *word && strspn(word, "abcdefghijklmnopqrstuvwxyz-") == strlen(word);
}

/* Pushes luaprov.cli and returns 1; pushes nothing and returns 0 when it is not installed, -1 (and says why) when it
   is and cannot be used. */
static int push_cli(lua_State *L) {
  int top = lua_gettop(L);
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchpath");
  lua_pushliteral(L, CLI);
  lua_getfield(L, top + 1, "path");
  bool there = lua_pcall(L, 2, 1, 0) == LUA_OK && lua_isstring(L, -1);
  lua_settop(L, top);
  if (!there) return 0;
  lua_getglobal(L, "require");
  lua_pushliteral(L, CLI);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    lp_say("the commands cannot be loaded: %s", luaL_tolstring(L, -1, NULL));
  } else if (!lua_istable(L, -1) || lua_getfield(L, -1, "is_command") != LUA_TFUNCTION ||
             lua_getfield(L, -2, "main") != LUA_TFUNCTION) {
    lp_say("the commands cannot be loaded: %s has no is_command and main", CLI);
  } else {
    lua_settop(L, top + 1);
    return 1;
  }
  lua_settop(L, top);
  return -1;
}

bool lp_command_run(lua_State *L, const char *word, char **argv, int *code) {
  if (!is_spelled_like_one(word)) return false;
  int top = lua_gettop(L);
  int found = push_cli(L);
  *code = FAILED;
  if (found <= 0) return found < 0;
  lua_getfield(L, -1, "is_command");
  lua_pushstring(L, word);
  if (!lp_succeeded(L, lp_call(L, 1, 1))) return true;
  if (!lua_toboolean(L, -1)) {
    lua_settop(L, top);
    return false;
  }
  lua_getfield(L, top + 1, "main");
  lua_pushstring(L, word);
  lua_newtable(L);
  for (int i = 0; argv[i]; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i + 1);
  }
  int status = lp_call(L, 2, 1);
  if (status != LUA_OK && lp_interrupted()) {
    lp_say("interrupted!");
  } else if (lp_succeeded(L, status)) {
    int is_integer;
    lua_Integer answer = lua_tointegerx(L, -1, &is_integer);
    if (is_integer && answer >= 0 && answer <= LARGEST_CODE) *code = (int)answer;
    else lp_say("%s returned no exit code: %s", word, luaL_tolstring(L, -1, NULL));
  }
  lua_settop(L, top);
  return true;
}

/* Pushes luaprov.cli's list of commands, when there is one. */
static bool push_commands(lua_State *L) {
  if (push_cli(L) != 1) return false;
  lua_getfield(L, -1, "commands");
  lua_remove(L, -2);
  return lua_istable(L, -1);
}

/* Pushes the command at `at` in the list on top, and its name; NULL at the end. */
static const char *command_name(lua_State *L, int at) {
  if (lua_geti(L, -1, at) != LUA_TTABLE) return NULL;
  lua_getfield(L, -1, "name");
  return lua_tostring(L, -1);
}

void lp_command_unknown(lua_State *L, const char *word) {
  int top = lua_gettop(L);
  const char *hint = "";
  if (push_commands(L)) {
    int list = lua_gettop(L);
    lua_newtable(L);
    for (int i = 1;; i++) {
      lua_pushvalue(L, list);
      if (!command_name(L, i)) break;
      lua_rawseti(L, list + 1, i);
      lua_settop(L, list + 1);
    }
    lua_settop(L, list + 1);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "luaprov.near");
    if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_istable(L, -1) && lua_getfield(L, -1, "hint") == LUA_TFUNCTION) {
      lua_pushstring(L, word);
      lua_pushvalue(L, list + 1);
      if (lua_pcall(L, 2, 1, 0) == LUA_OK && lua_isstring(L, -1)) hint = lua_tostring(L, -1);
    }
  }
  lp_say("no command and no script '%s'%s", word, hint);
  lua_settop(L, top);
}

void lp_command_list(lua_State *L) {
  int top = lua_gettop(L);
  if (push_commands(L)) {
    for (int i = 1;; i++) {
      lua_settop(L, top + 1);
      const char *name = command_name(L, i);
      if (!name) break;
      lua_getfield(L, -2, "summary");
      const char *summary = lua_tostring(L, -1);
      printf("%s  %-18s %s\n", i == 1 ? "\nCommands (luaprov COMMAND --help says more):\n" : "", name,
             summary ? summary : "");
    }
  }
  lua_settop(L, top);
}
