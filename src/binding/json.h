/* JSON for Lua, exact (DESIGN.md, section 5). The Lua side is lua/luaprov/json.lua. */
#ifndef LP_BINDING_JSON_H
#define LP_BINDING_JSON_H

#include <lua.h>

/* Pushes { decode = …, encode = …, cells = …, encode_open = …, encode_revealed = …, characters = …,
 * null = …, array_mt = … }. An error when lua-cjson is missing. */
void lp_json_open(lua_State *L);

/* What its metatable says that the value on top of the stack is; array_mt: where that of arrays lies. */
typedef enum { LP_OBJECT, LP_ARRAY, LP_SECRET } lp_mark;
lp_mark lp_json_mark(lua_State *L, int array_mt);

/* Functions as C closures, with their upvalues on the stack in the order of these names. */
enum { LP_DECODE_ARRAY_MT = 1, LP_DECODE_CJSON, LP_DECODE_LOCALE, LP_DECODE_HINTS, LP_DECODE_UPVALUES = LP_DECODE_HINTS };
enum { LP_ENCODE_ARRAY_MT = 1, LP_ENCODE_ESCAPES, LP_ENCODE_UPVALUES = LP_ENCODE_ESCAPES };
enum { LP_HINTS = 8 }; /* bytes of decode's memory, zero at first */
int lp_json_decode(lua_State *L);
int lp_json_encode(lua_State *L);
int lp_json_encode_open(lua_State *L);
int lp_json_encode_revealed(lua_State *L);

/* A C closure; its upvalue is encode. */
int lp_json_cells(lua_State *L);

#endif
