/* What becomes of secrets in a JSON text: they show themselves, are revealed, or left out. */
#include <lauxlib.h>
#include <string.h>

#include "binding/json.h"
#include "binding/json_encode.h"

/* Whether the string on top is one of the texts that are left out. */
bool lp_is_secret_text(const lp_encoder *e) {
  for (int i = 1; i <= e->texts; i++) {
    lua_rawgeti(e->L, LP_HOW_SLOT, i);
    bool same = lua_rawequal(e->L, -1, -2);
    lua_pop(e->L, 1);
    if (same) {
      return true;
    }
  }
  return false;
}

/* A secret shows itself to nobody; what a vendor has to get is revealed where the request is made. */
bool lp_encode_secret(lp_encoder *e, const lp_place *up) {
  lua_State *L = e->L;
  if (e->secrets == LP_SHOWN) {
    lp_put(L, &e->out, "\"<secret>\"", 10);
    return true;
  }
  e->gone = e->secrets == LP_LEFT_OUT;
  if (e->gone) {
    return true;
  }
  lua_pushvalue(L, LP_HOW_SLOT);
  lua_pushvalue(L, -2);
  if (lua_pcall(L, 1, 1, 0) != 0) {
    explicit_bzero(e->out.at, e->out.used);
    lua_error(L);
  }
  e->gone = lua_type(L, -1) != LUA_TSTRING;
  bool done = e->gone || lp_encode_string(e, up);
  if (done) {
    lua_pop(L, 1);
  }
  return done;
}

/* encode(value) -> text | nil, message */
int lp_json_encode(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, LP_KEYS_SLOT);
  lp_encoder e = { .L = L, .secrets = LP_SHOWN };
  return lp_encode(&e);
}

/* The arguments after the value go behind the slots of memory. */
static void make_room(lua_State *L, int arguments) {
  lua_settop(L, arguments);
  for (int slot = LP_OUT_SLOT; slot <= LP_KEYS_SLOT; slot++) {
    lua_pushnil(L);
    lua_insert(L, slot);
  }
}

/* encode_revealed(value, reveal) -> text | nil, message: with the text reveal(secret) in the place of each secret; one
 * that has none is left out, and is null in a list. */
int lp_json_encode_revealed(lua_State *L) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  make_room(L, 2);
  lp_encoder e = { .L = L, .secrets = LP_REVEALED };
  return lp_encode(&e);
}

/* encode_open(value[, texts[, omit]]) -> text | nil, message: without its secrets, without strings that are one of the
 * texts, without what omit says (name -> true, or a table of the same for the object of that name); a list with one is
 * left out whole. nil and no message: nothing is left. */
int lp_json_encode_open(lua_State *L) {
  make_room(L, 3);
  lp_encoder e = { .L = L, .secrets = LP_LEFT_OUT };
  if (lua_istable(L, LP_HOW_SLOT)) {
    while (lua_rawgeti(L, LP_HOW_SLOT, e.texts + 1), !lua_isnil(L, -1)) {
      e.texts++;
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  return lp_encode(&e);
}
