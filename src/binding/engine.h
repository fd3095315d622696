/* The engine as a Lua userdata. Moves values between the Lua stack and C structs; decides nothing. */
#ifndef LP_BINDING_ENGINE_H
#define LP_BINDING_ENGINE_H

#include <lua.h>

/* Pushes the function that makes an engine. */
void lp_push_engine_maker(lua_State *L);

#endif
