#include "binding/prepared.h"

#include <lauxlib.h>
#include <string.h>

#include "binding/exchange.h"
#include "engine/engine.h"

#define PREPARED "luaprov.prepared"

typedef struct {
  size_t size;
  lp_request request; /* points into what follows */
  lp_header headers[];
} prepared;

static const char *copy(char **at, const char *text, size_t len) {
  char *start = *at;
  memcpy(start, text, len);
  start[len] = '\0';
  *at = start + len + 1;
  return start;
}

static int prepare(lua_State *L) {
  lp_request request;
  lp_header few[LP_FEW_HEADERS];
  lua_pushvalue(L, 1);
  lua_insert(L, 1); /* where a method has its object */
  lua_settop(L, 2);
  lp_read_head(L, &request, few);
  if (lp_head_fault(&request)) return 0;
  size_t size = sizeof(prepared) + request.header_count * sizeof(lp_header) + request.method_len + 1;
  for (size_t i = 0; i < request.header_count; i++)
    size += request.headers[i].name_len + request.headers[i].value_len + 2;
  prepared *made = lua_newuserdata(L, size);
  made->size = size;
  made->request = request;
  char *at = (char *)&made->headers[request.header_count];
  for (size_t i = 0; i < request.header_count; i++) {
    lp_header *header = &made->headers[i];
    *header = request.headers[i];
    header->name = copy(&at, header->name, header->name_len);
    header->value = copy(&at, header->value, header->value_len);
  }
  made->request.headers = made->headers;
  made->request.method = copy(&at, request.method, request.method_len);
  made->request.head_is_right = true;
  luaL_getmetatable(L, PREPARED);
  lua_setmetatable(L, -2);
  return 1;
}

/* There is a token in it. */
static int wipe(lua_State *L) {
  prepared *made = luaL_checkudata(L, 1, PREPARED);
  explicit_bzero(made, made->size);
  return 0;
}

static int describe(lua_State *L) {
  lua_pushliteral(L, PREPARED);
  return 1;
}

const lp_request *lp_prepared(lua_State *L, int index) {
  if (!lua_toboolean(L, index)) return NULL;
  const prepared *made = luaL_checkudata(L, index, PREPARED);
  return made->size ? &made->request : NULL; /* a finalizer may send after the end of it */
}

void lp_push_prepare(lua_State *L) {
  if (luaL_newmetatable(L, PREPARED)) {
    lua_pushcfunction(L, wipe);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, describe);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, PREPARED);
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
  }
  lua_pop(L, 1);
  lua_pushcfunction(L, prepare);
}
